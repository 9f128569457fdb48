//! Half precision by the F16C instructions, and the blocks of a cache with such scales, eight at a time.

use crate::model::kernels::activations::GROUP;
use crate::model::kernels::set::HalfFns;
use crate::quant::{Block, BlockQ8_0};
use half::f16;
use std::arch::x86_64::*;

const N: usize = 8;

pub(super) fn functions() -> HalfFns {
    HalfFns { round, narrow, widen, widen_blocks }
}

#[target_feature(enable = "avx,f16c")]
fn round(x: &mut [f32]) {
    let (steps, rest) = x.as_chunks_mut::<N>();
    for step in steps {
        // SAFETY: eight values are read and written.
        unsafe {
            let half = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(step.as_ptr()));
            _mm256_storeu_ps(step.as_mut_ptr(), _mm256_cvtph_ps(half));
        }
    }
    for x in rest {
        *x = f16::from_f32(*x).to_f32();
    }
}

#[target_feature(enable = "avx,f16c")]
fn narrow(x: &[f32], out: &mut [f16]) {
    let ((steps, rest), (out_steps, out_rest)) = (x.as_chunks::<N>(), out.as_chunks_mut::<N>());
    for (step, out) in steps.iter().zip(out_steps) {
        // SAFETY: eight values are read, eight written.
        unsafe {
            let half = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(step.as_ptr()));
            _mm_storeu_si128(out.as_mut_ptr().cast(), half);
        }
    }
    for (x, out) in rest.iter().zip(out_rest) {
        *out = f16::from_f32(*x);
    }
}

#[target_feature(enable = "avx,f16c")]
fn widen(x: &[f16], out: &mut [f32]) {
    let ((steps, rest), (out_steps, out_rest)) = (x.as_chunks::<N>(), out.as_chunks_mut::<N>());
    for (step, out) in steps.iter().zip(out_steps) {
        // SAFETY: eight values are read, eight written.
        unsafe { _mm256_storeu_ps(out.as_mut_ptr(), _mm256_cvtph_ps(_mm_loadu_si128(step.as_ptr().cast()))) };
    }
    for (x, out) in rest.iter().zip(out_rest) {
        *out = x.to_f32();
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn widen_blocks(x: &[u8], out: &mut [f32]) {
    for (block, out) in x.chunks_exact(BlockQ8_0::BYTES).zip(out.as_chunks_mut::<GROUP>().0) {
        let d = _mm256_set1_ps(widen_one(u16::from_le_bytes([block[0], block[1]])));
        let (eights, _) = block[2..].as_chunks::<N>();
        for (eight, out) in eights.iter().zip(out.as_chunks_mut::<N>().0) {
            // SAFETY: eight numbers are read, eight written.
            unsafe {
                let q = _mm256_cvtepi8_epi32(_mm_loadl_epi64(eight.as_ptr().cast()));
                _mm256_storeu_ps(out.as_mut_ptr(), _mm256_mul_ps(_mm256_cvtepi32_ps(q), d));
            }
        }
    }
}

/// One number.
#[target_feature(enable = "avx,f16c")]
#[inline]
pub(super) fn widen_one(half: u16) -> f32 {
    _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(half))))
}
