//! What a panel is made of: pairs of 32 weights of a row as unsigned numbers, and their scales.

use super::super::scales::SIGN_LOG;
use super::super::ymm::plain::Plain as Signed;
use super::plain::Plain;
use crate::model::kernels::activations::GROUP;
use std::arch::x86_64::*;
use std::marker::PhantomData;

/// A type whose weights are `scale * (q - bias)`, plus a minimum where there is one.
pub(super) trait Laid {
    /// Weights that have a scale in common: 16 or 32.
    const SUB: usize;
    /// The logarithm of the bias.
    const BIAS_LOG: i32;
    const HAS_MINIMUM: bool = false;
    /// Bytes of 32 weights.
    const GROUP_BYTES: usize;

    /// The unsigned numbers of weights `32 group .. 32 group + 64` of a row, the second half missing if it is the last.
    ///
    /// # Safety
    /// `row` points to as many readable weights, `group` is even.
    unsafe fn pair(row: *const u8, group: usize, is_last: bool) -> __m512i;

    /// The scale of weights `SUB * sub..` of a row.
    ///
    /// # Safety
    /// `row` points to as many readable weights.
    unsafe fn scale(row: *const u8, sub: usize) -> f32;

    /// The minimum of weights `32 group..` of a row.
    ///
    /// # Safety
    /// `row` points to as many readable weights.
    unsafe fn minimum(_row: *const u8, _group: usize) -> f32 {
        0.0
    }
}

impl<P: Plain> Laid for P {
    const SUB: usize = P::SUB;
    const BIAS_LOG: i32 = P::BIAS_LOG;
    const GROUP_BYTES: usize = P::BYTES / P::GROUPS;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn pair(row: *const u8, group: usize, is_last: bool) -> __m512i {
        // SAFETY: the blocks that the weights are of.
        unsafe {
            let (block, group) = (row.add(group / P::GROUPS * P::BYTES), group % P::GROUPS);
            if is_last { _mm512_zextsi256_si512(P::one(block, group)) } else { P::two(block, group) }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn scale(row: *const u8, sub: usize) -> f32 {
        let n = P::GROUPS * GROUP / P::SUB;
        // SAFETY: the block that the weights are of.
        unsafe { P::scale(row.add(sub / n * P::BYTES), sub % n) }
    }
}

/// A type that the narrower tiers take apart, into signed numbers.
pub(super) struct Narrow<P>(PhantomData<P>);

impl<P: Signed> Laid for Narrow<P> {
    const SUB: usize = P::SUB;
    const BIAS_LOG: i32 = SIGN_LOG;
    const HAS_MINIMUM: bool = P::HAS_MINIMUM;
    const GROUP_BYTES: usize = P::BYTES / P::GROUPS;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn pair(row: *const u8, group: usize, is_last: bool) -> __m512i {
        // SAFETY: the blocks that the weights are of.
        unsafe {
            let one = |g: usize| P::quants(row.add(g / P::GROUPS * P::BYTES), g % P::GROUPS);
            let upper = if is_last { _mm256_setzero_si256() } else { one(group + 1) };
            _mm512_xor_si512(_mm512_inserti64x4::<1>(_mm512_castsi256_si512(one(group)), upper), _mm512_set1_epi8(-128))
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn scale(row: *const u8, sub: usize) -> f32 {
        let n = P::GROUPS * GROUP / P::SUB;
        // SAFETY: the block that the weights are of.
        unsafe { P::scale(row.add(sub / n * P::BYTES), sub % n) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn minimum(row: *const u8, group: usize) -> f32 {
        // SAFETY: a type with minima has blocks of 32.
        unsafe { P::minimum(row.add(group * P::BYTES)) }
    }
}
