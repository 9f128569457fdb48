//! Few rows of activations, but more than two, by products of byte matrices: two weight rows by two rows of activations at
//! once. The sums are those of [`few`] in the same order, so that one row alone gives the same result to the bit.

use super::few::{self, LANES, products_of_words};
use super::plain::Plain;
use super::prefetch;
use super::products::{I8mm, STEP, turn};
use super::scales::{Numbers, Scales};
use super::supers::{PARTS, Super};
use crate::model::kernels::activations::{GROUP, Operand, SMALL_BATCH, SUM_16, SUPER};
use crate::model::kernels::set::Scratch;
use std::arch::aarch64::*;

pub(super) use super::floats::rows as floats;

/// Rows of activations from which on it takes fewer instructions to lay weights side by side than to multiply them apart.
const MIN_ROWS: usize = 3;
/// Pairs of rows of activations.
const MAX_PAIRS: usize = SMALL_BATCH.div_ceil(2);

/// The rows of a pair; the last of an odd number stands for its missing neighbour too.
fn pair(p: usize, m: usize) -> [usize; 2] {
    [2 * p, (2 * p + 1).min(m - 1)]
}

/// Lays the activations side by side, [pair][k / 8][2][8].
#[target_feature(enable = "neon")]
fn interleave(x: Operand, scratch: &mut Scratch) {
    scratch.panel.resize(x.m.div_ceil(2) * 2 * x.k);
    let mut to = scratch.panel.as_mut_ptr().cast::<i8>();
    for p in 0..x.m.div_ceil(2) {
        let [a, b] = pair(p, x.m).map(|t| x.quants(t).as_ptr());
        for at in (0..x.k).step_by(STEP) {
            // SAFETY: 16 values of each row, k being a multiple of 32; there is room for both.
            unsafe {
                let [first, second] = side_by_side(vld1q_s8(a.add(at)), vld1q_s8(b.add(at)));
                vst1q_s8(to, first);
                vst1q_s8(to.add(STEP), second);
                to = to.add(2 * STEP);
            }
        }
    }
}

/// Eight values of each of two rows, and the next eight.
#[target_feature(enable = "neon")]
#[inline]
fn side_by_side(a: int8x16_t, b: int8x16_t) -> [int8x16_t; 2] {
    let [a, b] = [a, b].map(|row| vreinterpretq_s64_s8(row));
    [vzip1q_s64(a, b), vzip2q_s64(a, b)].map(|both| vreinterpretq_s8_s64(both))
}

/// `sums`, two by two, and the products of 16 values; `y` is a step of a pair's.
///
/// # Safety
/// The processor has i8mm; `y` points to 32 readable bytes.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn sixteen(sums: int32x4_t, w: [int8x16_t; 2], y: *const i8) -> int32x4_t {
    // SAFETY: as the caller says.
    unsafe { I8mm::add_two_by_two(I8mm::add_two_by_two(sums, w[0], vld1q_s8(y)), w[1], vld1q_s8(y.add(STEP))) }
}

/// What belongs to the two weight rows, as it stands beside the sums.
#[target_feature(enable = "neon")]
#[inline]
fn of_rows(a: f32, b: f32) -> float32x4_t {
    vcombine_f32(vdup_n_f32(a), vdup_n_f32(b))
}

/// What belongs to a pair of activations, as it stands beside the sums.
///
/// # Safety
/// Both point to a readable number.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn of_pair(a: *const f32, b: *const f32) -> float32x4_t {
    // SAFETY: as the caller says.
    let both = unsafe { vset_lane_f32::<1>(*b, vdup_n_f32(*a)) };
    vcombine_f32(both, both)
}

/// # Safety
/// The processor has i8mm and dotprod; `weights` is whole rows of `row_bytes` of `K`'s blocks, `out` is [m][rows].
#[target_feature(enable = "neon")]
pub(super) unsafe fn supers<K: Super>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], scratch: &mut Scratch) {
    if x.m < MIN_ROWS {
        // SAFETY: as the caller says.
        return unsafe { few::supers::<K, I8mm>(weights, row_bytes, x, out, scratch) };
    }
    interleave(x, scratch);
    let n_rows = out.len() / x.m;
    for (i, rows) in weights.chunks(2 * row_bytes).enumerate() {
        // SAFETY: as the caller says; the last row may be alone, and stands for its neighbour.
        let sums = unsafe { supers_by_pairs::<K>([&rows[..row_bytes], &rows[rows.len() - row_bytes..]], x, &scratch.panel) };
        for (p, sums) in sums.into_iter().enumerate().take(x.m.div_ceil(2)) {
            let mut each = [0.0; 4];
            // SAFETY: four values.
            unsafe { vst1q_f32(each.as_mut_ptr(), sums) };
            place(each, 2 * i, 2 * p, x.m, n_rows, out);
        }
    }
}

