//! The small numbers of blocks of 256 weights: scales and minima, as 16-bit integers in one register.

use super::halves::widen_one;
use crate::quant::{Block, BlockIQ4XS, BlockQ2K, BlockQ3K, BlockQ4K, BlockQ5K, BlockQ6K, BlockTQ1_0, BlockTQ2_0};
use std::arch::x86_64::*;

/// `weight[i] = d * scales[i / 16] * (q[i] - bias) - dmin * minima[i / 16]`, the numbers of one block.
pub(super) struct Scales {
    /// 16 i16.
    pub scales: __m256i,
    /// 16 i16; zero but for [`Numbers::Least`].
    pub minima: __m256i,
    pub d: f32,
    pub dmin: f32,
}

/// What a type's numbers are, taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Unsigned, over a minimum.
    Least,
    /// Unsigned, too large by 1 << this; below 128, so that two of their products add up to 16 bits.
    Moved(i32),
    /// Signed, without -128.
    Signed,
}

/// The logarithm of what moves signed numbers to unsigned ones.
pub(super) const SIGN_LOG: i32 = 7;

/// A type with blocks of 256 weights.
pub(super) trait SuperScales {
    const BYTES: usize;
    /// Weights that have a scale in common: 16 or 32.
    const SUB: usize;
    const NUMBERS: Numbers;
    /// Whether scales differ; all are 1 where not, and moved numbers so small that 16 of their products add up to 16 bits.
    const IS_SCALED: bool = true;

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
pub(super) struct TQ1_0;
pub(super) struct TQ2_0;

/// # Safety
/// `at` points to two readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) unsafe fn half(at: *const u8) -> f32 {
    // SAFETY: as the caller says.
    widen_one(unsafe { at.cast::<u16>().read_unaligned() })
}

/// # Safety
/// `at` points to four readable bytes.
#[inline(always)]
pub(super) unsafe fn word(at: *const u8) -> u32 {
    // SAFETY: as the caller says.
    unsafe { at.cast::<u32>().read_unaligned() }
}

impl SuperScales for Q2K {
    const BYTES: usize = BlockQ2K::BYTES;
    const SUB: usize = 16;
    const NUMBERS: Numbers = Numbers::Least;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: 16 bytes of scales at the begin, two half-precision numbers at the end.
        let (both, d, dmin) = unsafe { (_mm_loadu_si128(block.cast()), half(block.add(80)), half(block.add(82))) };
        let nibble = _mm_set1_epi8(0xF);
        let minima = _mm_and_si128(_mm_srli_epi16::<4>(both), nibble);
        Scales { scales: _mm256_cvtepu8_epi16(_mm_and_si128(both, nibble)), minima: _mm256_cvtepu8_epi16(minima), d, dmin }
    }
}

impl SuperScales for Q3K {
    const BYTES: usize = BlockQ3K::BYTES;
    const SUB: usize = 16;
    const NUMBERS: Numbers = Numbers::Moved(2);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: 12 bytes of scales from 96 on, then a half-precision number.
        let (a, b, c, d) = unsafe { (word(block.add(96)), word(block.add(100)), word(block.add(104)), half(block.add(108))) };
        const FOUR: u32 = 0x0F0F_0F0F;
        const TWO: u32 = 0x0303_0303;
        let upper = |shift: u32| ((c >> shift) & TWO) << 4;
        let quads = [(a & FOUR) | upper(0), (b & FOUR) | upper(2), ((a >> 4) & FOUR) | upper(4), ((b >> 4) & FOUR) | upper(6)];
        let bytes = _mm_set_epi32(quads[3] as i32, quads[2] as i32, quads[1] as i32, quads[0] as i32);
        let scales = _mm256_sub_epi16(_mm256_cvtepu8_epi16(bytes), _mm256_set1_epi16(32));
        Scales { scales, minima: _mm256_setzero_si256(), d, dmin: 0.0 }
    }
}

