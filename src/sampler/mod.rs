//! Logits to a token.
//!
//! Begin with [`Sampler`]: it is told of every token of a conversation (`accept`) and chooses the next one (`sample`).
//! An answer may be held to a grammar ([`Grammars`], [`Constraint`]). The chain is llama.cpp's, with its rules (src/llama-sampler.cpp), in the order that the settings say. Each rule stands
//! in a file of its own; `Sampler::apply` is the table of them.
//!
//! The vocabulary is never sorted and no list of all its tokens is made: `Candidates` looks for the few that matter.
//! The same logits, settings and seed give the same token on every machine. Nothing here knows what a token means.

mod candidates;
mod constraint;
mod dry;
mod error;
mod lanes;
mod logprobs;
mod min_p;
mod mirostat;
mod nearest;
mod penalties;
mod rng;
mod temperature;
mod top_k;
mod top_n_sigma;
mod top_p;
mod typical;
mod xtc;

#[cfg(test)]
mod tests;

use crate::protocol::{LogitBias, SamplerStep, Sampling, TokenOut};
use crate::tokenizer::Tokenizer;
use candidates::Candidates;
use dry::Dry;
use mirostat::Mirostat;
use penalties::Penalties;
use rng::Rng;

pub use constraint::{COMPILE_STACK, Constraint, GrammarError, Grammars};
pub use error::SamplerError;
pub use logprobs::{likeliest, logprob};

/// Chooses tokens for one answer.
pub struct Sampler {
    sampling: Sampling,
    penalties: Penalties,
    dry: Dry,
    mirostat: Option<Mirostat>,
    rng: Rng,
    constraint: Option<Constraint>,
    /// The logits as the chain changes them, kept for its memory.
    work: Vec<f32>,
}

impl Sampler {
    /// The tokenizer is asked where DRY's breakers lie in tokens; without one there are none.
    pub fn new(sampling: &Sampling, seed: u64, tokenizer: Option<&Tokenizer>) -> Self {
        Self {
            sampling: sampling.clone(),
            penalties: Penalties::new(sampling),
            dry: Dry::new(sampling, tokenizer),
            mirostat: Mirostat::new(sampling),
            rng: Rng::new(seed),
            constraint: None,
            work: Vec::new(),
        }
    }

    /// Takes note of what was there before the answer: penalties look back on it.
    pub fn look_back_on(&mut self, ids: &[u32]) {
        for id in ids {
            self.penalties.accept(*id);
            self.dry.accept(*id);
        }
    }

    /// From the next token on the answer follows a grammar.
    pub fn constrain(&mut self, constraint: Constraint) {
        self.constraint = Some(constraint);
    }

    /// Takes note of the answer's next token.
    pub fn accept(&mut self, id: u32) -> Result<(), SamplerError> {
        self.look_back_on(&[id]);
        self.constraint.as_mut().map_or(Ok(()), |constraint| constraint.accept(id))
    }

    /// The grammar has come to its end, and nothing may follow.
    pub fn is_complete(&self) -> bool {
        self.constraint.as_ref().is_some_and(Constraint::is_complete)
    }

    /// Chooses one of the vocabulary's tokens by their logits. With `n_logprobs` also says how likely the model held
    /// it, and the so many likeliest, before any setting changed that. Accepting the choice is the caller's.
    pub fn sample(&mut self, logits: &[f32], n_logprobs: Option<u8>) -> Result<TokenOut, SamplerError> {
        check(logits)?;
        let id = self.choose_allowed(logits)?;
        Ok(match n_logprobs {
            None => TokenOut { id, logprob: None, top: Vec::new() },
            Some(n) => TokenOut { id, logprob: Some(logprob(logits, id)), top: logprobs::top(logits, n.into()) },
        })
    }

    /// Freely at first, since that is mostly what the grammar allows; only where it is not, among what it allows.
    fn choose_allowed(&mut self, logits: &[f32]) -> Result<u32, SamplerError> {
        let Some(mut constraint) = self.constraint.take() else { return self.choose(logits, |_| Ok(())) };
        let mirostat = self.mirostat;
        let free = self.choose(logits, |_| Ok(()));
        let allowed = free.and_then(|id| constraint.allows(id).map(|allowed| (id, allowed)));
        let chosen = match allowed {
            Ok((_, false)) => {
                self.mirostat = mirostat;
                self.choose(logits, |work| constraint.mask(work))
            }
            Ok((id, true)) => Ok(id),
            Err(error) => Err(error),
        };
        self.constraint = Some(constraint);
        chosen
    }

    /// Mask, bias, chain, draw.
    fn choose(&mut self, logits: &[f32], mask: impl FnOnce(&mut [f32]) -> Result<(), SamplerError>) -> Result<u32, SamplerError> {
        let mut work = std::mem::take(&mut self.work);
        work.clear();
        work.extend_from_slice(logits);
        let drawn = mask(&mut work).and_then(|()| self.draw(&mut work));
        self.work = work;
        drawn
    }

    fn draw(&mut self, work: &mut [f32]) -> Result<u32, SamplerError> {
        let n_vocab = work.len();
        add_biases(&self.sampling.logit_bias, work)?;
        let mut candidates = Candidates::new(work);
        let drawn = match &mut self.mirostat {
            Some(mirostat) => {
                temperature::apply(&mut candidates, self.sampling.temp, 0.0, 1.0);
                mirostat.draw(&mut candidates, n_vocab, &mut self.rng)
            }
            None => {
                for at in 0..self.sampling.samplers.len() {
                    self.apply(self.sampling.samplers[at], &mut candidates)?;
                }
                candidates.draw(self.rng.unit()).map(|(id, _)| id)
            }
        };
        drawn.ok_or(SamplerError::Nothing)
    }

    fn apply(&mut self, step: SamplerStep, candidates: &mut Candidates<'_>) -> Result<(), SamplerError> {
        let s = &self.sampling;
        match step {
            SamplerStep::Penalties => self.penalties.apply(candidates)?,
            SamplerStep::Dry => self.dry.apply(candidates)?,
            SamplerStep::TopNSigma => top_n_sigma::apply(candidates, s.top_n_sigma),
            SamplerStep::TopK => top_k::apply(candidates, s.top_k),
            SamplerStep::TypP => typical::apply(candidates, s.typical),
            SamplerStep::TopP => top_p::apply(candidates, s.top_p),
            SamplerStep::MinP => min_p::apply(candidates, s.min_p),
            SamplerStep::Xtc => xtc::apply(candidates, s.xtc_probability, s.xtc_threshold, &mut self.rng),
            SamplerStep::Temperature => temperature::apply(candidates, s.temp, s.dynatemp_range, s.dynatemp_exp),
        }
        Ok(())
    }
}

fn add_biases(biases: &[LogitBias], logits: &mut [f32]) -> Result<(), SamplerError> {
    let n_vocab = logits.len();
    for &LogitBias { id, bias } in biases {
        let logit = logits.get_mut(id as usize).ok_or(SamplerError::NoSuchToken { id, n_vocab })?;
        *logit += bias.unwrap_or(f32::NEG_INFINITY);
    }
    Ok(())
}

/// Minus infinity rules a token out; anything else must be a number.
fn check(logits: &[f32]) -> Result<(), SamplerError> {
    let n = lanes::count_wrong(logits);
    if n == 0 {
        return Ok(());
    }
    let is_wrong = |l: &f32| l.is_nan() || *l == f32::INFINITY;
    match logits.iter().position(is_wrong) {
        Some(first) => Err(SamplerError::NotANumber { value: logits[first], n, n_vocab: logits.len(), first }),
        None => Ok(()),
    }
}
