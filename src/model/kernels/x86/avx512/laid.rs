//! What a panel is made of: pairs of 32 weights of a row as unsigned numbers, and their scales.

use super::super::Unpacked;
use super::super::scales::SIGN_LOG;
use super::super::ymm::plain::Plain as Signed;
use super::plain::Plain;
use crate::model::kernels::activations::GROUP;
use crate::quant::LongBlock;
use std::arch::x86_64::*;

/// A type whose weights are `scale * (q - bias)`.
pub(super) trait Laid {
    /// Weights that have a scale in common: 16 or 32.
    const SUB: usize;
    /// The logarithm of the bias.
    const BIAS_LOG: i32;

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
}

impl<P: Plain> Laid for P {
    const SUB: usize = GROUP;
    const BIAS_LOG: i32 = P::BIAS_LOG;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn pair(row: *const u8, group: usize, is_last: bool) -> __m512i {
        // SAFETY: one or two blocks.
        unsafe {
            let block = row.add(group * P::BYTES);
            if is_last { _mm512_zextsi256_si512(P::one(block)) } else { P::two(block) }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn scale(row: *const u8, sub: usize) -> f32 {
        // SAFETY: a block has one scale.
        unsafe { P::scale(row.add(sub * P::BYTES)) }
    }
}

/// Blocks of several 32s: a pair is always of one block.
impl<B: LongBlock> Laid for Unpacked<B> {
    const SUB: usize = B::SUB;
    const BIAS_LOG: i32 = SIGN_LOG;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn pair(row: *const u8, group: usize, _: bool) -> __m512i {
        let (block, within) = (group / Self::GROUPS, group % Self::GROUPS);
        // SAFETY: the block that both are of.
        unsafe {
            let block = row.add(block * <Self as Signed>::BYTES);
            let low = _mm512_castsi256_si512(Self::quants(block, within));
            _mm512_xor_si512(_mm512_inserti64x4::<1>(low, Self::quants(block, within + 1)), _mm512_set1_epi8(-128))
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn scale(row: *const u8, sub: usize) -> f32 {
        let n = B::LEN / B::SUB;
        // SAFETY: the block that the weights are of.
        unsafe { <Self as Signed>::scale(row.add(sub / n * B::BYTES), sub % n) }
    }
}
