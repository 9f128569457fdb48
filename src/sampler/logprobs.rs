//! How likely the model held a token, before any setting changed that.

use super::{candidates, lanes};
use crate::protocol::TopToken;

/// The logarithm of the sum of all weights.
fn normalizer(logits: &[f32]) -> f64 {
    let max = lanes::max(logits);
    f64::from(max) + lanes::total(logits, max, 1.0).ln()
}

/// The natural logarithm of a token's probability; minus infinity for an id outside the vocabulary.
pub fn logprob(logits: &[f32], id: u32) -> f32 {
    logits.get(id as usize).map_or(f32::NEG_INFINITY, |l| (f64::from(*l) - normalizer(logits)) as f32)
}

/// The likeliest token, where any is possible.
pub fn likeliest(logits: &[f32]) -> Option<u32> {
    candidates::top(logits, 1).first().map(|c| c.id)
}

/// The `n` likeliest tokens, likeliest first.
pub(super) fn top(logits: &[f32], n: usize) -> Vec<TopToken> {
    let normalizer = normalizer(logits);
    let list = candidates::top(logits, n);
    list.iter().map(|c| TopToken { id: c.id, logprob: (f64::from(c.logit) - normalizer) as f32 }).collect()
}
