//! Blocks of 256 weights, taken apart into registers of 32: numbers in the order of the activations, signed or not as their
//! [`super::super::scales::Numbers`] says.

use super::super::scales::{IQ4XS, Q2K, Q3K, Q4K, Q5K, Q6K, SuperScales, TQ1_0, TQ2_0, word};
use super::plain::{IQ4_TABLE, by_table};
use super::points::Room;
use std::arch::x86_64::*;

/// A type with blocks of 256 weights.
pub(in super::super) trait Super: SuperScales {
    /// # Safety
    /// `block` points to `BYTES` readable bytes.
    unsafe fn quants(block: *const u8) -> [__m256i; 8];

    /// What few rows are multiplied by, register `j` below 8: the same numbers, or magnitudes and the sign of each, 1 or -1,
    /// where those are there first.
    ///
    /// # Safety
    /// `block` points to `BYTES` readable bytes.
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn factors(block: *const u8, _room: &mut Room) -> impl Fn(usize) -> (__m256i, Option<__m256i>) {
        // SAFETY: as the caller says.
        let quants = unsafe { Self::quants(block) };
        move |j: usize| (quants[j], None)
    }
}

/// `(bits >> shift) & mask` of each byte; the mask keeps out what comes from the byte above.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn field(bits: __m256i, shift: usize, mask: i8) -> __m256i {
    _mm256_and_si256(_mm256_srl_epi16(bits, _mm_cvtsi32_si128(shift as i32)), _mm256_set1_epi8(mask))
}

/// Bit `j` of each byte, as 1 << `place`.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn bit(bits: __m256i, j: usize, place: i32) -> __m256i {
    _mm256_sll_epi16(field(bits, j, 1), _mm_cvtsi32_si128(place))
}

/// 64 bytes of two bits each.
///
/// # Safety
/// `at` points to as many readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn twos(at: *const u8) -> [__m256i; 8] {
    // SAFETY: as the caller says.
    let bits = unsafe { [load(at), load(at.add(32))] };
    std::array::from_fn(|j| field(bits[j / 4], 2 * (j % 4), 3))
}

/// # Safety
/// `at` points to 32 readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn load(at: *const u8) -> __m256i {
    // SAFETY: as the caller says.
    unsafe { _mm256_loadu_si256(at.cast()) }
}

impl Super for Q2K {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m256i; 8] {
        // SAFETY: 64 bytes from 16 on.
        unsafe { twos(block.add(16)) }
    }
}

impl Super for TQ2_0 {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m256i; 8] {
        // SAFETY: 64 bytes at the begin.
        unsafe { twos(block) }
    }
}

impl Super for TQ1_0 {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m256i; 8] {
        // SAFETY: 32 bytes of five digits, 16 of five, 4 of four.
        let (first, second, last) = unsafe { (load(block), _mm_loadu_si128(block.add(32).cast()), word(block.add(48))) };
        let rest = _mm256_setr_m128i(second, _mm_set1_epi32(last as i32));
        // For signed comparisons less 128; three times that is, of 256, the same.
        let less = _mm256_set1_epi8(i8::MIN);
        let (first, rest) = (by_powers(_mm256_xor_si256(first, less)), by_powers(_mm256_xor_si256(rest, less)));
        // The last four bytes, each power of them in its place.
        let fours = _mm256_blend_epi32::<0b1010_1010>(rest[0], rest[1]);
        let fours = _mm256_blend_epi32::<0b1100_1100>(fours, _mm256_blend_epi32::<0b1010_1010>(rest[2], rest[3]));
        let [a, b, c, d, e] = first;
        let f = _mm256_permute2x128_si256::<0x20>(rest[0], rest[1]);
        let g = _mm256_permute2x128_si256::<0x20>(rest[2], rest[3]);
        let h = _mm256_blend_epi32::<0b1111_0000>(rest[4], fours);
        [a, b, c, d, e, f, g, h].map(|fractions| first_digit(fractions))
    }
}

