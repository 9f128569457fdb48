//! Half precision, and the blocks of a cache with such scales.

use crate::model::kernels::activations::GROUP;
use crate::model::kernels::set::HalfFns;
use crate::quant::{Block, BlockQ8_0};
use half::f16;
use std::arch::aarch64::*;

/// Values to a register of f32.
const N: usize = 4;

pub(super) fn functions() -> HalfFns {
    HalfFns { round, narrow, widen, widen_blocks }
}

/// Four numbers.
///
/// # Safety
/// `at` points to four readable half-precision numbers.
#[target_feature(enable = "neon")]
#[inline]
pub(super) unsafe fn widen_four(at: *const u16) -> float32x4_t {
    // SAFETY: as the caller says.
    vcvt_f32_f16(vreinterpret_f16_u16(unsafe { vld1_u16(at) }))
}

/// One number.
#[target_feature(enable = "neon")]
#[inline]
pub(super) fn widen_one(half: u16) -> f32 {
    vgetq_lane_f32::<0>(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))))
}

#[target_feature(enable = "neon")]
fn round(x: &mut [f32]) {
    let (steps, rest) = x.as_chunks_mut::<N>();
    for step in steps {
        // SAFETY: four values are read and written.
        unsafe { vst1q_f32(step.as_mut_ptr(), vcvt_f32_f16(vcvt_f16_f32(vld1q_f32(step.as_ptr())))) };
    }
    for x in rest {
        *x = f16::from_f32(*x).to_f32();
    }
}

#[target_feature(enable = "neon")]
fn narrow(x: &[f32], out: &mut [f16]) {
    let ((steps, rest), (out_steps, out_rest)) = (x.as_chunks::<N>(), out.as_chunks_mut::<N>());
    for (step, out) in steps.iter().zip(out_steps) {
        // SAFETY: four values are read, four written.
        unsafe { vst1_u16(out.as_mut_ptr().cast(), vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(step.as_ptr())))) };
    }
    for (x, out) in rest.iter().zip(out_rest) {
        *out = f16::from_f32(*x);
    }
}

#[target_feature(enable = "neon")]
fn widen(x: &[f16], out: &mut [f32]) {
    let ((steps, rest), (out_steps, out_rest)) = (x.as_chunks::<N>(), out.as_chunks_mut::<N>());
    for (step, out) in steps.iter().zip(out_steps) {
        // SAFETY: four values are read, four written.
        unsafe { vst1q_f32(out.as_mut_ptr(), widen_four(step.as_ptr().cast())) };
    }
    for (x, out) in rest.iter().zip(out_rest) {
        *out = x.to_f32();
    }
}

#[target_feature(enable = "neon")]
fn widen_blocks(x: &[u8], out: &mut [f32]) {
    for (block, out) in x.chunks_exact(BlockQ8_0::BYTES).zip(out.as_chunks_mut::<GROUP>().0) {
        let d = widen_one(u16::from_le_bytes([block[0], block[1]]));
        let (eights, _) = block[2..].as_chunks::<{ 2 * N }>();
        for (eight, out) in eights.iter().zip(out.as_chunks_mut::<{ 2 * N }>().0) {
            // SAFETY: eight numbers are read, eight written.
            unsafe {
                let words = vmovl_s8(vld1_s8(eight.as_ptr().cast()));
                let (low, high) = (vmovl_s16(vget_low_s16(words)), vmovl_high_s16(words));
                vst1q_f32(out.as_mut_ptr(), vmulq_n_f32(vcvtq_f32_s32(low), d));
                vst1q_f32(out.as_mut_ptr().add(N), vmulq_n_f32(vcvtq_f32_s32(high), d));
            }
        }
    }
}
