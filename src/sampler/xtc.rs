//! XTC, "exclude top choices": now and then all tokens that are at least so likely are left out, but for the least likely
//! of them (github.com/oobabooga/text-generation-webui/pull/6335). Probability 0, or a threshold that only one
//! token can reach: never.

use super::candidates::Candidates;
use super::rng::Rng;

/// Above this no two tokens reach the threshold.
const THRESHOLD_MAX: f32 = 0.5;

pub(super) fn apply(candidates: &mut Candidates<'_>, probability: f32, threshold: f32, rng: &mut Rng) {
    if probability <= 0.0 || threshold > THRESHOLD_MAX || rng.unit() > f64::from(probability) {
        return;
    }
    let max = candidates.max();
    let least = max - candidates.distance_of_share(f64::from(threshold), max);
    candidates.drop_all_but_last_from(least);
}
