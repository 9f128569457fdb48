//! Temperature: above 1 flattens, below 1 sharpens. 0 or less: the likeliest token, among equals the first.
//!
//! With a range it moves with the entropy, as a share of the greatest that so many tokens can have: low where the
//! model is sure, high where it is not (llama.cpp `llama_sampler_temp_ext`).

use super::candidates::Candidates;

pub(super) fn apply(candidates: &mut Candidates<'_>, temp: f32, range: f32, exponent: f32) {
    if range <= 0.0 {
        return set(candidates, temp);
    }
    let n = candidates.n();
    if n > 1 {
        let (low, high) = ((temp - range).max(0.0), temp + range);
        let share = (candidates.entropy() / (n as f64).ln()) as f32;
        set(candidates, low + (high - low) * share.clamp(0.0, 1.0).powf(exponent));
    }
}

fn set(candidates: &mut Candidates<'_>, temp: f32) {
    if temp > 0.0 {
        candidates.set_temperature(temp);
    } else {
        candidates.keep_top(1);
    }
}
