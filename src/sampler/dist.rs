//! The draw: a token by its weight.

use super::candidates::Candidates;
use super::rng::Rng;

/// `None` where nothing has any weight.
pub(super) fn draw(candidates: &Candidates<'_>, rng: &mut Rng) -> Option<u32> {
    let mut total = 0.0;
    candidates.weights(|_, weight| {
        total += weight;
        false
    });
    let target = rng.unit() * total;
    let (mut sum, mut drawn) = (0.0, None);
    candidates.weights(|id, weight| {
        sum += weight;
        // Rounding may leave the sum short of the target: then it is the last that has any weight.
        drawn = if weight > 0.0 { Some(id) } else { drawn };
        sum > target
    });
    drawn
}
