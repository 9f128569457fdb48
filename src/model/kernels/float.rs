//! Functions over rows of f32, written once in plain Rust over arrays of lanes, and compiled anew for each tier by
//! [`float_functions`]: what is `inline(always)` here takes on the instructions of the function it ends up in.
//!
//! `FMA` says whether products and sums may be fused; without the instruction, a fused product is a slow library call.

use super::activations::{GROUP, LANE, SUM_16, SUPER};

/// Values summed side by side: the widest register.
pub(super) const W: usize = 16;
/// Independent sums in a dot product, to hide the latency of the additions.
const N_SUMS: usize = 4;

#[inline(always)]
pub(super) fn fma<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// The sum of lanes by halving, in one order for all tiers.
#[inline(always)]
pub(super) fn total(mut lanes: [f32; W]) -> f32 {
    let mut half = W / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

#[inline(always)]
pub(super) fn dot<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [[0.0f32; W]; N_SUMS];
    let (a_steps, a_rest) = a.as_chunks::<{ W * N_SUMS }>();
    let (b_steps, b_rest) = b.as_chunks::<{ W * N_SUMS }>();
    for (a, b) in a_steps.iter().zip(b_steps) {
        for (s, sum) in sums.iter_mut().enumerate() {
            for i in 0..W {
                sum[i] = fma::<FMA>(a[s * W + i], b[s * W + i], sum[i]);
            }
        }
    }
    for (i, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[i / W][i % W] = fma::<FMA>(*a, *b, sums[i / W][i % W]);
    }
    let [mut first, second, third, fourth] = sums;
    for i in 0..W {
        first[i] = (first[i] + second[i]) + (third[i] + fourth[i]);
    }
    total(first)
}

#[inline(always)]
pub(super) fn axpy<const FMA: bool>(a: f32, x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = fma::<FMA>(a, *x, *y);
    }
}

#[inline(always)]
pub(super) fn scale(x: &mut [f32], factor: f32) {
    x.iter_mut().for_each(|x| *x *= factor);
}

#[inline(always)]
pub(super) fn multiply(y: &mut [f32], x: &[f32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y *= x);
}

#[inline(always)]
pub(super) fn multiply_add<const FMA: bool>(y: &mut [f32], a: &[f32], b: &[f32]) {
    for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
        *y = fma::<FMA>(*a, *b, *y);
    }
}

#[inline(always)]
pub(super) fn approach<const FMA: bool>(y: &mut [f32], to: &[f32], share: &[f32]) {
    for ((y, to), share) in y.iter_mut().zip(to).zip(share) {
        *y = fma::<FMA>(to - *y, *share, *y);
    }
}

#[inline(always)]
fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The largest of lanes by halving.
#[inline(always)]
fn top(mut lanes: [f32; W]) -> f32 {
    let mut half = W / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = greater(lanes[i], lanes[i + half]);
        }
        half /= 2;
    }
    lanes[0]
}

#[inline(always)]
pub(super) fn max(x: &[f32]) -> f32 {
    let (steps, rest) = x.as_chunks::<W>();
    let mut lanes = [f32::NEG_INFINITY; W];
    for step in steps {
        for i in 0..W {
            lanes[i] = greater(step[i], lanes[i]);
        }
    }
    rest.iter().fold(top(lanes), |top, x| greater(*x, top))
}

/// ln 2 in two parts, the first exact in products with a whole number.
pub(super) const LN_2_HIGH: f32 = 0.693_359_4;
pub(super) const LN_2_LOW: f32 = -2.121_944_4e-4;
/// Taylor's terms of e^r with their ends bent to the interval (Cephes, expf), the highest first; r + 1 follow.
pub(super) const EXP: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5];
/// Where e^x becomes too small for a normal number.
pub(super) const EXP_LEAST: f32 = -87.336_5;