/// Puts two by two results where they belong, but for those that stood in for a neighbour.
fn place(results: [f32; 4], row: usize, token: usize, m: usize, n_rows: usize, out: &mut [f32]) {
    for (i, result) in results.into_iter().enumerate() {
        let (row, token) = (row + i / 2, token + i % 2);
        if row < n_rows && token < m {
            out[token * n_rows + row] = result;
        }
    }
}

/// Two weight rows by all pairs.
///
/// # Safety
/// As for [`supers`]; `panel` holds the pairs.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn supers_by_pairs<K: Super>(rows: [&[u8]; 2], x: Operand, panel: &[u8]) -> [float32x4_t; MAX_PAIRS] {
    let (mut sums, mut minima) = ([vdupq_n_f32(0.0); MAX_PAIRS], [vdupq_n_f32(0.0); MAX_PAIRS]);
    for i in 0..x.k / SUPER {
        // SAFETY: block i of the rows and of the pairs.
        unsafe {
            let blocks = rows.map(|row| row.as_ptr().add(i * K::BYTES));
            blocks.iter().for_each(|block| prefetch(*block, K::BYTES));
            let (a, b) = (K::quants(blocks[0]), K::quants(blocks[1]));
            let q: [[int8x16_t; 2]; PARTS] = std::array::from_fn(|j| side_by_side(a[j], b[j]));
            let parts = blocks.map(|block| K::scales(block));
            let scales = spread(&parts);
            let (d, dmin) = (of_rows(parts[0].d, parts[1].d), of_rows(parts[0].dmin, parts[1].dmin));
            for p in 0..x.m.div_ceil(2) {
                let tokens = pair(p, x.m);
                let y = panel.as_ptr().add((p * x.k + i * SUPER) * 2).cast::<i8>();
                let mut dot = vdupq_n_s32(0);
                for s in 0..SUPER / K::SUB {
                    let mut part = vdupq_n_s32(0);
                    for j in s * K::SUB / STEP..(s + 1) * K::SUB / STEP {
                        part = sixteen(part, q[j], y.add(2 * j * STEP));
                    }
                    dot = vmlaq_s32(dot, part, scales[s * K::SUB / SUM_16]);
                }
                let [scale_a, scale_b] = tokens.map(|t| x.scales(t, SUPER).as_ptr().add(i));
                let y_scale = of_pair(scale_a, scale_b);
                let y_sums = tokens.map(|t| x.sums(t, SUM_16).as_ptr().add(i * SUPER / SUM_16));
                match K::NUMBERS {
                    Numbers::Least => {
                        let minimum = words([parts[0].minima, parts[1].minima], y_sums);
                        minima[p] = vfmaq_f32(minima[p], vcvtq_f32_s32(minimum), vmulq_f32(dmin, y_scale));
                    }
                    Numbers::Moved(by) => {
                        dot = vmlsq_n_s32(dot, words([parts[0].scales, parts[1].scales], y_sums), i32::from(by));
                    }
                    Numbers::Signed => {}
                }
                sums[p] = vfmaq_f32(sums[p], vcvtq_f32_s32(dot), vmulq_f32(d, y_scale));
            }
        }
    }
    std::array::from_fn(|p| vsubq_f32(sums[p], minima[p]))
}

/// The scales of two blocks as they stand beside the sums.
#[target_feature(enable = "neon")]
#[inline]
fn spread(parts: &[Scales; 2]) -> [int32x4_t; PARTS] {
    let mut each = [[0i16; PARTS]; 2];
    for (each, parts) in each.iter_mut().zip(parts) {
        // SAFETY: two times eight numbers.
        unsafe {
            vst1q_s16(each.as_mut_ptr(), parts.scales[0]);
            vst1q_s16(each.as_mut_ptr().add(8), parts.scales[1]);
        }
    }
    std::array::from_fn(|j| vcombine_s32(vdup_n_s32(i32::from(each[0][j])), vdup_n_s32(i32::from(each[1][j]))))
}

