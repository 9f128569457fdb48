//! Top-p: the fewest tokens that together are at least so likely (Holtzman et al. 2019). 1: all.

use super::candidates::Candidates;

pub(super) fn apply(candidates: &mut Candidates<'_>, p: f32) {
    if p < 1.0 {
        candidates.keep_share(p);
    }
}
