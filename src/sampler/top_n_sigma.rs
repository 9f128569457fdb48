//! Top-n-sigma: the tokens whose logit is at most n standard deviations below the greatest (Tang et al. 2024). 0 or less:
//! all.

use super::candidates::Candidates;

pub(super) fn apply(candidates: &mut Candidates<'_>, n: f32) {
    if n > 0.0
        && let Some(deviation) = candidates.deviation()
    {
        candidates.keep_from(candidates.max() - n * deviation as f32);
    }
}
