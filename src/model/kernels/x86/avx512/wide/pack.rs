//! Activations as blocks of tokens.

use super::super::turn::turn;
use crate::model::kernels::wide::{CELL, CELL_STEP, STEP, block_len};
use std::arch::x86_64::*;

/// Tokens and pairs of values that become each other's: a register of pairs.
const N: usize = 16;

/// As [`crate::model::kernels::wide::Pack`] says.
///
/// # Safety
/// The processor has the features; `x` is at most 32 rows of `k` values, the block as long as [`block_len`] says.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
pub(in super::super::super) unsafe fn pack(x: &[f32], k: usize, block: &mut [u16]) {
    let n_tokens = x.len() / k;
    assert!(n_tokens <= CELL && block.len() == block_len(k));
    for (step, block) in block.chunks_exact_mut(CELL_STEP).enumerate() {
        let mask = first(k - step * STEP);
        for (half, block) in block.chunks_exact_mut(CELL_STEP / 2).enumerate() {
            let mut rows = [_mm512_setzero_si512(); N];
            for i in 0..N.min(n_tokens.saturating_sub(half * N)) {
                let t = half * N + i;
                let from = x[t * k + step * STEP..].as_ptr();
                // SAFETY: what the mask leaves out is not read.
                let (low, high) = unsafe {
                    let low = _mm512_maskz_loadu_ps(mask as u16, from);
                    (low, _mm512_maskz_loadu_ps((mask >> N) as u16, from.wrapping_add(N)))
                };
                rows[i] = as_bits(_mm512_cvtne2ps_pbh(high, low));
            }
            let pairs = turn(rows);
            for i in 0..N {
                // SAFETY: 16 registers are half of a step.
                unsafe { _mm512_storeu_si512(block.as_mut_ptr().add(2 * N * i).cast(), pairs[i]) };
            }
        }
    }
}

/// The mask of the first `n` of a step's values, or of all.
pub(super) fn first(n: usize) -> u32 {
    if n < STEP { (1 << n) - 1 } else { u32::MAX }
}

/// The same register as integers.
#[inline(always)]
pub(super) fn as_bits(x: __m512bh) -> __m512i {
    // SAFETY: two names of one register.
    unsafe { std::mem::transmute(x) }
}

/// The same register as numbers.
#[inline(always)]
pub(super) fn as_halves(x: __m512i) -> __m512bh {
    // SAFETY: two names of one register.
    unsafe { std::mem::transmute(x) }
}
