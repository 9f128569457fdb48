//! Loops of one instruction on registers, and of loads alone.

use super::prefetch;
use super::products::{Dotprod, I8mm, Neon, Products};
use crate::model::kernels::peak::{Loop, Peaks, TURN, opaque};
use std::arch::aarch64::*;

/// Sums that do not wait for each other: as many as the longest latency of large cores times four a cycle.
const CHAINS: usize = 16;
/// Bytes of a register.
const BYTES: usize = 16;

const F32: Option<Loop> = Some(Loop { n_ops: (CHAINS * BYTES / 4 * 2) as u64, run: f32 });

/// Of an instruction that multiplies so many bytes.
const fn bytes(n_products: usize, run: unsafe fn(u64) -> i64) -> Option<Loop> {
    Some(Loop { n_ops: (CHAINS * n_products * 2) as u64, run })
}

pub(in super::super) const NEON: Peaks = Peaks { read, int8: bytes(BYTES, neon), f32: F32 };
pub(in super::super) const DOTPROD: Peaks = Peaks { read, int8: bytes(BYTES, dotprod), f32: F32 };
pub(in super::super) const I8MM: Peaks = Peaks { read, int8: bytes(2 * BYTES, i8mm), f32: F32 };

#[target_feature(enable = "neon")]
fn read(bytes: &[u8]) -> u64 {
    let mut sums = [vdupq_n_u64(0); 4];
    for turn in bytes.chunks_exact(TURN) {
        prefetch(turn.as_ptr(), TURN);
        for (i, lane) in turn.as_chunks::<BYTES>().0.iter().enumerate() {
            // SAFETY: 16 bytes are there.
            let words = vreinterpretq_u64_u8(unsafe { vld1q_u8(lane.as_ptr()) });
            sums[i % 4] = vaddq_u64(sums[i % 4], words);
        }
    }
    vaddvq_u64(vaddq_u64(vaddq_u64(sums[0], sums[1]), vaddq_u64(sums[2], sums[3])))
}

#[target_feature(enable = "neon")]
fn f32(turns: u64) -> i64 {
    let (mut a, b) = (vdupq_n_f32(0.5), vdupq_n_f32(0.25));
    let mut sums = [vdupq_n_f32(0.0); CHAINS];
    for _ in 0..turns {
        for sum in &mut sums {
            opaque!(vreg, a);
            *sum = vfmaq_f32(*sum, a, b);
        }
    }
    vaddvq_f32(sums.into_iter().fold(vdupq_n_f32(0.0), |total, sum| vaddq_f32(total, sum))) as i64
}

/// A loop of one way to multiply bytes: `int8!(name, sums of products)`.
macro_rules! int8 {
    ($name:ident, $add:path) => {
        /// # Safety
        /// The processor has the instruction.
        #[target_feature(enable = "neon")]
        unsafe fn $name(turns: u64) -> i64 {
            let (mut a, b) = (vdupq_n_s8(1), vdupq_n_s8(2));
            let mut sums = [vdupq_n_s32(0); CHAINS];
            for _ in 0..turns {
                for sum in &mut sums {
                    opaque!(vreg, a);
                    // SAFETY: as the caller says.
                    *sum = unsafe { $add(*sum, a, b) };
                }
            }
            i64::from(vaddvq_s32(sums.into_iter().fold(vdupq_n_s32(0), |total, sum| vaddq_s32(total, sum))))
        }
    };
}

int8!(neon, Neon::add);
int8!(dotprod, Dotprod::add);
int8!(i8mm, I8mm::add_two_by_two);
