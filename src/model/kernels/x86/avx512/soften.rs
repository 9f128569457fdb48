//! Scores of a block of keys become weights without leaving their registers.

use crate::model::kernels::attention::KEYS;
use crate::model::kernels::float;
use std::arch::x86_64::*;
use std::ops::Range;

/// Values to a register, and registers of a block's scores.
const W: usize = 16;
const N: usize = KEYS / W;

/// As [`crate::model::kernels::float::soften`].
///
/// # Safety
/// The processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) fn soften(scores: &mut [f32], scale: f32, seen: Range<usize>, before: f32) -> (f32, f32) {
    let Ok(scores) = <&mut [f32; KEYS]>::try_from(&mut *scores) else {
        return float::soften::<true>(scores, scale, seen, before);
    };
    let end = seen.end.min(KEYS);
    let lowest = |n: usize| u64::MAX.checked_shr((KEYS - n) as u32).unwrap_or(0);
    let is_seen = lowest(end) & !lowest(seen.start.min(end));
    let nothing = _mm512_set1_ps(f32::NEG_INFINITY);
    let at = scores.as_mut_ptr();
    let scaled: [__m512; N] = std::array::from_fn(|i| {
        // SAFETY: `N` registers are a block's scores.
        let scores = unsafe { _mm512_loadu_ps(at.add(i * W)) };
        _mm512_mask_mul_ps(nothing, (is_seen >> (i * W)) as __mmask16, scores, _mm512_set1_ps(scale))
    });
    // Where a score is NaN the other one stands.
    let greatest = scaled.iter().fold(nothing, |greatest, scores| _mm512_max_ps(*scores, greatest));
    let top = _mm512_reduce_max_ps(_mm512_max_ps(greatest, _mm512_set1_ps(before)));
    // A row that has seen nothing yet stays at nothing.
    let shift = _mm512_set1_ps(if top == f32::NEG_INFINITY { 0.0 } else { top });
    let mut sums = _mm512_setzero_ps();
    for i in 0..N {
        let weights = exp(_mm512_sub_ps(scaled[i], shift));
        sums = _mm512_add_ps(sums, weights);
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(at.add(i * W), weights) };
    }
    (top, _mm512_reduce_add_ps(sums))
}

/// As [`crate::model::kernels::float::exp`], of what is not above zero.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn exp(x: __m512) -> __m512 {
    let splat = |x: f32| _mm512_set1_ps(x);
    let n = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(_mm512_mul_ps(x, splat(std::f32::consts::LOG2_E)));
    let r = _mm512_fmadd_ps(n, splat(-float::LN_2_LOW), _mm512_fmadd_ps(n, splat(-float::LN_2_HIGH), x));
    let p = float::EXP.iter().skip(1).fold(splat(float::EXP[0]), |p, term| _mm512_fmadd_ps(p, r, splat(*term)));
    let e = _mm512_add_ps(_mm512_fmadd_ps(_mm512_mul_ps(p, r), r, r), splat(1.0));
    // What is too small goes to zero; a NaN stays one.
    let is_kept = _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(x, splat(float::EXP_LEAST));
    _mm512_maskz_scalef_ps(is_kept, e, n)
}
