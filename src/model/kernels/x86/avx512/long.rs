//! Blocks of several times 32 weights under scales that are no integers.

use super::plain::{FP4_TABLE, Plain, Streamed};
use crate::model::kernels::x86::scales::SIGN_LOG;
use crate::model::kernels::x86::ymm::long;
use crate::model::kernels::x86::ymm::plain::Plain as Signed;
use std::arch::x86_64::*;

pub(super) use long::{NVFP4, Q1_0, Q2_0};

impl Plain for NVFP4 {
    const BYTES: usize = <Self as Signed>::BYTES;
    const GROUPS: usize = <Self as Signed>::GROUPS;
    const SUB: usize = <Self as Signed>::SUB;
    const BIAS_LOG: i32 = SIGN_LOG;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn one(block: *const u8, group: usize) -> __m256i {
        // SAFETY: as the caller says.
        unsafe { _mm256_xor_si256(<Self as Signed>::quants(block, group), _mm256_set1_epi8(i8::MIN)) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn two(block: *const u8, _: usize) -> __m512i {
        // SAFETY: 32 bytes behind four scales; a table is 16.
        let (bits, table) = unsafe { (_mm256_loadu_si256(block.add(4).cast()), _mm_loadu_si128(FP4_TABLE.as_ptr().cast())) };
        // Eight bytes are the lower nibbles of eight weights, then the upper ones of the next.
        let twice = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3), _mm512_castsi256_si512(bits));
        let nibbles = _mm512_srlv_epi64(twice, _mm512_setr_epi64(0, 4, 0, 4, 0, 4, 0, 4));
        _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), _mm512_and_si512(nibbles, _mm512_set1_epi8(0xF)))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn scale(block: *const u8, sub: usize) -> f32 {
        // SAFETY: as the caller says.
        unsafe { <Self as Signed>::scale(block, sub) }
    }
}

impl Streamed for NVFP4 {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn scales(block: *const u8) -> __m512 {
        // SAFETY: four bytes at the begin of each of four blocks.
        let four = |i: usize| unsafe { block.add(i * <Self as Plain>::BYTES).cast::<i32>().read_unaligned() };
        let bytes = _mm256_cvtepu8_epi16(_mm_setr_epi32(four(0), four(1), four(2), four(3)));
        // As `half_of_ue4m3`: without its highest bit a byte is a half-precision number without its last digits, of an
        // exponent that is biased by 15 instead of 7, which all of them are made up for at once.
        let is_number = _mm256_cmpneq_epi16_mask(bytes, _mm256_set1_epi16(0x7F));
        let halves = _mm256_maskz_slli_epi16::<7>(is_number, _mm256_and_si256(bytes, _mm256_set1_epi16(0x7F)));
        _mm512_mul_ps(_mm512_cvtph_ps(halves), _mm512_set1_ps(128.0))
    }
}

impl Streamed for Q1_0 {}
impl Streamed for Q2_0 {}

impl Plain for Q1_0 {
    const BYTES: usize = <Self as Signed>::BYTES;
    const GROUPS: usize = <Self as Signed>::GROUPS;
    const BIAS_LOG: i32 = 0;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn one(block: *const u8, group: usize) -> __m256i {
        // SAFETY: four times four bytes behind the scale.
        _mm256_maskz_set1_epi8(unsafe { block.add(2 + 4 * group).cast::<u32>().read_unaligned() }, 2)
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn two(block: *const u8, group: usize) -> __m512i {
        // SAFETY: eight bytes, of four times four behind the scale.
        _mm512_maskz_set1_epi8(unsafe { block.add(2 + 4 * group).cast::<u64>().read_unaligned() }, 2)
    }
}

impl Plain for Q2_0 {
    const BYTES: usize = <Self as Signed>::BYTES;
    const GROUPS: usize = <Self as Signed>::GROUPS;
    const BIAS_LOG: i32 = 0;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn one(block: *const u8, group: usize) -> __m256i {
        // SAFETY: as the caller says.
        unsafe { _mm256_add_epi8(<Self as Signed>::quants(block, group), _mm256_set1_epi8(1)) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn two(block: *const u8, _: usize) -> __m512i {
        // SAFETY: 16 bytes behind the scale.
        let bits = _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(block.add(2).cast()) });
        // A byte is in the first of four; two bits each to the four of them.
        let halves = _mm512_or_si512(bits, _mm512_slli_epi32::<12>(bits));
        let quarters = _mm512_or_si512(halves, _mm512_slli_epi32::<6>(halves));
        _mm512_and_si512(quarters, _mm512_set1_epi8(3))
    }
}
