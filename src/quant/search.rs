//! Searching for the scale (and minimum) under which a group of values loses least.
//!
//! The searches are those that ggml/src/ggml-quants.c makes with an importance matrix, all values being equally
//! important here: without one it weighs large values so much that the error as a whole is up to a third larger. All of
//! them try inverse scales around the obvious one; for each, the quants are fixed by rounding, and then the best scale
//! *for those quants* follows by least squares.

/// Groups whose largest magnitude is below this are taken for zero.
pub(super) const GROUP_MAX_EPS: f32 = 1e-15;

/// 1.5 * 2^23: added to a number of at most 22 bits it leaves no room for a fraction, so that the sum's low bits are
/// the number rounded to the nearest integer, halves to even.
const ROUNDER: f32 = 12_582_912.0;

/// The nearest integer within bounds, halves to even. The searches spend their time here: `round_ties_even` would be
/// a call where the compiler may not assume SSE4.1, this is an addition.
pub(super) fn nearest(x: f32, min: i32, max: i32) -> i32 {
    let bounded = x.max(min as f32).min(max as f32);
    (bounded + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits()) as i32
}

/// The value of largest magnitude, with its sign; the first of equals.
pub(super) fn largest(x: &[f32]) -> f32 {
    x.iter().fold(0.0f32, |m, v| if v.abs() > m.abs() { *v } else { m })
}

/// What an error at each value costs: large values matter more, small ones not nothing.
pub(super) fn weigh(x: &[f32], mean_square: f32, weights: &mut [f32]) {
    weights.iter_mut().zip(x).for_each(|(w, x)| *w = (mean_square + x * x).sqrt());
}

pub(super) fn mean_square(x: &[f32]) -> f32 {
    x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32
}

/// How many steps more than there are `affine` tries to lay the values out over.
const AFFINE_FIRST: f32 = -0.9;
const AFFINE_STEP: f32 = 0.05;
const AFFINE_TRIES: u32 = 37;

/// Values in the longest group.
const GROUP_LEN_MAX: usize = 32;

/// A scale and a minimum: `x = scale * q - min`, with `min >= 0`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Affine {
    pub(super) scale: f32,
    pub(super) min: f32,
}

/// Finds scale and minimum for quants from 0 to `q_max` (`make_qkx3_quants`). The quants found are left in `quants`.
pub(super) fn affine(x: &[f32], weights: &[f32], q_max: i32, quants: &mut [u8]) -> Affine {
    // The minimum is subtracted and stored unsigned, so that it cannot be above zero.
    let low = x.iter().copied().fold(0.0f32, f32::min);
    let high = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if high <= low {
        quants.fill(0);
        return Affine { scale: 0.0, min: -low };
    }
    // The values are laid out over `extra` steps more than there are, above the offset that was best so far.
    let round = |extra: f32, offset: f32, quants: &mut [u8]| {
        let iscale = (extra + q_max as f32) / (high - offset);
        quants.iter_mut().zip(x).for_each(|(q, x)| *q = nearest(iscale * (x - offset), 0, q_max) as u8);
    };
    let loss = |scale: f32, offset: f32, quants: &[u8]| -> f32 {
        let off = |q: &u8, x: &f32| scale * f32::from(*q) + offset - x;
        quants.iter().zip(x).zip(weights).map(|((q, x), w)| w * off(q, x) * off(q, x)).sum()
    };
    let (mut scale, mut offset) = ((high - low) / q_max as f32, low);
    round(0.0, offset, quants);
    let mut least = loss(scale, offset, quants);
    let mut tried = [0u8; GROUP_LEN_MAX];
    let tried = &mut tried[..x.len()];
    for i in 0..AFFINE_TRIES {
        round(AFFINE_FIRST + AFFINE_STEP * i as f32, offset, tried);
        let Some((s, o)) = least_squares(x, weights, tried) else { continue };
        let lost = loss(s, o, tried);
        if lost < least {
            (least, scale, offset) = (lost, s, o);
            quants.copy_from_slice(tried);
        }
    }
    Affine { scale, min: -offset }
}

/// Scale and offset (at most zero) that minimize the weighted squares for fixed quants. None where all are equal.
fn least_squares(x: &[f32], weights: &[f32], quants: &[u8]) -> Option<(f32, f32)> {
    let (mut sum, mut sum_x, mut sum_q, mut sum_qq, mut sum_xq) = (0.0f32, 0.0f32, 0.0f32, 0.0f32, 0.0f32);
    for ((q, x), w) in quants.iter().zip(x).zip(weights) {
        let q = f32::from(*q);
        sum += w;
        sum_x += w * x;
        sum_q += w * q;
        sum_qq += w * q * q;
        sum_xq += w * q * x;
    }
    let determinant = sum * sum_qq - sum_q * sum_q;
    if determinant <= 0.0 {
        return None;
    }
    let scale = (sum * sum_xq - sum_x * sum_q) / determinant;
    let offset = (sum_qq * sum_x - sum_q * sum_xq) / determinant;
    if offset > 0.0 { Some((sum_xq / sum_qq, 0.0)) } else { Some((scale, offset)) }
}