/// e^x within 2 units in the last place: x = n ln 2 + r, and a polynomial for e^r with |r| <= ln(2) / 2. Below -87.3 the
/// result goes to zero, above 88.7 to infinity.
#[inline(always)]
pub(super) fn exp<const FMA: bool>(x: f32) -> f32 {
    /// Adding it rounds to a whole number, to be read from the low bits.
    const ROUND: f32 = 12_582_912.0;
    let bounded = if x < EXP_LEAST { EXP_LEAST } else { x };
    let bounded = if bounded > 88.8 { 88.8 } else { bounded };
    let shifted = fma::<FMA>(bounded, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fma::<FMA>(n, -LN_2_LOW, fma::<FMA>(n, -LN_2_HIGH, bounded));
    let p = EXP.iter().skip(1).fold(EXP[0], |p, term| fma::<FMA>(p, r, *term));
    let e = fma::<FMA>(p * r, r, r) + 1.0;
    // 2^n in two factors, so that n = 128 does not overflow before its time.
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let half = n >> 1;
    let power = |n: i32| f32::from_bits(((n + 127) << 23) as u32);
    let y = e * power(half) * power(n - half);
    // A NaN passes both comparisons above and comes out as one.
    if x < EXP_LEAST { 0.0 } else { y }
}

#[inline(always)]
pub(super) fn exp_sum<const FMA: bool>(x: &mut [f32], shift: f32) -> f32 {
    let mut lanes = [0.0f32; W];
    let (steps, rest) = x.as_chunks_mut::<W>();
    for step in steps {
        for i in 0..W {
            step[i] = exp::<FMA>(step[i] - shift);
            lanes[i] += step[i];
        }
    }
    for (i, x) in rest.iter_mut().enumerate() {
        *x = exp::<FMA>(*x - shift);
        lanes[i] += *x;
    }
    total(lanes)
}

/// Scores of one row become weights of its values: scaled, what the row does not see left out, and e to what they are
/// above the largest score so far, `top`. Gives the largest of all and the sum of the weights.
#[inline(always)]
pub(super) fn soften<const FMA: bool>(scores: &mut [f32], scale: f32, seen: std::ops::Range<usize>, before: f32) -> (f32, f32) {
    // Whole passes over a short row: a choice for each value would keep the compiler from using vectors.
    self::scale(scores, scale);
    let end = seen.end.min(scores.len());
    let first = seen.start.min(end);
    scores[..first].fill(f32::NEG_INFINITY);
    scores[end..].fill(f32::NEG_INFINITY);
    let top = greater(max(scores), before);
    // A row that has seen nothing yet stays at nothing.
    let shift = if top == f32::NEG_INFINITY { 0.0 } else { top };
    (top, exp_sum::<FMA>(scores, shift))
}

#[inline(always)]
pub(super) fn rms_norm(x: &[f32], weight: Option<&[f32]>, eps: f32, out: &mut [f32]) {
    const LANES: usize = 8;
    let mut lanes = [0.0f64; LANES];
    let (steps, rest) = x.as_chunks::<LANES>();
    for step in steps {
        for i in 0..LANES {
            lanes[i] += f64::from(step[i] * step[i]);
        }
    }
    for (i, x) in rest.iter().enumerate() {
        lanes[i] += f64::from(x * x);
    }
    let mean = (lanes.iter().sum::<f64>() / x.len() as f64) as f32;
    let scale = 1.0 / (mean + eps).sqrt();
    match weight {
        Some(weight) => {
            for ((out, x), w) in out.iter_mut().zip(x).zip(weight) {
                *out = x * scale * w;
            }
        }
        None => out.iter_mut().zip(x).for_each(|(out, x)| *out = x * scale),
    }
}

#[inline(always)]
pub(super) fn silu_mul<const FMA: bool>(gate: &mut [f32], up: &[f32]) {
    for (gate, up) in gate.iter_mut().zip(up) {
        *gate = *gate / (1.0 + exp::<FMA>(-*gate)) * up;
    }
}

#[inline(always)]
pub(super) fn rope_norm(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (pairs, _) = head.as_chunks_mut::<2>();
    for ((pair, cos), sin) in pairs.iter_mut().zip(cos).zip(sin) {
        let [a, b] = *pair;
        *pair = [a * cos - b * sin, a * sin + b * cos];
    }
}

#[inline(always)]
pub(super) fn rope_neox(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (low, high) = head.split_at_mut(cos.len());
    for (((low, high), cos), sin) in low.iter_mut().zip(high).zip(cos).zip(sin) {
        let (a, b) = (*low, *high);
        *low = a * cos - b * sin;
        *high = a * sin + b * cos;
    }
}

/// To the nearest whole number, ties to even. Good for magnitudes below 2^22.
#[inline(always)]
fn nearest(x: f32) -> i32 {
    const ROUND: f32 = 12_582_912.0;
    (x + ROUND).to_bits().wrapping_sub(ROUND.to_bits()) as i32
}

/// The largest magnitude of a group.
#[inline(always)]
fn largest<const N: usize>(x: &[f32; N]) -> f32 {
    let mut lanes = [0.0f32; W];
    let (steps, _) = x.as_chunks::<W>();
    for step in steps {
        for i in 0..W {
            let v = step[i].abs();
            lanes[i] = if v > lanes[i] { v } else { lanes[i] };
        }
    }
    lanes.iter().fold(0.0, |top: f32, v| if *v > top { *v } else { top })
}

/// Q8_0 as llama.cpp makes it on x86 (quantize_row_q8_0 in ggml/src/ggml-cpu/arch/x86/quants.c): divided by the exact
/// scale, ties to even. With it what Q8_1 and the kernels want beside it. The caller rounds scales and weighted sums to
/// half precision.
#[inline(always)]
pub(super) fn quantize_by_32(x: &[f32], quants: &mut [i8], scales: &mut [f32], sums: &mut [i16], lanes: &mut [i32], weighted: &mut [f32]) {
    let (groups, _) = x.as_chunks::<GROUP>();
    let (quants, _) = quants.as_chunks_mut::<GROUP>();
    let (lanes, _) = lanes.as_chunks_mut::<{ GROUP / LANE }>();
    for (g, ((x, quants), lanes)) in groups.iter().zip(quants).zip(lanes).enumerate() {
        let top = largest(x);
        let scale = top / 127.0;
        let inverse = if top > 0.0 { 127.0 / top } else { 0.0 };
        for i in 0..GROUP {
            quants[i] = nearest(x[i] * inverse) as i8;
        }
        let mut sum = 0;
        for (i, lane) in lanes.iter_mut().enumerate() {
            let four: i32 = quants[i * LANE..][..LANE].iter().map(|q| i32::from(*q)).sum();
            *lane = -four;
            sum += four;
        }
        sums[g] = sum as i16;
        scales[g] = scale;
        weighted[g] = scale * sum as f32;
    }
}

/// Q8_K as llama.cpp makes it (quantize_row_q8_K_ref in ggml/src/ggml-quants.c): the first value of largest magnitude
/// becomes -127, whatever its sign.
#[inline(always)]
pub(super) fn quantize_by_256(x: &[f32], quants: &mut [i8], scales: &mut [f32], sums: &mut [i16]) {
    let (groups, _) = x.as_chunks::<SUPER>();
    let (quants, _) = quants.as_chunks_mut::<SUPER>();
    let (sums, _) = sums.as_chunks_mut::<{ SUPER / SUM_16 }>();
    for (((x, quants), sums), scale) in groups.iter().zip(quants).zip(sums).zip(scales) {
        let top = largest(x);
        if top == 0.0 {
            (*scale, *quants, *sums) = (0.0, [0; SUPER], [0; SUPER / SUM_16]);
            continue;
        }
        let first = x.iter().copied().find(|x| x.abs() == top).unwrap_or(top);
        let inverse = -127.0 / first;
        for i in 0..SUPER {
            quants[i] = nearest(x[i] * inverse).min(127) as i8;
        }
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = quants[i * SUM_16..][..SUM_16].iter().map(|q| i16::from(*q)).sum();
        }
        *scale = 1.0 / inverse;
    }
}

