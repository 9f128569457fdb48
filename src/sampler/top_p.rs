//! Top-p: the fewest tokens that together are at least so likely (Holtzman et al. 2019). 1: all.

use super::Link;

pub(super) const LINK: Link = Link {
    apply: |candidates, sampling| {
        if sampling.top_p < 1.0 {
            candidates.keep_share(sampling.top_p);
        }
    },
};
