//! The small numbers of blocks of 256 weights: scales and minima, as 16-bit integers in two registers.

use super::super::unpacked::Unpacked;
use super::halves::widen_one;
use crate::quant::{Block, BlockIQ4XS, BlockQ2K, BlockQ3K, BlockQ4K, BlockQ5K, BlockQ6K, SuperBlock};
use std::arch::aarch64::*;

/// `weight[i] = d * scales[i / 16] * (q[i] - bias) - dmin * minima[i / 16]`, the numbers of one block.
pub(super) struct Scales {
    pub scales: [int16x8_t; 2],
    /// Zero but for [`Numbers::Least`].
    pub minima: [int16x8_t; 2],
    pub d: f32,
    pub dmin: f32,
}

/// What a type's numbers are, taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Unsigned, over a minimum.
    Least,
    /// Unsigned, too large by this.
    Moved(i16),
    Signed,
}

/// A type with blocks of 256 weights.
pub(super) trait SuperScales {
    const BYTES: usize;
    /// Weights that have a scale in common: 16 or 32.
    const SUB: usize;
    const NUMBERS: Numbers;

    /// # Safety
    /// `block` points to `BYTES` readable bytes.
    unsafe fn scales(block: *const u8) -> Scales;
}

pub(super) struct Q2K;
pub(super) struct Q3K;
pub(super) struct Q4K;
pub(super) struct Q5K;
pub(super) struct Q6K;
pub(super) struct IQ4XS;

/// # Safety
/// `at` points to two readable bytes.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn half(at: *const u8) -> f32 {
    // SAFETY: as the caller says.
    widen_one(unsafe { at.cast::<u16>().read_unaligned() })
}

/// # Safety
/// `at` points to four readable bytes.
#[inline(always)]
unsafe fn word(at: *const u8) -> u32 {
    // SAFETY: as the caller says.
    unsafe { at.cast::<u32>().read_unaligned() }
}

/// Words, the first in the lowest bytes, as signed bytes widened.
#[target_feature(enable = "neon")]
#[inline]
fn widened(low: [u32; 2]) -> int16x8_t {
    vmovl_s8(vcreate_s8(u64::from(low[0]) | u64::from(low[1]) << 32))
}

/// Eight numbers, each twice.
#[target_feature(enable = "neon")]
#[inline]
fn doubled(eight: int16x8_t) -> [int16x8_t; 2] {
    [vzip1q_s16(eight, eight), vzip2q_s16(eight, eight)]
}

#[target_feature(enable = "neon")]
#[inline]
fn none() -> [int16x8_t; 2] {
    [vdupq_n_s16(0); 2]
}

impl SuperScales for Q2K {
    const BYTES: usize = BlockQ2K::BYTES;
    const SUB: usize = 16;
    const NUMBERS: Numbers = Numbers::Least;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: 16 bytes of scales at the begin, two half-precision numbers at the end.
        let (both, d, dmin) = unsafe { (vld1q_u8(block), half(block.add(80)), half(block.add(82))) };
        let widened = |bytes: uint8x16_t| {
            let bytes = vreinterpretq_s8_u8(bytes);
            [vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)]
        };
        Scales { scales: widened(vandq_u8(both, vdupq_n_u8(0xF))), minima: widened(vshrq_n_u8::<4>(both)), d, dmin }
    }
}

const SIX_BITS: u32 = 0x3F3F_3F3F;
const FOUR_BITS: u32 = 0x0F0F_0F0F;
const TWO_BITS: u32 = 0x0303_0303;

impl SuperScales for Q3K {
    const BYTES: usize = BlockQ3K::BYTES;
    const SUB: usize = 16;
    const NUMBERS: Numbers = Numbers::Moved(4);

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: 12 bytes of scales from 96 on, then a half-precision number.
        let (a, b, c, d) = unsafe { (word(block.add(96)), word(block.add(100)), word(block.add(104)), half(block.add(108))) };
        let upper = |shift: u32| ((c >> shift) & TWO_BITS) << 4;
        let low = widened([(a & FOUR_BITS) | upper(0), (b & FOUR_BITS) | upper(2)]);
        let high = widened([((a >> 4) & FOUR_BITS) | upper(4), ((b >> 4) & FOUR_BITS) | upper(6)]);
        let bias = vdupq_n_s16(32);
        Scales { scales: [vsubq_s16(low, bias), vsubq_s16(high, bias)], minima: none(), d, dmin: 0.0 }
    }
}

