//! Few rows of activations by weights that are floats.

use super::halves::{widen_four, widen_one};
use super::prefetch;
use crate::model::kernels::activations::Operand;
use crate::model::kernels::set::Scratch;
use half::bf16;
use std::arch::aarch64::*;

/// Values to a register.
pub(super) const W: usize = 4;
/// Sums side by side, to hide the latency of an addition.
const N_SUMS: usize = 4;

/// A float that a weight is stored as.
pub(super) trait Stored {
    const BYTES: usize;

    /// Four weights.
    ///
    /// # Safety
    /// `at` points to as many readable weights.
    unsafe fn load(at: *const u8) -> float32x4_t;

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

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn load(at: *const u8) -> float32x4_t {
        // SAFETY: as the caller says.
        unsafe { vld1q_f32(at.cast()) }
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn one(at: *const u8) -> f32 {
        // SAFETY: as the caller says.
        unsafe { at.cast::<f32>().read_unaligned() }
    }
}

impl Stored for F16 {
    const BYTES: usize = 2;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn load(at: *const u8) -> float32x4_t {
        // SAFETY: as the caller says.
        unsafe { widen_four(at.cast()) }
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn one(at: *const u8) -> f32 {
        // SAFETY: as the caller says.
        widen_one(unsafe { at.cast::<u16>().read_unaligned() })
    }
}

impl Stored for Bf16 {
    const BYTES: usize = 2;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn load(at: *const u8) -> float32x4_t {
        // SAFETY: as the caller says.
        vreinterpretq_f32_u32(vshll_n_u16::<16>(unsafe { vld1_u16(at.cast()) }))
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn one(at: *const u8) -> f32 {
        // SAFETY: as the caller says.
        bf16::from_bits(unsafe { at.cast::<u16>().read_unaligned() }).to_f32()
    }
}

/// # Safety
/// `weights` is whole rows of `row_bytes`, `out` is [m][rows].
#[target_feature(enable = "neon")]
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
#[target_feature(enable = "neon")]
#[inline]
unsafe fn dot<S: Stored, const M: usize>(row: &[u8], x: Operand, t: usize, out: &mut [f32], n_rows: usize) -> usize {
    let xs: [*const f32; M] = std::array::from_fn(|i| x.floats(t + i).as_ptr());
    let mut sums = [[vdupq_n_f32(0.0); N_SUMS]; M];
    let mut rest = [0.0f32; M];
    let whole = x.k / (W * N_SUMS) * (W * N_SUMS);
    // SAFETY: every load is of values below k.
    unsafe {
        for i in (0..whole).step_by(W * N_SUMS) {
            prefetch(row.as_ptr().add(i * S::BYTES), W * N_SUMS * S::BYTES);
            for s in 0..N_SUMS {
                let at = i + s * W;
                let w = S::load(row.as_ptr().add(at * S::BYTES));
                for m in 0..M {
                    sums[m][s] = vfmaq_f32(sums[m][s], w, vld1q_f32(xs[m].add(at)));
                }
            }
        }
        for at in whole..x.k {
            let w = S::one(row.as_ptr().add(at * S::BYTES));
            for m in 0..M {
                rest[m] = w.mul_add(*xs[m].add(at), rest[m]);
            }
        }
    }
    for (m, [a, b, c, d]) in sums.into_iter().enumerate() {
        out[m * n_rows] = vaddvq_f32(vaddq_f32(vaddq_f32(a, b), vaddq_f32(c, d))) + rest[m];
    }
    M
}
