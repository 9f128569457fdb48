//! Min-p: the tokens at least so likely as a share of the likeliest one (Nguyen et al. 2024). 0: all.

use super::Link;

pub(super) const LINK: Link = Link {
    apply: |candidates, sampling| {
        if sampling.min_p > 0.0 {
            candidates.keep_from(candidates.max() + sampling.min_p.ln());
        }
    },
};