/// `c[r][..n] += a[r][..k] * b[..k][..n]` without tricks.
#[inline(always)]
pub(super) fn tile<const FMA: bool>(a: &[f32], b: &[f32], c: &mut [f32], shape: super::set::TileShape) {
    for r in 0..shape.m {
        let c = &mut c[r * shape.c_stride..][..shape.n];
        for (i, a) in a[r * shape.a_stride..][..shape.k].iter().enumerate() {
            axpy::<FMA>(*a, &b[i * shape.b_stride..][..shape.n], c);
        }
    }
}

/// The functions above for one tier: `float_functions!(true, #[target_feature(enable = "avx2,fma")])` gives a module
/// `lanes` with a `functions()`.
macro_rules! float_functions {
    ($fma:literal, $(#[$attribute:meta])*) => {
        mod lanes {
            use crate::model::kernels::curves::{self, Curve};
            use crate::model::kernels::float;
            use crate::model::kernels::set::FloatFns;

            $(#[$attribute])*
            fn dot(a: &[f32], b: &[f32]) -> f32 {
                float::dot::<$fma>(a, b)
            }
            $(#[$attribute])*
            fn axpy(a: f32, x: &[f32], y: &mut [f32]) {
                float::axpy::<$fma>(a, x, y)
            }
            $(#[$attribute])*
            fn scale(x: &mut [f32], factor: f32) {
                float::scale(x, factor)
            }
            $(#[$attribute])*
            fn multiply(y: &mut [f32], x: &[f32]) {
                float::multiply(y, x)
            }
            $(#[$attribute])*
            fn multiply_add(y: &mut [f32], a: &[f32], b: &[f32]) {
                float::multiply_add::<$fma>(y, a, b)
            }
            $(#[$attribute])*
            fn approach(y: &mut [f32], to: &[f32], share: &[f32]) {
                float::approach::<$fma>(y, to, share)
            }
            $(#[$attribute])*
            fn curve(which: Curve, x: &mut [f32]) {
                curves::curve::<$fma>(which, x)
            }
            $(#[$attribute])*
            fn soften(scores: &mut [f32], scale: f32, seen: std::ops::Range<usize>, before: f32) -> (f32, f32) {
                float::soften::<$fma>(scores, scale, seen, before)
            }
            $(#[$attribute])*
            fn max(x: &[f32]) -> f32 {
                float::max(x)
            }
            $(#[$attribute])*
            fn exp_sum(x: &mut [f32], shift: f32) -> f32 {
                float::exp_sum::<$fma>(x, shift)
            }
            $(#[$attribute])*
            fn rms_norm(x: &[f32], weight: Option<&[f32]>, eps: f32, out: &mut [f32]) {
                float::rms_norm(x, weight, eps, out)
            }
            $(#[$attribute])*
            fn silu_mul(gate: &mut [f32], up: &[f32]) {
                float::silu_mul::<$fma>(gate, up)
            }
            $(#[$attribute])*
            fn rope_norm(head: &mut [f32], cos: &[f32], sin: &[f32]) {
                float::rope_norm(head, cos, sin)
            }
            $(#[$attribute])*
            fn rope_neox(head: &mut [f32], cos: &[f32], sin: &[f32]) {
                float::rope_neox(head, cos, sin)
            }
            $(#[$attribute])*
            fn quantize_by_32(
                x: &[f32],
                quants: &mut [i8],
                scales: &mut [f32],
                sums: &mut [i16],
                lanes: &mut [i32],
                weighted: &mut [f32],
            ) {
                float::quantize_by_32(x, quants, scales, sums, lanes, weighted)
            }
            $(#[$attribute])*
            fn quantize_by_256(x: &[f32], quants: &mut [i8], scales: &mut [f32], sums: &mut [i16]) {
                float::quantize_by_256(x, quants, scales, sums)
            }

            pub(super) fn functions() -> FloatFns {
                FloatFns {
                    dot,
                    axpy,
                    scale,
                    multiply,
                    multiply_add,
                    approach,
                    curve,
                    soften,
                    max,
                    exp_sum,
                    rms_norm,
                    silu_mul,
                    rope_norm,
                    rope_neox,
                    quantize_by_32,
                    quantize_by_256,
                }
            }
        }
    };
}
pub(super) use float_functions;
