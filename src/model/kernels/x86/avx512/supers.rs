//! Blocks of 256 weights, taken apart into registers.
//!
//! What each type's bits mean is said at the blocks in `quant`. Here they become unsigned numbers in the order of the
//! activations; what a type subtracts from its numbers (32 in Q6_K) is a bias that the sums of the activations take off
//! again, exactly, so that one multiplication of unsigned weights by signed activations serves all. Types of other numbers
//! than those that their bits are give them signed.

use super::super::Unpacked;
use super::super::scales::{IQ4XS, Q2K, Q3K, Q4K, Q5K, Q6K, SuperScales};
use super::plain::by_table;
use crate::quant::{IQ4_VALUES, SuperBlock};
use std::arch::x86_64::*;

/// A type with blocks of 256 weights.
pub(super) trait Super: SuperScales {
    /// # Safety
    /// `block` points to `BYTES` readable bytes.
    unsafe fn quants(block: *const u8) -> [__m512i; 4];
}

/// 32 bytes in both halves of a register.
///
/// # Safety
/// `at` points to 32 readable bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn twice(at: *const u8) -> __m512i {
    // SAFETY: as the caller says.
    unsafe { _mm512_broadcast_i64x4(_mm256_loadu_si256(at.cast())) }
}

/// One 16-bit shift for the lower half, another for the upper one.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn halves(low: i16, high: i16) -> __m512i {
    _mm512_inserti64x4::<1>(_mm512_set1_epi16(low), _mm256_set1_epi16(high))
}

/// `(a & mask) | b`
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn masked_or(a: __m512i, mask: __m512i, b: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0xEA>(a, mask, b)
}

impl Super for Q2K {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        let two = _mm512_set1_epi8(3);
        // SAFETY: 64 bytes from 16 on.
        let (a, b) = unsafe { (twice(block.add(16)), twice(block.add(48))) };
        let (low, high) = (halves(0, 2), halves(4, 6));
        [(a, low), (a, high), (b, low), (b, high)].map(|(bits, shift)| _mm512_and_si512(_mm512_srlv_epi16(bits, shift), two))
    }
}

impl Super for Q3K {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        let (two, four) = (_mm512_set1_epi8(3), _mm512_set1_epi8(4));
        // SAFETY: 32 bytes of third bits, then 64 of the others.
        let (third, a, b) = unsafe { (twice(block), twice(block.add(32)), twice(block.add(64))) };
        let (low, high) = (halves(0, 2), halves(4, 6));
        let thirds = [
            _mm512_sllv_epi16(third, halves(2, 1)),
            _mm512_srlv_epi16(third, halves(0, 1)),
            _mm512_srlv_epi16(third, halves(2, 3)),
            _mm512_srlv_epi16(third, halves(4, 5)),
        ];
        let lows = [(a, low), (a, high), (b, low), (b, high)];
        std::array::from_fn(|i| masked_or(_mm512_srlv_epi16(lows[i].0, lows[i].1), two, _mm512_and_si512(thirds[i], four)))
    }
}

impl Super for Q4K {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        let (shift, four) = (halves(0, 4), _mm512_set1_epi8(0xF));
        // SAFETY: 128 bytes from 16 on.
        std::array::from_fn(|i| _mm512_and_si512(_mm512_srlv_epi16(unsafe { twice(block.add(16 + 32 * i)) }, shift), four))
    }
}

impl Super for Q5K {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        let (shift, four, sixteen) = (halves(0, 4), _mm512_set1_epi8(0xF), _mm512_set1_epi8(0x10));
        // SAFETY: 32 bytes of fifth bits from 16 on, then 128 of the others.
        let fifth = unsafe { twice(block.add(16)) };
        let fifths = [
            _mm512_sllv_epi16(fifth, halves(4, 3)),
            _mm512_sllv_epi16(fifth, halves(2, 1)),
            _mm512_srlv_epi16(fifth, halves(0, 1)),
            _mm512_srlv_epi16(fifth, halves(2, 3)),
        ];
        std::array::from_fn(|i| {
            // SAFETY: as above.
            let low = _mm512_srlv_epi16(unsafe { twice(block.add(48 + 32 * i)) }, shift);
            masked_or(low, four, _mm512_and_si512(fifths[i], sixteen))
        })
    }
}

impl Super for Q6K {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        let (four, upper) = (_mm512_set1_epi8(0xF), _mm512_set1_epi8(0x30));
        // SAFETY: 128 bytes of lower nibbles, then 64 of upper pairs.
        let (a, b, high_a, high_b) = unsafe {
            (_mm512_loadu_si512(block.cast()), _mm512_loadu_si512(block.add(64).cast()), twice(block.add(128)), twice(block.add(160)))
        };
        let (left, right) = (halves(4, 2), halves(0, 2));
        let low = |low: __m512i, high: __m512i| masked_or(low, four, _mm512_and_si512(_mm512_sllv_epi16(high, left), upper));
        let high = |low: __m512i, high: __m512i| {
            masked_or(_mm512_srli_epi16::<4>(low), four, _mm512_and_si512(_mm512_srlv_epi16(high, right), upper))
        };
        [low(a, high_a), high(a, high_a), low(b, high_b), high(b, high_b)]
    }
}

impl Super for IQ4XS {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        // SAFETY: 128 bytes from 8 on.
        std::array::from_fn(|i| unsafe { by_table(block.add(8 + 32 * i), block.add(24 + 32 * i), &IQ4_VALUES) })
    }
}

impl<B: SuperBlock> Super for Unpacked<B> {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        // SAFETY: as the caller says; then 256 numbers.
        unsafe {
            let quants = Self::block(block).quants();
            std::array::from_fn(|i| _mm512_loadu_si512(quants.as_ptr().add(64 * i).cast()))
        }
    }
}
