//! Blocks of 32 weights with one scale, and longer ones that are several of those.

use super::super::halves::widen_one;
use crate::model::kernels::activations::GROUP;
use crate::quant::{self, Block, BlockIQ4NL, BlockMXFP4, BlockQ4_0, BlockQ4_1, BlockQ5_0, BlockQ5_1, BlockQ8_0};
use std::arch::x86_64::*;

/// A type whose weights are a scale times a number.
pub(in super::super) trait Plain {
    const BYTES: usize;
    /// Times 32 weights in a block.
    const GROUPS: usize = 1;
    /// Weights that have a scale in common: 16 or 32.
    const SUB: usize = GROUP;
    /// Whether something is added to all weights of a block; such blocks are of 32.
    const HAS_MINIMUM: bool = false;

    /// The signed numbers of weights `32 group..` of a block in the order of the activations; none is -128.
    ///
    /// # Safety
    /// `block` points to `BYTES` readable bytes; `group < GROUPS`.
    unsafe fn quants(block: *const u8, group: usize) -> __m256i;

    /// Those numbers without their signs.
    ///
    /// # Safety
    /// The processor has the features.
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn magnitudes(quants: __m256i) -> __m256i {
        _mm256_abs_epi8(quants)
    }

    /// The scale of weights `SUB * sub..` of a block. Most types have one, in half precision at the begin.
    ///
    /// # Safety
    /// As for `quants`.
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scale(block: *const u8, _sub: usize) -> f32 {
        // SAFETY: two bytes at the begin.
        widen_one(unsafe { block.cast::<u16>().read_unaligned() })
    }

    /// What is added, in half precision behind the scale.
    ///
    /// # Safety
    /// As for `quants`, where `HAS_MINIMUM`.
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn minimum(block: *const u8) -> f32 {
        // SAFETY: two bytes behind the scale.
        widen_one(unsafe { block.add(2).cast::<u16>().read_unaligned() })
    }
}

pub(super) struct Q8_0;
pub(super) struct Q4_0;
pub(in super::super) struct Q4_1;
pub(in super::super) struct Q5_0;
pub(in super::super) struct Q5_1;
pub(super) struct IQ4NL;
pub(super) struct MXFP4;

/// A table that a shuffle of 16 bytes looks up in, for each half of a register.
pub(super) type Table = [[i8; 16]; 2];
pub(super) const IQ4_TABLE: Table = [quant::IQ4_VALUES; 2];
pub(super) const FP4_TABLE: Table = [quant::FP4_VALUES; 2];

/// 16 bytes as 32 nibbles, the low ones first.
///
/// # Safety
/// `at` points to 16 readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn nibbles(at: *const u8) -> __m256i {
    // SAFETY: as the caller says.
    let bits = unsafe { _mm_loadu_si128(at.cast()) };
    let both = _mm256_set_m128i(_mm_srli_epi16::<4>(bits), bits);
    _mm256_and_si256(both, _mm256_set1_epi8(0xF))
}

/// 32 bits, each at its place in a byte of its own, and which place that is.
///
/// # Safety
/// `at` points to four readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) unsafe fn single_bits(at: *const u8) -> (__m256i, __m256i) {
    // SAFETY: as the caller says.
    let bits = _mm256_set1_epi32(unsafe { at.cast::<i32>().read_unaligned() });
    const ONES: i64 = 0x0101_0101_0101_0101;
    let bytes = _mm256_shuffle_epi8(bits, _mm256_setr_epi64x(0, ONES, 2 * ONES, 3 * ONES));
    let which = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64 as i64);
    (_mm256_and_si256(bytes, which), which)
}

/// 32 bits as the fifths of as many numbers.
///
/// # Safety
/// `at` points to four readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn fifth_bits(at: *const u8) -> __m256i {
    // SAFETY: as the caller says.
    let (bits, which) = unsafe { single_bits(at) };
    _mm256_and_si256(_mm256_cmpeq_epi8(bits, which), _mm256_set1_epi8(0x10))
}

/// What stands in a table at each of 32 nibbles.
///
/// # Safety
/// As for [`nibbles`].
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) unsafe fn by_table(at: *const u8, table: &Table) -> __m256i {
    // SAFETY: as the caller says; a table is 32 bytes.
    unsafe { _mm256_shuffle_epi8(_mm256_loadu_si256(table.as_ptr().cast()), nibbles(at)) }
}

impl Plain for Q8_0 {
    const BYTES: usize = BlockQ8_0::BYTES;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> __m256i {
        // SAFETY: 32 bytes behind the scale.
        unsafe { _mm256_loadu_si256(block.add(2).cast()) }
    }
}

impl Plain for Q4_0 {
    const BYTES: usize = BlockQ4_0::BYTES;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> __m256i {
        // SAFETY: 16 bytes behind the scale.
        _mm256_sub_epi8(unsafe { nibbles(block.add(2)) }, _mm256_set1_epi8(8))
    }
}

impl Plain for Q4_1 {
    const BYTES: usize = BlockQ4_1::BYTES;
    const HAS_MINIMUM: bool = true;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> __m256i {
        // SAFETY: 16 bytes behind scale and minimum.
        unsafe { nibbles(block.add(4)) }
    }
}

impl Plain for Q5_0 {
    const BYTES: usize = BlockQ5_0::BYTES;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> __m256i {
        // SAFETY: four bytes of fifth bits behind the scale, then 16.
        let q = unsafe { _mm256_or_si256(nibbles(block.add(6)), fifth_bits(block.add(2))) };
        _mm256_sub_epi8(q, _mm256_set1_epi8(16))
    }
}

impl Plain for Q5_1 {
    const BYTES: usize = BlockQ5_1::BYTES;
    const HAS_MINIMUM: bool = true;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> __m256i {
        // SAFETY: four bytes of fifth bits behind scale and minimum, then 16.
        unsafe { _mm256_or_si256(nibbles(block.add(8)), fifth_bits(block.add(4))) }
    }
}

impl Plain for IQ4NL {
    const BYTES: usize = BlockIQ4NL::BYTES;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> __m256i {
        // SAFETY: 16 bytes behind the scale.
        unsafe { by_table(block.add(2), &IQ4_TABLE) }
    }
}

impl Plain for MXFP4 {
    const BYTES: usize = BlockMXFP4::BYTES;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8, _: usize) -> __m256i {
        // SAFETY: 16 bytes behind the exponent.
        unsafe { by_table(block.add(1), &FP4_TABLE) }
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scale(block: *const u8, _: usize) -> f32 {
        // SAFETY: the first byte.
        quant::half_of_e8m0(unsafe { *block })
    }
}