/// Scales and minima of Q4_K and Q5_K: twelve bytes of 6-bit numbers, each for 32 weights, so twice here.
///
/// # Safety
/// `block` points to 16 readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn six_bits(block: *const u8) -> Scales {
    // SAFETY: two half-precision numbers, then twelve bytes.
    let (d, dmin, a, b, c) = unsafe { (half(block), half(block.add(2)), word(block.add(4)), word(block.add(8)), word(block.add(12))) };
    const SIX: u32 = 0x3F3F_3F3F;
    const FOUR: u32 = 0x0F0F_0F0F;
    const TWO: u32 = 0x0303_0303;
    let join = |low: u32, high: u32| _mm_cvtsi64_si128((u64::from(low) | (u64::from(high) << 32)) as i64);
    let scales = join(a & SIX, (c & FOUR) | (((a >> 6) & TWO) << 4));
    let minima = join(b & SIX, ((c >> 4) & FOUR) | (((b >> 6) & TWO) << 4));
    let widened = |bytes: __m128i| _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(bytes, bytes));
    Scales { scales: widened(scales), minima: widened(minima), d, dmin }
}

impl SuperScales for Q4K {
    const BYTES: usize = BlockQ4K::BYTES;
    const SUB: usize = 32;
    const NUMBERS: Numbers = Numbers::Least;

    #[target_feature(enable = "avx2,fma,f16c")]
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

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: the block's first 16 bytes.
        unsafe { six_bits(block) }
    }
}

impl SuperScales for Q6K {
    const BYTES: usize = BlockQ6K::BYTES;
    const SUB: usize = 16;
    const NUMBERS: Numbers = Numbers::Moved(5);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: 16 bytes of scales from 192 on, then a half-precision number.
        let (bytes, d) = unsafe { (_mm_loadu_si128(block.add(192).cast()), half(block.add(208))) };
        let scales = _mm256_cvtepi8_epi16(bytes);
        Scales { scales, minima: _mm256_setzero_si256(), d, dmin: 0.0 }
    }
}

impl SuperScales for IQ4XS {
    const BYTES: usize = BlockIQ4XS::BYTES;
    const SUB: usize = 32;
    const NUMBERS: Numbers = Numbers::Signed;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: a half-precision number, two bytes of high bits, four of low ones.
        let (d, high, low) = unsafe { (half(block), block.add(2).cast::<i16>().read_unaligned(), word(block.add(4))) };
        let low = _mm_cvtsi32_si128(low as i32);
        let nibbles = _mm_and_si128(_mm_unpacklo_epi8(low, _mm_srli_epi16::<4>(low)), _mm_set1_epi8(0xF));
        // Two bits of each scale to the top of its word, then down to bits 4 and 5.
        let places = _mm_setr_epi16(1 << 14, 1 << 12, 1 << 10, 1 << 8, 1 << 6, 1 << 4, 1 << 2, 1);
        let high = _mm_and_si128(_mm_srli_epi16::<10>(_mm_mullo_epi16(_mm_set1_epi16(high), places)), _mm_set1_epi16(0x30));
        let eight = _mm_sub_epi16(_mm_or_si128(_mm_cvtepu8_epi16(nibbles), high), _mm_set1_epi16(32));
        let scales = _mm256_setr_m128i(_mm_unpacklo_epi16(eight, eight), _mm_unpackhi_epi16(eight, eight));
        Scales { scales, minima: _mm256_setzero_si256(), d, dmin: 0.0 }
    }
}

/// One scale for a whole block.
///
/// # Safety
/// `at` points to two readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn whole(at: *const u8) -> Scales {
    // SAFETY: as the caller says.
    let d = unsafe { half(at) };
    Scales { scales: _mm256_set1_epi16(1), minima: _mm256_setzero_si256(), d, dmin: 0.0 }
}

impl SuperScales for TQ1_0 {
    const BYTES: usize = BlockTQ1_0::BYTES;
    const SUB: usize = 32;
    const NUMBERS: Numbers = Numbers::Moved(0);
    const IS_SCALED: bool = false;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: a half-precision number at the end.
        unsafe { whole(block.add(52)) }
    }
}

impl SuperScales for TQ2_0 {
    const BYTES: usize = BlockTQ2_0::BYTES;
    const SUB: usize = 32;
    const NUMBERS: Numbers = Numbers::Moved(0);
    const IS_SCALED: bool = false;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: a half-precision number at the end.
        unsafe { whole(block.add(64)) }
    }
}
