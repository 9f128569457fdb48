//! Temperature: above 1 flattens, below 1 sharpens. 0 or less: the likeliest token, among equals the first.

use super::Link;

pub(super) const LINK: Link = Link {
    apply: |candidates, sampling| {
        if sampling.temp > 0.0 {
            candidates.set_temperature(sampling.temp);
        } else {
            candidates.keep_top(1);
        }
    },
};
