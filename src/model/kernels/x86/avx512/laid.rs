//! What panels take of a row: pairs of 32 weights as unsigned numbers, and what belongs to them.

use super::plain::Plain;
use crate::model::kernels::activations::GROUP;
use std::arch::x86_64::*;

/// The unsigned numbers of weights `32 group .. 32 group + 64` of a row, the second half missing if it is the last.
///
/// # Safety
/// `row` points to as many readable weights, `group` is even.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
pub(super) unsafe fn pair<P: Plain>(row: *const u8, group: usize, is_last: bool) -> __m512i {
    // SAFETY: the blocks that the weights are of.
    unsafe {
        let (block, group) = (row.add(group / P::GROUPS * P::BYTES), group % P::GROUPS);
        if is_last { _mm512_zextsi256_si512(P::one(block, group)) } else { P::two(block, group) }
    }
}

/// The scale of weights `SUB * sub..` of a row.
///
/// # Safety
/// `row` points to as many readable weights.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
pub(super) unsafe fn scale<P: Plain>(row: *const u8, sub: usize) -> f32 {
    let n = P::GROUPS * GROUP / P::SUB;
    // SAFETY: the block that the weights are of.
    unsafe { P::scale(row.add(sub / n * P::BYTES), sub % n) }
}

/// The minimum of weights `32 group..` of a row of a type that has minima.
///
/// # Safety
/// `row` points to as many readable weights.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
pub(super) unsafe fn minimum<P: Plain>(row: *const u8, group: usize) -> f32 {
    // SAFETY: a type with minima has blocks of 32.
    unsafe { P::minimum(row.add(group * P::BYTES)) }
}
