//! Few rows of activations, in place. The integers of what has one scale, a block or a part of it, are added up whole before
//! they become a float, so that each row of activations is summed in one order however many there are.

use super::plain::Plain;
use super::prefetch;
use super::products::{Products, STEP};
use super::scales::{Numbers, Scales};
use super::supers::{PARTS, Super};
use crate::model::kernels::activations::{GROUP, Operand, SUM_16, SUPER};
use crate::model::kernels::set::Scratch;
use std::arch::aarch64::*;

pub(super) use super::floats::rows as floats;

/// Scales that are taken together: a register of floats.
pub(super) const LANES: usize = 4;

/// # Safety
/// The processor has `P`'s instructions; `weights` is whole rows of `row_bytes` of `K`'s blocks, `out` is [m][rows].
#[target_feature(enable = "neon")]
pub(super) unsafe fn supers<K: Super, P: Products>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
    let n_rows = out.len() / x.m;
    for (r, row) in weights.chunks_exact(row_bytes).enumerate() {
        let mut t = 0;
        while t < x.m {
            let out = &mut out[r + t * n_rows..];
            // SAFETY: as the caller says.
            t += unsafe {
                match x.m - t {
                    4.. => super_dot::<K, P, 4>(row, x, t, out, n_rows),
                    2.. => super_dot::<K, P, 2>(row, x, t, out, n_rows),
                    _ => super_dot::<K, P, 1>(row, x, t, out, n_rows),
                }
            };
        }
    }
}

/// One weight row by `M` rows of activations. How many those were.
///
/// # Safety
/// As for [`supers`].
#[target_feature(enable = "neon")]
#[inline]
unsafe fn super_dot<K: Super, P: Products, const M: usize>(row: &[u8], x: Operand, t: usize, out: &mut [f32], n_rows: usize) -> usize {
    let quants: [*const i8; M] = std::array::from_fn(|i| x.quants(t + i).as_ptr());
    let y_scales: [*const f32; M] = std::array::from_fn(|i| x.scales(t + i, SUPER).as_ptr());
    let y_sums: [*const i16; M] = std::array::from_fn(|i| x.sums(t + i, SUM_16).as_ptr());
    let mut sums = [0.0f32; M];
    let mut minima = [0.0f32; M];
    for i in 0..row.len() / K::BYTES {
        // SAFETY: block i of the row, and its share of the activations.
        unsafe {
            let block = row.as_ptr().add(i * K::BYTES);
            prefetch(block, K::BYTES);
            let q = K::quants(block);
            let Scales { scales, minima: least, d, dmin } = K::scales(block);
            for m in 0..M {
                let mut dot = scaled::<K, P>(&q, quants[m].add(i * SUPER), scales);
                let y_scale = *y_scales[m].add(i);
                let y_sums = y_sums[m].add(i * SUPER / SUM_16);
                match K::NUMBERS {
                    Numbers::Least => {
                        let minimum = vaddvq_s32(products_of_words(least, y_sums)) as f32;
                        minima[m] = minimum.mul_add(dmin * y_scale, minima[m]);
                    }
                    Numbers::Moved(by) => dot = vmlsq_n_s32(dot, products_of_words(scales, y_sums), i32::from(by)),
                    Numbers::Signed => {}
                }
                sums[m] = (vaddvq_s32(dot) as f32).mul_add(d * y_scale, sums[m]);
            }
        }
    }
    for m in 0..M {
        out[m * n_rows] = sums[m] - minima[m];
    }
    M
}