/// Scales and minima of Q4_K and Q5_K: twelve bytes of 6-bit numbers, each for 32 weights, so twice here.
///
/// # Safety
/// `block` points to 16 readable bytes.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn six_bits(block: *const u8) -> Scales {
    // SAFETY: two half-precision numbers, then twelve bytes.
    let (d, dmin, a, b, c) = unsafe { (half(block), half(block.add(2)), word(block.add(4)), word(block.add(8)), word(block.add(12))) };
    let scales = widened([a & SIX_BITS, (c & FOUR_BITS) | (((a >> 6) & TWO_BITS) << 4)]);
    let minima = widened([b & SIX_BITS, ((c >> 4) & FOUR_BITS) | (((b >> 6) & TWO_BITS) << 4)]);
    Scales { scales: doubled(scales), minima: doubled(minima), d, dmin }
}

impl SuperScales for Q4K {
    const BYTES: usize = BlockQ4K::BYTES;
    const SUB: usize = 32;
    const NUMBERS: Numbers = Numbers::Least;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: the block's first 16 bytes.
        unsafe { six_bits(block) }
    }
}

impl SuperScales for Q5K {
    const BYTES: usize = BlockQ5K::BYTES;
    const SUB: usize = 32;
    const NUMBERS: Numbers = Numbers::Least;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: the block's first 16 bytes.
        unsafe { six_bits(block) }
    }
}

impl SuperScales for Q6K {
    const BYTES: usize = BlockQ6K::BYTES;
    const SUB: usize = 16;
    const NUMBERS: Numbers = Numbers::Moved(32);

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: 16 bytes of scales from 192 on, then a half-precision number.
        let (bytes, d) = unsafe { (vld1q_s8(block.add(192).cast()), half(block.add(208))) };
        Scales { scales: [vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)], minima: none(), d, dmin: 0.0 }
    }
}

impl SuperScales for IQ4XS {
    const BYTES: usize = BlockIQ4XS::BYTES;
    const SUB: usize = 32;
    const NUMBERS: Numbers = Numbers::Signed;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        /// Two bits of each scale down to its bits 0 and 1.
        const DOWN: [i16; 8] = [0, -2, -4, -6, -8, -10, -12, -14];
        // SAFETY: a half-precision number, two bytes of high bits, four of low ones; eight numbers.
        let (d, high, low, down) =
            unsafe { (half(block), block.add(2).cast::<u16>().read_unaligned(), word(block.add(4)), vld1q_s16(DOWN.as_ptr())) };
        let bytes = vcreate_u8(u64::from(low));
        let nibbles = vmovl_u8(vand_u8(vzip1_u8(bytes, vshr_n_u8::<4>(bytes)), vdup_n_u8(0xF)));
        let high = vandq_u16(vshlq_u16(vdupq_n_u16(high), down), vdupq_n_u16(3));
        let six = vreinterpretq_s16_u16(vsliq_n_u16::<4>(nibbles, high));
        Scales { scales: doubled(vsubq_s16(six, vdupq_n_s16(32))), minima: none(), d, dmin: 0.0 }
    }
}

impl<B: SuperBlock> SuperScales for Unpacked<B> {
    const BYTES: usize = B::BYTES;
    const SUB: usize = 16;
    const NUMBERS: Numbers = Numbers::Signed;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: as the caller says.
        let block = unsafe { Self::block(block) };
        let scales = block.scales().map(|(scale, _)| i16::from(scale));
        // SAFETY: two times eight numbers.
        let scales = unsafe { [vld1q_s16(scales.as_ptr()), vld1q_s16(scales.as_ptr().add(8))] };
        Scales { scales, minima: none(), d: block.d(), dmin: 0.0 }
    }
}
