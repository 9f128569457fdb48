//! Top-k: the k likeliest tokens (Fan et al. 2018). 0: all.

use super::Link;

pub(super) const LINK: Link = Link {
    apply: |candidates, sampling| {
        if sampling.top_k > 0 {
            candidates.keep_top(sampling.top_k as usize);
        }
    },
};
