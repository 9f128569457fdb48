//! Blocks of 256 weights, taken apart into registers of 16: numbers in the order of the activations, signed or not as
//! their [`super::scales::Numbers`] says.

use super::super::unpacked::Unpacked;
use super::plain::by_table;
use super::scales::{IQ4XS, Q2K, Q3K, Q4K, Q5K, Q6K, SuperScales};
use crate::quant::{self, SuperBlock};
use std::arch::aarch64::*;

/// Registers of a block.
pub(super) const PARTS: usize = 16;

/// A type with blocks of 256 weights.
pub(super) trait Super: SuperScales {
    /// # Safety
    /// `block` points to `BYTES` readable bytes.
    unsafe fn quants(block: *const u8) -> [int8x16_t; PARTS];
}

/// `(bits >> shift) & mask` of each byte.
#[target_feature(enable = "neon")]
#[inline]
fn field(bits: uint8x16_t, shift: usize, mask: u8) -> uint8x16_t {
    vandq_u8(vshlq_u8(bits, vdupq_n_s8(-(shift as i8))), vdupq_n_u8(mask))
}

/// The nibbles of 16 bytes at `shift`, 0 or 4.
#[target_feature(enable = "neon")]
#[inline]
fn nibbles(bits: uint8x16_t, shift: usize) -> uint8x16_t {
    if shift == 0 { vandq_u8(bits, vdupq_n_u8(0xF)) } else { vshrq_n_u8::<4>(bits) }
}

/// Registers by what stands in each: `part` goes up to 16.
#[target_feature(enable = "neon")]
#[inline]
fn parts(part: impl Fn(usize) -> uint8x16_t) -> [int8x16_t; PARTS] {
    std::array::from_fn(|i| vreinterpretq_s8_u8(part(i)))
}

impl Super for Q2K {
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [int8x16_t; PARTS] {
        parts(|i| {
            // SAFETY: 64 bytes from 16 on; each 32 hold four times 32 numbers.
            let bits = unsafe { vld1q_u8(block.add(16 + i / 8 * 32 + i % 2 * 16)) };
            field(bits, i / 2 % 4 * 2, 3)
        })
    }
}

impl Super for Q3K {
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [int8x16_t; PARTS] {
        parts(|i| {
            // SAFETY: 32 bytes of third bits, then 64 of the others.
            let (third, bits) = unsafe { (vld1q_u8(block.add(i % 2 * 16)), vld1q_u8(block.add(32 + i / 8 * 32 + i % 2 * 16))) };
            vorrq_u8(field(bits, i / 2 % 4 * 2, 3), vshlq_n_u8::<2>(field(third, i / 2, 1)))
        })
    }
}

impl Super for Q4K {
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [int8x16_t; PARTS] {
        // SAFETY: 128 bytes from 16 on.
        parts(|i| nibbles(unsafe { vld1q_u8(block.add(16 + i / 4 * 32 + i % 2 * 16)) }, i / 2 % 2 * 4))
    }
}

impl Super for Q5K {
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [int8x16_t; PARTS] {
        parts(|i| {
            // SAFETY: 32 bytes of fifth bits from 16 on, then 128 of the others.
            let (fifth, bits) = unsafe { (vld1q_u8(block.add(16 + i % 2 * 16)), vld1q_u8(block.add(48 + i / 4 * 32 + i % 2 * 16))) };
            vorrq_u8(nibbles(bits, i / 2 % 2 * 4), vshlq_n_u8::<4>(field(fifth, i / 2, 1)))
        })
    }
}

impl Super for Q6K {
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [int8x16_t; PARTS] {
        // Each half of 128 weights: 64 bytes of lower nibbles; 32 bytes of upper pairs, which go above them.
        parts(|i| {
            let (half, part, at) = (i / 8, i / 2 % 4, i % 2 * 16);
            // SAFETY: 128 bytes of lower nibbles, then 64 of upper pairs.
            let (low, high) = unsafe { (vld1q_u8(block.add(64 * half + 32 * (part % 2) + at)), vld1q_u8(block.add(128 + 32 * half + at))) };
            vorrq_u8(nibbles(low, part / 2 * 4), vshlq_n_u8::<4>(field(high, 2 * part, 3)))
        })
    }
}

impl Super for IQ4XS {
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [int8x16_t; PARTS] {
        // SAFETY: 128 bytes from 8 on.
        let pairs: [[int8x16_t; 2]; PARTS / 2] = std::array::from_fn(|j| unsafe { by_table(block.add(8 + 16 * j), &quant::IQ4_VALUES) });
        std::array::from_fn(|i| pairs[i / 2][i % 2])
    }
}

impl<B: SuperBlock> Super for Unpacked<B> {
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [int8x16_t; PARTS] {
        // SAFETY: as the caller says; then 256 numbers.
        unsafe {
            let quants = Self::block(block).quants();
            std::array::from_fn(|i| vld1q_s8(quants.as_ptr().add(16 * i)))
        }
    }
}