/// The products of a block's weights, times their scales, in lanes.
///
/// # Safety
/// As for [`supers`]; `y` points to 256 readable bytes.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn scaled<K: Super, P: Products>(q: &[int8x16_t; PARTS], y: *const i8, scales: [int16x8_t; 2]) -> int32x4_t {
    // SAFETY: as the caller says.
    let sixteen = |sums, i: usize| unsafe { P::add(sums, q[i], vld1q_s8(y.add(i * STEP))) };
    let zero = vdupq_n_s32(0);
    let mut dot = zero;
    for (i, scales) in scales.into_iter().flat_map(|s| [vmovl_s16(vget_low_s16(s)), vmovl_high_s16(s)]).enumerate() {
        let i = 4 * i;
        if K::SUB == SUM_16 {
            dot = vmlaq_laneq_s32::<0>(dot, sixteen(zero, i), scales);
            dot = vmlaq_laneq_s32::<1>(dot, sixteen(zero, i + 1), scales);
            dot = vmlaq_laneq_s32::<2>(dot, sixteen(zero, i + 2), scales);
            dot = vmlaq_laneq_s32::<3>(dot, sixteen(zero, i + 3), scales);
        } else {
            dot = vmlaq_laneq_s32::<0>(dot, sixteen(sixteen(zero, i), i + 1), scales);
            dot = vmlaq_laneq_s32::<2>(dot, sixteen(sixteen(zero, i + 2), i + 3), scales);
        }
    }
    dot
}

/// The products of 16 words, in lanes.
///
/// # Safety
/// `y` points to 16 readable words.
#[target_feature(enable = "neon")]
#[inline]
pub(super) unsafe fn products_of_words(a: [int16x8_t; 2], y: *const i16) -> int32x4_t {
    // SAFETY: as the caller says.
    let y = unsafe { [vld1q_s16(y), vld1q_s16(y.add(8))] };
    let sums = vmlal_high_s16(vmull_s16(vget_low_s16(a[0]), vget_low_s16(y[0])), a[0], y[0]);
    vmlal_high_s16(vmlal_s16(sums, vget_low_s16(a[1]), vget_low_s16(y[1])), a[1], y[1])
}

/// # Safety
/// As for [`supers`], of `K`'s blocks.
#[target_feature(enable = "neon")]
pub(super) unsafe fn plain<K: Plain, P: Products>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
    let n_rows = out.len() / x.m;
    for (r, row) in weights.chunks_exact(row_bytes).enumerate() {
        let mut t = 0;
        while t < x.m {
            let out = &mut out[r + t * n_rows..];
            // SAFETY: as the caller says.
            t += unsafe {
                match x.m - t {
                    4.. => plain_dot::<K, P, 4>(row, x, t, out, n_rows),
                    2.. => plain_dot::<K, P, 2>(row, x, t, out, n_rows),
                    _ => plain_dot::<K, P, 1>(row, x, t, out, n_rows),
                }
            };
        }
    }
}

/// What [`plain_dot`] adds up for `M` rows of activations.
struct PlainSums<const M: usize> {
    quants: [*const i8; M],
    scales: [*const f32; M],
    weighted: [*const f32; M],
    sums: [float32x4_t; M],
}

/// One weight row by `M` rows of activations. How many those were.
///
/// # Safety
/// As for [`plain`].
#[target_feature(enable = "neon")]
#[inline]
unsafe fn plain_dot<K: Plain, P: Products, const M: usize>(row: &[u8], x: Operand, t: usize, out: &mut [f32], n_rows: usize) -> usize {
    let mut to = PlainSums::<M> {
        quants: std::array::from_fn(|i| x.quants(t + i).as_ptr()),
        scales: std::array::from_fn(|i| x.scales(t + i, GROUP).as_ptr()),
        weighted: std::array::from_fn(|i| x.weighted(t + i).as_ptr()),
        sums: [vdupq_n_f32(0.0); M],
    };
    let n = x.k / K::SUB;
    let whole = n / LANES * LANES;
    // SAFETY: scales below n.
    unsafe {
        for first in (0..whole).step_by(LANES) {
            add_lanes::<K, P, M>(row, first, LANES, &mut to);
        }
        if whole < n {
            add_lanes::<K, P, M>(row, whole, n - whole, &mut to);
        }
    }
    for (m, sums) in to.sums.into_iter().enumerate() {
        out[m * n_rows] = vaddvq_f32(sums);
    }
    M
}