/// The products of 16 words of two by two rows, each added up.
///
/// # Safety
/// Each of `y` points to 16 readable words.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn words(w: [[int16x8_t; 2]; 2], y: [*const i16; 2]) -> int32x4_t {
    // SAFETY: as the caller says.
    let [a, b] = w.map(|w| unsafe { vpaddq_s32(products_of_words(w, y[0]), products_of_words(w, y[1])) });
    vpaddq_s32(a, b)
}

/// # Safety
/// As for [`supers`].
#[target_feature(enable = "neon")]
pub(super) unsafe fn plain<K: Plain>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], scratch: &mut Scratch) {
    if x.m < MIN_ROWS {
        // SAFETY: as the caller says.
        return unsafe { few::plain::<K, I8mm>(weights, row_bytes, x, out, scratch) };
    }
    interleave(x, scratch);
    let n_rows = out.len() / x.m;
    for (i, rows) in weights.chunks(2 * row_bytes).enumerate() {
        let rows = [&rows[..row_bytes], &rows[rows.len() - row_bytes..]];
        let mut sums = [[vdupq_n_f32(0.0); 4]; MAX_PAIRS];
        let n = x.k / K::SUB;
        let whole = n / LANES * LANES;
        // SAFETY: as the caller says; scales below n.
        unsafe {
            for first in (0..whole).step_by(LANES) {
                add_lanes::<K>(rows, first, LANES, x, &scratch.panel, &mut sums);
            }
            if whole < n {
                add_lanes::<K>(rows, whole, n - whole, x, &scratch.panel, &mut sums);
            }
        }
        for (p, sums) in sums.into_iter().enumerate().take(x.m.div_ceil(2)) {
            place(sums.map(|sums| vaddvq_f32(sums)), 2 * i, 2 * p, x.m, n_rows, out);
        }
    }
}

/// The weights of two rows under `n` scales from `first` on, by all pairs. `sums` are two by two rows, a lane for each
/// scale.
///
/// # Safety
/// As for [`plain`]; the rows have as many scales, `panel` holds the pairs.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn add_lanes<K: Plain>(
    rows: [&[u8]; 2],
    first: usize,
    n: usize,
    x: Operand,
    panel: &[u8],
    sums: &mut [[float32x4_t; 4]; MAX_PAIRS],
) {
    let zero = vdupq_n_s8(0);
    let mut q = [[[zero; 2]; GROUP / STEP]; LANES];
    for (lane, q) in q.iter_mut().enumerate().take(n) {
        let at = (first + lane) * K::SUB;
        // SAFETY: the rows' blocks that these weights are of.
        unsafe {
            let [a, b] = rows.map(|row| few::group_of::<K>(row, at / GROUP));
            for j in 0..K::SUB / STEP {
                let part = at % GROUP / STEP + j;
                q[j] = side_by_side(a[part], b[part]);
            }
        }
    }
    // SAFETY: as above; then the pairs' share of these weights.
    unsafe {
        let d = rows.map(|row| few::scales_of::<K>(row, first, n));
        let least = rows.map(|row| few::minima_of::<K>(row, first, n));
        for (p, sums) in sums.iter_mut().enumerate().take(x.m.div_ceil(2)) {
            let mut dots = [vdupq_n_f32(0.0); LANES];
            for lane in 0..n {
                let y = panel.as_ptr().add((p * x.k + (first + lane) * K::SUB) * 2).cast::<i8>();
                let mut dot = vdupq_n_s32(0);
                for j in 0..K::SUB / STEP {
                    dot = sixteen(dot, q[lane][j], y.add(2 * j * STEP));
                }
                dots[lane] = vcvtq_f32_s32(dot);
            }
            let dots = turn(dots);
            for (i, t) in pair(p, x.m).into_iter().enumerate() {
                let y_scales = few::of_groups::<K>(x.scales(t, GROUP).as_ptr(), first, n);
                for r in 0..2 {
                    let sum = &mut sums[2 * r + i];
                    *sum = vfmaq_f32(*sum, dots[2 * r + i], vmulq_f32(d[r], y_scales));
                    if K::HAS_MINIMUM {
                        *sum = vfmaq_f32(*sum, least[r], few::of_groups::<K>(x.weighted(t).as_ptr(), first, n));
                    }
                }
            }
        }
    }
}
