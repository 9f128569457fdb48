//! Logits to a token.
//!
//! Begin with [`Sampler`]: it is told of every token of a conversation (`accept`) and chooses the next one (`sample`).
//! The chain is llama.cpp's, in its order and with its rules (src/llama-sampler.cpp): penalties, top-k, top-p, min-p,
//! temperature, draw. Each stands in a file of its own; `CHAIN` is the order.
//!
//! The vocabulary is never sorted and no list of all its tokens is made: `Candidates` looks for the few that matter.
//! The same logits, settings and seed give the same token on every machine. Nothing here knows what a token means.

mod candidates;
mod dist;
mod error;
mod logprobs;
mod min_p;
mod penalties;
mod rng;
mod temperature;
mod top_k;
mod top_p;

#[cfg(test)]
mod tests;

use crate::protocol::{Sampling, TokenOut};
use candidates::Candidates;
use penalties::Penalties;
use rng::Rng;

pub use error::SamplerError;
pub use logprobs::logprob;

/// A link of the chain: leaves fewer candidates, or other weights.
struct Link {
    apply: fn(&mut Candidates<'_>, &Sampling),
}

/// After the penalties, before the draw.
const CHAIN: &[Link] = &[top_k::LINK, top_p::LINK, min_p::LINK, temperature::LINK];

/// Chooses tokens for one answer.
pub struct Sampler {
    sampling: Sampling,
    penalties: Penalties,
    rng: Rng,
    /// The logits after penalties, kept for its memory.
    penalized: Vec<f32>,
}

impl Sampler {
    pub fn new(sampling: &Sampling, seed: u64) -> Self {
        Self { sampling: *sampling, penalties: Penalties::new(sampling), rng: Rng::new(seed), penalized: Vec::new() }
    }

    /// Takes note of a token of the conversation, the prompt's included: penalties look back on it.
    pub fn accept(&mut self, id: u32) {
        self.penalties.accept(id);
    }

    /// Chooses one of the vocabulary's tokens by their logits. With `n_logprobs` also says how likely the model held
    /// it, and the so many likeliest, before any setting changed that. Accepting the choice is the caller's.
    pub fn sample(&mut self, logits: &[f32], n_logprobs: Option<u8>) -> Result<TokenOut, SamplerError> {
        check(logits)?;
        let weighed = if self.penalties.is_off() {
            logits
        } else {
            self.penalized.clear();
            self.penalized.extend_from_slice(logits);
            self.penalties.apply(&mut self.penalized);
            check(&self.penalized)?;
            &self.penalized
        };
        let mut candidates = Candidates::new(weighed);
        for link in CHAIN {
            (link.apply)(&mut candidates, &self.sampling);
        }
        let id = dist::draw(&candidates, &mut self.rng).ok_or(SamplerError::Nothing)?;
        Ok(match n_logprobs {
            None => TokenOut { id, logprob: None, top: Vec::new() },
            Some(n) => TokenOut { id, logprob: Some(logprob(logits, id)), top: logprobs::top(logits, n.into()) },
        })
    }
}

/// Minus infinity rules a token out; anything else must be a number.
fn check(logits: &[f32]) -> Result<(), SamplerError> {
    if logits.iter().all(|l| *l < f32::INFINITY) {
        return Ok(());
    }
    let wrong = logits.iter().position(|l| l.is_nan() || *l == f32::INFINITY);
    wrong.map_or(Ok(()), |id| Err(SamplerError::NotANumber { id, value: logits[id] }))
}
