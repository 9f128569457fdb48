//! Few rows of activations by weights that are floats.

use super::super::prefetch;
use crate::model::kernels::activations::Operand;
use crate::model::kernels::buffer::LINE;
use crate::model::kernels::set::Scratch;
use std::arch::x86_64::*;

/// Values to a register.
pub(super) const W: usize = 16;
/// Sums side by side, to hide the latency of an addition.
const N_SUMS: usize = 4;

/// A float that a weight is stored as.
pub(super) trait Stored {
    const BYTES: usize;

    /// The first `n <= 16` of the weights at an address, zeros behind them.
    ///
    /// # Safety
    /// `at` points to as many readable weights.
    unsafe fn load(at: *const u8, n: usize) -> __m512;
}

pub(super) struct F32;
pub(super) struct F16;
pub(super) struct Bf16;

fn mask(n: usize) -> u16 {
    if n >= W { u16::MAX } else { (1 << n) - 1 }
}

impl Stored for F32 {
    const BYTES: usize = 4;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn load(at: *const u8, n: usize) -> __m512 {
        // SAFETY: what the mask leaves out is not read.
        unsafe { _mm512_maskz_loadu_ps(mask(n), at.cast()) }
    }
}

impl Stored for F16 {
    const BYTES: usize = 2;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn load(at: *const u8, n: usize) -> __m512 {
        // SAFETY: what the mask leaves out is not read.
        _mm512_cvtph_ps(unsafe { _mm256_maskz_loadu_epi16(mask(n), at.cast()) })
    }
}

impl Stored for Bf16 {
    const BYTES: usize = 2;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn load(at: *const u8, n: usize) -> __m512 {
        // SAFETY: what the mask leaves out is not read.
        let bits = _mm512_cvtepu16_epi32(unsafe { _mm256_maskz_loadu_epi16(mask(n), at.cast()) });
        _mm512_castsi512_ps(_mm512_slli_epi32::<16>(bits))
    }
}

/// # Safety
/// The processor has the features; `weights` is whole rows of `row_bytes`, `out` is [m][rows].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn rows<S: Stored>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
    let n_rows = out.len() / x.m;
    for (r, row) in weights.chunks_exact(row_bytes).enumerate() {
        let mut t = 0;
        while t < x.m {
            let out = &mut out[r + t * n_rows..];
            // SAFETY: as the caller says.
            t += unsafe {
                match x.m - t {
                    4.. => dot::<S, 4>(row, x, t, out, n_rows),
                    2.. => dot::<S, 2>(row, x, t, out, n_rows),
                    _ => dot::<S, 1>(row, x, t, out, n_rows),
                }
            };
        }
    }
}

/// One weight row by `M` rows of activations. How many those were.
///
/// # Safety
/// As for [`rows`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn dot<S: Stored, const M: usize>(row: &[u8], x: Operand, t: usize, out: &mut [f32], n_rows: usize) -> usize {
    let xs: [*const f32; M] = std::array::from_fn(|i| x.floats(t + i).as_ptr());
    let mut sums = [[_mm512_setzero_ps(); N_SUMS]; M];
    let whole = x.k / (W * N_SUMS) * (W * N_SUMS);
    // SAFETY: every load is of values below k.
    unsafe {
        for i in (0..whole).step_by(W * N_SUMS) {
            prefetch(row.as_ptr().add(i * S::BYTES), W * N_SUMS * S::BYTES);
            for s in 0..N_SUMS {
                let at = i + s * W;
                let w = S::load(row.as_ptr().add(at * S::BYTES), W);
                for m in 0..M {
                    sums[m][s] = _mm512_fmadd_ps(w, _mm512_loadu_ps(xs[m].add(at)), sums[m][s]);
                }
            }
        }
        for at in (whole..x.k).step_by(W) {
            let n = x.k - at;
            let w = S::load(row.as_ptr().add(at * S::BYTES), n);
            for m in 0..M {
                let y = _mm512_maskz_loadu_ps(mask(n), xs[m].add(at));
                sums[m][0] = _mm512_fmadd_ps(w, y, sums[m][0]);
            }
        }
    }
    for (m, [a, b, c, d]) in sums.into_iter().enumerate() {
        out[m * n_rows] = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)));
    }
    M
}

const _: () = assert!(W * 4 == LINE);
