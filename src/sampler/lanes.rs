//! Passes over a whole vocabulary, written so that a compiler makes vector instructions of them.
//!
//! Only sums, products and comparisons of single precision, in one order: the same on every machine.

/// Numbers that go side by side.
const LANES: usize = 16;
/// Logits whose weights are summed in single precision before the sum goes on in double.
pub(super) const CHUNK: usize = 256;
/// Weights below e to this are 0.
const EXP_MIN: f32 = -87.0;

/// e to the power of `x`, which is 0 or less, within 2 units in the last place. (2^n times a polynomial in what remains
/// of x beyond n ln 2; adding 1.5 * 2^23 rounds to a whole number.)
#[inline(always)]
#[allow(clippy::excessive_precision)]
pub(super) fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts: the first has zeros at its end, so that its multiples are exact.
    const LN_2_HIGH: f32 = 0.693_359_375;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let y = if x < EXP_MIN { EXP_MIN } else { x };
    let shifted = y * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = y - n * LN_2_HIGH - n * LN_2_LOW;
    // Taylor's series to r^7, |r| <= ln 2 / 2.
    let p = 1.0 / 5040.0;
    let p = p * r + 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = p * r + 1.0;
    let p = p * r + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0_f32.to_bits()));
    if x < EXP_MIN { 0.0 } else { p * power }
}

/// The greatest; minus infinity of nothing.
pub(super) fn max(logits: &[f32]) -> f32 {
    let greater = |a: f32, b: f32| if b > a { b } else { a };
    let (whole, rest) = logits.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for part in whole {
        for (lane, logit) in lanes.iter_mut().zip(part) {
            *lane = greater(*lane, *logit);
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |a, b| greater(a, *b))
}

/// How many logits `is` holds of.
#[inline(always)]
fn count(logits: &[f32], is: impl Fn(f32) -> bool) -> usize {
    logits.chunks(CHUNK).map(|part| part.iter().map(|l| u32::from(is(*l))).sum::<u32>() as usize).sum()
}

/// How many are `least` or more.
pub(super) fn count_from(logits: &[f32], least: f32) -> usize {
    count(logits, |l| l >= least)
}

/// How many are not ruled out.
pub(super) fn count_possible(logits: &[f32]) -> usize {
    count(logits, |l| l > f32::NEG_INFINITY)
}

/// How many are neither a number nor minus infinity.
pub(super) fn count_wrong(logits: &[f32]) -> usize {
    count(logits, |l| l.is_nan() || l == f32::INFINITY)
}

/// Rules out what is below `least`.
pub(super) fn mask_below(logits: &mut [f32], least: f32) {
    for l in logits {
        *l = if *l < least { f32::NEG_INFINITY } else { *l };
    }
}

/// Weights of up to `CHUNK` logits: e^((logit - max) / temperature).
#[inline(always)]
pub(super) fn weights(logits: &[f32], max: f32, temperature: f32, out: &mut [f32; CHUNK]) {
    for (weight, logit) in out.iter_mut().zip(logits) {
        *weight = exp((*logit - max) / temperature);
    }
}

/// The sum of single-precision numbers, lane by lane.
#[inline(always)]
fn sum(values: &[f32]) -> f64 {
    let (whole, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for part in whole {
        for (lane, value) in lanes.iter_mut().zip(part) {
            *lane += *value;
        }
    }
    lanes.iter().chain(rest).map(|v| f64::from(*v)).sum()
}

/// The sum of weights of up to `CHUNK` logits.
pub(super) fn chunk_weight(logits: &[f32], max: f32, temperature: f32) -> f64 {
    let mut out = [0.0; CHUNK];
    weights(logits, max, temperature, &mut out);
    sum(&out[..logits.len()])
}

/// The sum of all weights.
pub(super) fn total(logits: &[f32], max: f32, temperature: f32) -> f64 {
    logits.chunks(CHUNK).map(|part| chunk_weight(part, max, temperature)).sum()
}

/// The sum of all weights times their logarithms, a number of 0 or less.
pub(super) fn weighted_logs(logits: &[f32], max: f32, temperature: f32) -> f64 {
    let part = |part: &[f32]| {
        let mut out = [0.0; CHUNK];
        for (value, logit) in out.iter_mut().zip(part) {
            let log = (*logit - max) / temperature;
            // What is ruled out weighs nothing, and nothing times infinity is no number.
            *value = exp(log) * if log < EXP_MIN { EXP_MIN } else { log };
        }
        sum(&out[..part.len()])
    };
    logits.chunks(CHUNK).map(part).sum()
}

/// Mean and standard deviation of the logits that are not ruled out; nothing where there are none.
pub(super) fn spread(logits: &[f32]) -> Option<(f64, f64)> {
    let n = count_possible(logits);
    let over = |of: &dyn Fn(f32) -> f32| -> f64 {
        let part = |part: &[f32]| {
            let mut out = [0.0; CHUNK];
            for (value, logit) in out.iter_mut().zip(part) {
                *value = if *logit > f32::NEG_INFINITY { of(*logit) } else { 0.0 };
            }
            sum(&out[..part.len()])
        };
        logits.chunks(CHUNK).map(part).sum()
    };
    let mean = over(&|l| l) / n as f64;
    let around = mean as f32;
    let variance = over(&|l| (l - around) * (l - around)) / n as f64;
    (n > 0).then_some((mean, variance.sqrt()))
}
