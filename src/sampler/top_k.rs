//! Top-k: the k likeliest tokens (Fan et al. 2018). 0: all.

use super::candidates::Candidates;

pub(super) fn apply(candidates: &mut Candidates<'_>, k: u32) {
    if k > 0 {
        candidates.keep_top(k as usize);
    }
}
