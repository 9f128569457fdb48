//! Min-p: the tokens at least so likely as a share of the likeliest one (Nguyen et al. 2024). 0: all.

use super::candidates::Candidates;

pub(super) fn apply(candidates: &mut Candidates<'_>, p: f32) {
    if p > 0.0 {
        candidates.keep_from(candidates.logit_of_ratio(p));
    }
}
