//! Few rows of activations by weights that are floats.

use super::super::prefetch;
use crate::model::kernels::activations::Operand;
use crate::model::kernels::set::Scratch;
use half::{bf16, f16};
use std::arch::x86_64::*;

/// Values to a register.
pub(super) const W: usize = 8;
/// Sums side by side, to hide the latency of an addition.
const N_SUMS: usize = 4;

/// A float that a weight is stored as.
pub(super) trait Stored {
    const BYTES: usize;

    /// Eight weights.
    ///
    /// # Safety
    /// `at` points to as many readable weights.
    unsafe fn load(at: *const u8) -> __m256;

    /// One weight.
    ///
    /// # Safety
    /// `at` points to a readable weight.
    unsafe fn one(at: *const u8) -> f32;
}

pub(super) struct F32;
pub(super) struct F16;
pub(super) struct Bf16;

impl Stored for F32 {
    const BYTES: usize = 4;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn load(at: *const u8) -> __m256 {
        // SAFETY: as the caller says.
        unsafe { _mm256_loadu_ps(at.cast()) }
    }

    unsafe fn one(at: *const u8) -> f32 {
        // SAFETY: as the caller says.
        unsafe { at.cast::<f32>().read_unaligned() }
    }
}

impl Stored for F16 {
    const BYTES: usize = 2;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn load(at: *const u8) -> __m256 {
        // SAFETY: as the caller says.
        _mm256_cvtph_ps(unsafe { _mm_loadu_si128(at.cast()) })
    }

    unsafe fn one(at: *const u8) -> f32 {
        // SAFETY: as the caller says.
        f16::from_bits(unsafe { at.cast::<u16>().read_unaligned() }).to_f32()
    }
}

impl Stored for Bf16 {
    const BYTES: usize = 2;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn load(at: *const u8) -> __m256 {
        // SAFETY: as the caller says.
        let bits = _mm256_cvtepu16_epi32(unsafe { _mm_loadu_si128(at.cast()) });
        _mm256_castsi256_ps(_mm256_slli_epi32::<16>(bits))
    }

    unsafe fn one(at: *const u8) -> f32 {
        // SAFETY: as the caller says.
        bf16::from_bits(unsafe { at.cast::<u16>().read_unaligned() }).to_f32()
    }
}

/// # Safety
/// The processor has the features; `weights` is whole rows of `row_bytes`, `out` is [m][rows].
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn rows<S: Stored>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
    let n_rows = out.len() / x.m;
    for (r, row) in weights.chunks_exact(row_bytes).enumerate() {
        let mut t = 0;
        while t < x.m {
            let out = &mut out[r + t * n_rows..];
            // SAFETY: as the caller says.
            t += unsafe { if x.m - t >= 2 { dot::<S, 2>(row, x, t, out, n_rows) } else { dot::<S, 1>(row, x, t, out, n_rows) } };
        }
    }
}

/// One weight row by `M` rows of activations. How many those were.
///
/// # Safety
/// As for [`rows`].
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn dot<S: Stored, const M: usize>(row: &[u8], x: Operand, t: usize, out: &mut [f32], n_rows: usize) -> usize {
    let xs: [*const f32; M] = std::array::from_fn(|i| x.floats(t + i).as_ptr());
    let mut sums = [[_mm256_setzero_ps(); N_SUMS]; M];
    let mut rest = [0.0; M];
    let whole = x.k / (W * N_SUMS) * (W * N_SUMS);
    // SAFETY: every load is of values below k.
    unsafe {
        for i in (0..whole).step_by(W * N_SUMS) {
            prefetch(row.as_ptr().add(i * S::BYTES), W * N_SUMS * S::BYTES);
            for s in 0..N_SUMS {
                let at = i + s * W;
                let w = S::load(row.as_ptr().add(at * S::BYTES));
                for m in 0..M {
                    sums[m][s] = _mm256_fmadd_ps(w, _mm256_loadu_ps(xs[m].add(at)), sums[m][s]);
                }
            }
        }
        for at in whole..x.k {
            let w = S::one(row.as_ptr().add(at * S::BYTES));
            for m in 0..M {
                rest[m] += w * *xs[m].add(at);
            }
        }
    }
    for (m, [a, b, c, d]) in sums.into_iter().enumerate() {
        out[m * n_rows] = total(_mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d))) + rest[m];
    }
    M
}

/// The sum of the lanes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn total(v: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}
