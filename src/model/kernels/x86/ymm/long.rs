//! Blocks of several times 32 weights under scales that are no integers.

use super::plain::{FP4_TABLE, Plain, single_bits};
use crate::quant::{Block, BlockNVFP4, BlockQ1_0, BlockQ2_0, half_of_ue4m3};
use std::arch::x86_64::*;

pub(in super::super) struct NVFP4;
pub(in super::super) struct Q1_0;
pub(in super::super) struct Q2_0;

/// What each byte of NVFP4's scales is.
static UE4M3: [f32; 256] = {
    let mut values = [0.0; 256];
    let mut i = 0;
    while i < 256 {
        values[i] = half_of_ue4m3(i as u8);
        i += 1;
    }
    values
};

impl Plain for NVFP4 {
    const BYTES: usize = BlockNVFP4::BYTES;
    const GROUPS: usize = 2;
    const SUB: usize = 16;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8, group: usize) -> __m256i {
        // SAFETY: twice 16 bytes behind four scales.
        let bits = unsafe { _mm_loadu_si128(block.add(4 + 16 * group).cast()) };
        // Eight bytes are the lower nibbles of eight weights, then the upper ones of the next.
        let twice = _mm256_permute4x64_epi64::<0b01_01_00_00>(_mm256_castsi128_si256(bits));
        let nibbles = _mm256_and_si256(_mm256_srlv_epi64(twice, _mm256_setr_epi64x(0, 4, 0, 4)), _mm256_set1_epi8(0xF));
        // SAFETY: a table is 32 bytes.
        _mm256_shuffle_epi8(unsafe { _mm256_loadu_si256(FP4_TABLE.as_ptr().cast()) }, nibbles)
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scale(block: *const u8, sub: usize) -> f32 {
        // SAFETY: a byte for each 16 weights at the begin.
        UE4M3[usize::from(unsafe { *block.add(sub) })]
    }
}

impl Plain for Q1_0 {
    const BYTES: usize = BlockQ1_0::BYTES;
    const GROUPS: usize = 4;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8, group: usize) -> __m256i {
        // SAFETY: four times four bytes behind the scale.
        let (bits, _) = unsafe { single_bits(block.add(2 + 4 * group)) };
        // -1 where the bit is not set, else 0 and then 1.
        _mm256_or_si256(_mm256_cmpeq_epi8(bits, _mm256_setzero_si256()), _mm256_set1_epi8(1))
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn magnitudes(_: __m256i) -> __m256i {
        _mm256_set1_epi8(1)
    }
}

impl Plain for Q2_0 {
    const BYTES: usize = BlockQ2_0::BYTES;
    const GROUPS: usize = 2;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8, group: usize) -> __m256i {
        // SAFETY: twice eight bytes behind the scale.
        let bits = _mm256_set1_epi64x(unsafe { block.add(2 + 8 * group).cast::<i64>().read_unaligned() });
        // Each byte four times, of which the second word is four bits further on.
        let spread = _mm256_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7);
        let fours = _mm256_shuffle_epi8(bits, spread);
        let fours = _mm256_blend_epi16::<0b1010_1010>(fours, _mm256_srli_epi16::<4>(fours));
        // In the first byte of a word two bits from 0 on, in the other from 2 on: no number is the same in both but 0.
        let places = _mm256_and_si256(fours, _mm256_set1_epi16(0x0C03));
        let table = _mm_setr_epi8(-1, 0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0);
        _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), places)
    }
}