/// Steps of a tenth to either side of the obvious inverse scale.
const SYMMETRIC_STEPS: i32 = 9;

/// Finds a scale for signed quants from `-q_max` to `q_max - 1` (`make_qx_quants`). The quants found are left in
/// `quants`.
pub(super) fn symmetric(x: &[f32], weights: &[f32], q_max: i32, quants: &mut [i8]) -> f32 {
    let max = largest(x);
    quants.fill(0);
    if max.abs() < GROUP_MAX_EPS {
        return 0.0;
    }
    let round = |iscale: f32, x: f32| nearest(iscale * x, -q_max, q_max - 1);
    // The best scale for quants made with an inverse scale is sum(xq) / sum(qq), its gain sum(xq)^2 / sum(qq).
    let sums = |iscale: f32| {
        x.iter().zip(weights).fold((0.0f32, 0.0f32), |(xq, qq), (x, w)| {
            let q = round(iscale, *x) as f32;
            (xq + w * x * q, qq + w * q * q)
        })
    };
    let (mut scale, mut best, mut best_iscale) = (0.0, 0.0, -(q_max as f32) / max);
    for i in std::iter::once(0).chain(-SYMMETRIC_STEPS..=SYMMETRIC_STEPS) {
        let iscale = -(q_max as f32 + 0.1 * i as f32) / max;
        let (xq, qq) = sums(iscale);
        if qq > 0.0 && xq * xq > best * qq {
            scale = xq / qq;
            best = scale * xq;
            best_iscale = iscale;
        }
    }
    quants.iter_mut().zip(x).for_each(|(q, x)| *q = round(best_iscale, *x) as i8);
    scale
}

/// Steps of a tenth to either side of the obvious inverse scale.
const POSITIVE_STEPS: i32 = 4;
/// Rounds of changing one quant at a time.
const POSITIVE_ROUNDS: usize = 5;

/// Finds a scale for values that are not negative, quants from 0 to `q_max` (`make_qp_quants`): the scales and minimums
/// of a super-block. From the best rounding on it changes one quant at a time for as long as that helps. The quants
/// found are left in `quants`.
pub(super) fn positive(x: &[f32], weights: &[f32], q_max: i32, quants: &mut [u8]) -> f32 {
    let max = x.iter().copied().fold(0.0f32, f32::max);
    quants.fill(0);
    if max <= 0.0 {
        return 0.0;
    }
    let loss = |iscale: f32| -> f32 {
        let off = |x: f32| x - nearest(iscale * x, 0, q_max) as f32 / iscale;
        x.iter().zip(weights).map(|(x, w)| w * off(*x) * off(*x)).sum()
    };
    let tries = std::iter::once(0).chain(-POSITIVE_STEPS..=POSITIVE_STEPS).map(|i| (q_max as f32 + 0.1 * i as f32) / max);
    // The first of equals, which is the obvious one.
    let iscale = tries.map(|iscale| (loss(iscale), iscale)).reduce(|a, b| if b.0 < a.0 { b } else { a }).map_or(0.0, |(_, i)| i);
    let (mut sum_xq, mut sum_qq) = (0.0f32, 0.0f32);
    for ((q, x), w) in quants.iter_mut().zip(x).zip(weights) {
        let rounded = nearest(iscale * x, 0, q_max);
        *q = rounded as u8;
        sum_xq += w * x * rounded as f32;
        sum_qq += w * (rounded * rounded) as f32;
    }
    for _ in 0..POSITIVE_ROUNDS {
        let before = quants.to_vec();
        for ((q, x), w) in quants.iter_mut().zip(x).zip(weights) {
            // The sums without this value, whose best scale says what its quant should be.
            let old = f32::from(*q);
            let (xq, qq) = (sum_xq - w * x * old, sum_qq - w * old * old);
            if xq <= 0.0 || qq <= 0.0 {
                continue;
            }
            let new = nearest(x * qq / xq, 0, q_max);
            let (xq, qq) = (xq + w * x * new as f32, qq + w * (new * new) as f32);
            if new as u8 != *q && xq * xq * sum_qq > sum_xq * sum_xq * qq {
                (*q, sum_xq, sum_qq) = (new as u8, xq, qq);
            }
        }
        if *quants == *before {
            break;
        }
    }
    if sum_qq > 0.0 { sum_xq / sum_qq } else { 0.0 }
}
