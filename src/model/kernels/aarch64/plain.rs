//! Blocks of 32 weights with one scale, and longer ones that are several of those.

use super::super::unpacked::Unpacked;
use super::halves::widen_one;
use crate::model::kernels::activations::GROUP;
use crate::quant::{self, Block, BlockIQ4NL, BlockMXFP4, BlockQ4_0, BlockQ4_1, BlockQ5_0, BlockQ5_1, BlockQ8_0, LongBlock};
use std::arch::aarch64::*;

/// A type whose weights are a scale times a number.
pub(super) trait Plain {
    const BYTES: usize;
    /// Times 32 weights in a block.
    const GROUPS: usize = 1;
    /// Weights that have a scale in common: 16 or 32.
    const SUB: usize = GROUP;
    /// Whether something is added to all weights of a block; such blocks are of 32.
    const HAS_MINIMUM: bool = false;

    /// The numbers of weights `32 group..` of a block in the order of the activations.
    ///
    /// # Safety
    /// `block` points to `BYTES` readable bytes; `group < GROUPS`.
    unsafe fn quants(block: *const u8, group: usize) -> [int8x16_t; 2];

    /// The scale of weights `SUB * sub..` of a block. Most types have one, in half precision at the begin.
    ///
    /// # Safety
    /// As for `quants`.
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn scale(block: *const u8, _sub: usize) -> f32 {
        // SAFETY: two bytes at the begin.
        widen_one(unsafe { block.cast::<u16>().read_unaligned() })
    }

    /// What is added, in half precision behind the scale.
    ///
    /// # Safety
    /// As for `quants`, where `HAS_MINIMUM`.
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn minimum(block: *const u8) -> f32 {
        // SAFETY: two bytes behind the scale.
        widen_one(unsafe { block.add(2).cast::<u16>().read_unaligned() })
    }
}

pub(super) struct Q8_0;
pub(super) struct Q4_0;
pub(super) struct Q4_1;
pub(super) struct Q5_0;
pub(super) struct Q5_1;
pub(super) struct IQ4NL;
pub(super) struct MXFP4;

/// 16 bytes as 32 nibbles, the low ones first.
///
/// # Safety
/// `at` points to 16 readable bytes.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn nibbles(at: *const u8) -> [uint8x16_t; 2] {
    // SAFETY: as the caller says.
    let bits = unsafe { vld1q_u8(at) };
    [vandq_u8(bits, vdupq_n_u8(0xF)), vshrq_n_u8::<4>(bits)]
}

/// Numbers of five bits: nibbles, and 32 bits as the fifths.
///
/// # Safety
/// `high` points to four readable bytes, `low` to 16.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn fives(high: *const u8, low: *const u8) -> [int8x16_t; 2] {
    /// Bit i of each eight.
    const WHICH: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
    // SAFETY: as the caller says; 16 bytes.
    let (low, bits, which) = unsafe { (nibbles(low), high.cast::<u32>().read_unaligned(), vld1q_u8(WHICH.as_ptr())) };
    let bytes = vcreate_u8(u64::from(bits));
    let spread =
        [vcombine_u8(vdup_lane_u8::<0>(bytes), vdup_lane_u8::<1>(bytes)), vcombine_u8(vdup_lane_u8::<2>(bytes), vdup_lane_u8::<3>(bytes))];
    std::array::from_fn(|i| vreinterpretq_s8_u8(vbslq_u8(vdupq_n_u8(0x10), vtstq_u8(spread[i], which), low[i])))
}

#[target_feature(enable = "neon")]
#[inline]
fn signed(numbers: [uint8x16_t; 2]) -> [int8x16_t; 2] {
    numbers.map(|n| vreinterpretq_s8_u8(n))
}

#[target_feature(enable = "neon")]
#[inline]
fn less(numbers: [int8x16_t; 2], by: i8) -> [int8x16_t; 2] {
    numbers.map(|n| vsubq_s8(n, vdupq_n_s8(by)))
}

/// What stands in a table at each of 32 nibbles.
///
/// # Safety
/// As for [`nibbles`].
#[target_feature(enable = "neon")]
#[inline]
pub(super) unsafe fn by_table(at: *const u8, table: &[i8; 16]) -> [int8x16_t; 2] {
    // SAFETY: as the caller says; a table is 16 bytes.
    let (table, places) = unsafe { (vld1q_s8(table.as_ptr()), nibbles(at)) };
    places.map(|places| vqtbl1q_s8(table, places))
}

impl Plain for Q8_0 {
    const BYTES: usize = BlockQ8_0::BYTES;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> [int8x16_t; 2] {
        // SAFETY: 32 bytes behind the scale.
        unsafe { [vld1q_s8(block.add(2).cast()), vld1q_s8(block.add(18).cast())] }
    }
}

impl Plain for Q4_0 {
    const BYTES: usize = BlockQ4_0::BYTES;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> [int8x16_t; 2] {
        // SAFETY: 16 bytes behind the scale.
        less(signed(unsafe { nibbles(block.add(2)) }), 8)
    }
}

impl Plain for Q4_1 {
    const BYTES: usize = BlockQ4_1::BYTES;
    const HAS_MINIMUM: bool = true;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> [int8x16_t; 2] {
        // SAFETY: 16 bytes behind scale and minimum.
        signed(unsafe { nibbles(block.add(4)) })
    }
}

impl Plain for Q5_0 {
    const BYTES: usize = BlockQ5_0::BYTES;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> [int8x16_t; 2] {
        // SAFETY: four bytes of fifth bits behind the scale, then 16.
        less(unsafe { fives(block.add(2), block.add(6)) }, 16)
    }
}

impl Plain for Q5_1 {
    const BYTES: usize = BlockQ5_1::BYTES;
    const HAS_MINIMUM: bool = true;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> [int8x16_t; 2] {
        // SAFETY: four bytes of fifth bits behind scale and minimum, then 16.
        unsafe { fives(block.add(4), block.add(8)) }
    }
}

impl Plain for IQ4NL {
    const BYTES: usize = BlockIQ4NL::BYTES;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> [int8x16_t; 2] {
        // SAFETY: 16 bytes behind the scale.
        unsafe { by_table(block.add(2), &quant::IQ4_VALUES) }
    }
}

impl Plain for MXFP4 {
    const BYTES: usize = BlockMXFP4::BYTES;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> [int8x16_t; 2] {
        // SAFETY: 16 bytes behind the exponent.
        unsafe { by_table(block.add(1), &quant::FP4_VALUES) }
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn scale(block: *const u8, _: usize) -> f32 {
        // SAFETY: the first byte.
        quant::half_of_e8m0(unsafe { *block })
    }
}

impl<B: LongBlock> Plain for Unpacked<B> {
    const BYTES: usize = B::BYTES;
    const GROUPS: usize = B::LEN / GROUP;
    const SUB: usize = B::SUB;

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8, group: usize) -> [int8x16_t; 2] {
        // SAFETY: as the caller says; then 16 numbers each.
        unsafe {
            let block = Self::block(block);
            [vld1q_s8(block.quants(2 * group).as_ptr()), vld1q_s8(block.quants(2 * group + 1).as_ptr())]
        }
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn scale(block: *const u8, sub: usize) -> f32 {
        // SAFETY: as the caller says.
        unsafe { Self::block(block) }.d(sub * B::SUB / 16)
    }
}