/// The numbers of the row's 32 weights `32 group..`.
///
/// # Safety
/// As for [`plain`]; the row has as many weights.
#[target_feature(enable = "neon")]
#[inline]
pub(super) unsafe fn group_of<K: Plain>(row: &[u8], group: usize) -> [int8x16_t; 2] {
    // SAFETY: a block of the row.
    unsafe {
        let block = row.as_ptr().add(group / K::GROUPS * K::BYTES);
        if group.is_multiple_of(K::GROUPS) {
            prefetch(block, K::BYTES);
        }
        K::quants(block, group % K::GROUPS)
    }
}

/// `n` of the row's scales from `first` on, a lane to each.
///
/// # Safety
/// As for [`plain`]; the row has as many.
#[target_feature(enable = "neon")]
#[inline]
pub(super) unsafe fn scales_of<K: Plain>(row: &[u8], first: usize, n: usize) -> float32x4_t {
    let per_block = GROUP * K::GROUPS / K::SUB;
    // SAFETY: blocks of the row.
    four(n, |lane| unsafe {
        let at = first + lane;
        K::scale(row.as_ptr().add(at / per_block * K::BYTES), at % per_block)
    })
}

/// As many minima, zero where there are none.
///
/// # Safety
/// As for [`scales_of`].
#[target_feature(enable = "neon")]
#[inline]
pub(super) unsafe fn minima_of<K: Plain>(row: &[u8], first: usize, n: usize) -> float32x4_t {
    // SAFETY: blocks of the row; those with a minimum have one scale.
    if K::HAS_MINIMUM { four(n, |lane| unsafe { K::minimum(row.as_ptr().add((first + lane) * K::BYTES)) }) } else { vdupq_n_f32(0.0) }
}

/// What the activations' groups of 32 have beside the row's scales.
///
/// # Safety
/// `at` points to a number for each group.
#[target_feature(enable = "neon")]
#[inline]
pub(super) unsafe fn of_groups<K: Plain>(at: *const f32, first: usize, n: usize) -> float32x4_t {
    // SAFETY: as the caller says.
    unsafe {
        if n == LANES && K::SUB == GROUP { vld1q_f32(at.add(first)) } else { four(n, |lane| *at.add((first + lane) * K::SUB / GROUP)) }
    }
}

/// `n` numbers, then zeros.
#[target_feature(enable = "neon")]
#[inline]
fn four(n: usize, number: impl Fn(usize) -> f32) -> float32x4_t {
    let mut each = [0.0; LANES];
    each.iter_mut().enumerate().take(n).for_each(|(lane, each)| *each = number(lane));
    // SAFETY: four numbers.
    unsafe { vld1q_f32(each.as_ptr()) }
}

/// The weights under `n` scales from `first` on, a lane to each.
///
/// # Safety
/// As for [`plain`]; the row has as many scales.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn add_lanes<K: Plain, P: Products, const M: usize>(row: &[u8], first: usize, n: usize, to: &mut PlainSums<M>) {
    let zero = vdupq_n_s32(0);
    let mut dots = [[zero; LANES]; M];
    // SAFETY: the row's blocks that these weights are of, and their share of the activations.
    unsafe {
        for lane in 0..n {
            let at = (first + lane) * K::SUB;
            let q = group_of::<K>(row, at / GROUP);
            for m in 0..M {
                let y = to.quants[m].add(at);
                dots[m][lane] = if K::SUB == GROUP {
                    P::add(P::add(zero, q[0], vld1q_s8(y)), q[1], vld1q_s8(y.add(STEP)))
                } else {
                    P::add(zero, q[at % GROUP / STEP], vld1q_s8(y))
                };
            }
        }
        let (d, minima) = (scales_of::<K>(row, first, n), minima_of::<K>(row, first, n));
        for m in 0..M {
            let [a, b, c, e] = dots[m];
            let dot = vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, e));
            to.sums[m] = vfmaq_f32(to.sums[m], vcvtq_f32_s32(dot), vmulq_f32(d, of_groups::<K>(to.scales[m], first, n)));
            if K::HAS_MINIMUM {
                to.sums[m] = vfmaq_f32(to.sums[m], minima, of_groups::<K>(to.weighted[m], first, n));
            }
        }
    }
}
