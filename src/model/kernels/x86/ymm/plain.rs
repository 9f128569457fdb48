//! Blocks of 32 weights with one scale.

use crate::quant::{Block, BlockQ4_0, BlockQ8_0};
use std::arch::x86_64::*;

/// A type with one scale for 32 weights, which stands in half precision at its block's begin.
pub(super) trait Plain {
    const BYTES: usize;

    /// The signed numbers of a block in the order of the activations.
    ///
    /// # Safety
    /// `block` points to `BYTES` readable bytes.
    unsafe fn quants(block: *const u8) -> __m256i;
}

pub(super) struct Q8_0;
pub(super) struct Q4_0;

impl Plain for Q8_0 {
    const BYTES: usize = BlockQ8_0::BYTES;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8) -> __m256i {
        // SAFETY: 32 bytes behind the scale.
        unsafe { _mm256_loadu_si256(block.add(2).cast()) }
    }
}

impl Plain for Q4_0 {
    const BYTES: usize = BlockQ4_0::BYTES;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn quants(block: *const u8) -> __m256i {
        // SAFETY: 16 bytes behind the scale.
        let bits = unsafe { _mm_loadu_si128(block.add(2).cast()) };
        let both = _mm256_set_m128i(_mm_srli_epi16::<4>(bits), bits);
        _mm256_sub_epi8(_mm256_and_si256(both, _mm256_set1_epi8(0xF)), _mm256_set1_epi8(8))
    }
}