/// Fractions of 256 in base 3, times 1, 3, 9, 27 and 81: each begins with another digit.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn by_powers(fractions: __m256i) -> [__m256i; 5] {
    let mut powers = [fractions; 5];
    for i in 1..5 {
        let before = powers[i - 1];
        powers[i] = _mm256_add_epi8(before, _mm256_add_epi8(before, before));
    }
    powers
}

/// The first digit of each byte in base 3, of fractions less 128: 0 up to 85, 1 up to 170.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn first_digit(fractions: __m256i) -> __m256i {
    let above = |most: i8| _mm256_cmpgt_epi8(fractions, _mm256_set1_epi8(most));
    _mm256_sub_epi8(_mm256_sub_epi8(_mm256_setzero_si256(), above(-43)), above(42))
}

impl Super for Q3K {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m256i; 8] {
        // SAFETY: 32 bytes of third bits, then 64 of the others.
        let (third, bits) = unsafe { (load(block), [load(block.add(32)), load(block.add(64))]) };
        std::array::from_fn(|j| _mm256_or_si256(field(bits[j / 4], 2 * (j % 4), 3), bit(third, j, 2)))
    }
}

impl Super for Q4K {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m256i; 8] {
        // SAFETY: 128 bytes from 16 on.
        std::array::from_fn(|j| field(unsafe { load(block.add(16 + 32 * (j / 2))) }, 4 * (j % 2), 0xF))
    }
}

impl Super for Q5K {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m256i; 8] {
        // SAFETY: 32 bytes of fifth bits from 16 on, then 128 of the others.
        let fifth = unsafe { load(block.add(16)) };
        std::array::from_fn(|j| {
            // SAFETY: as above.
            let low = field(unsafe { load(block.add(48 + 32 * (j / 2))) }, 4 * (j % 2), 0xF);
            _mm256_or_si256(low, bit(fifth, j, 4))
        })
    }
}

impl Super for Q6K {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m256i; 8] {
        // Each half of 128 weights: 64 bytes of lower nibbles; 32 bytes of upper pairs, which go above them.
        std::array::from_fn(|j| {
            let (half, part) = (j / 4, j % 4);
            // SAFETY: 128 bytes of lower nibbles, then 64 of upper pairs.
            let (low, high) = unsafe { (load(block.add(64 * half + 32 * (part % 2))), load(block.add(128 + 32 * half))) };
            let upper = _mm256_slli_epi16::<4>(field(high, 2 * part, 3));
            _mm256_or_si256(field(low, 4 * (part / 2), 0xF), upper)
        })
    }
}

impl Super for IQ4XS {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m256i; 8] {
        // SAFETY: 128 bytes from 8 on.
        std::array::from_fn(|j| unsafe { by_table(block.add(8 + 16 * j), &IQ4_TABLE) })
    }
}

/// The 16 scales of a block beside the products of its weights two by two, register `j` below 8: for 32 weights one scale
/// eight times, then the next.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn spread_scales(scales: __m256i) -> impl Fn(usize) -> __m256i {
    /// The bytes of word `first` in the lower half, of the next in the upper one.
    const fn order(first: u8) -> [u8; 32] {
        let mut order = [0; 32];
        let mut i = 0;
        while i < 32 {
            order[i] = 2 * (first + (i as u8) / 16) + (i as u8) % 2;
            i += 1;
        }
        order
    }
    const ORDERS: [[u8; 32]; 4] = [order(0), order(2), order(4), order(6)];
    let eights = [_mm256_permute2x128_si256::<0x00>(scales, scales), _mm256_permute2x128_si256::<0x11>(scales, scales)];
    move |j: usize| {
        // SAFETY: an order is 32 bytes.
        let order = unsafe { _mm256_loadu_si256(ORDERS[j % 4].as_ptr().cast()) };
        _mm256_shuffle_epi8(eights[j / 4], order)
    }
}
