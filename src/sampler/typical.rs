//! Locally typical sampling: the tokens whose surprise is nearest to what is expected, until together they are likelier
//! than p (Meister et al. 2022). 1: all.

use super::candidates::Candidates;

pub(super) fn apply(candidates: &mut Candidates<'_>, p: f32) {
    if p < 1.0 {
        candidates.keep_typical(p);
    }
}
