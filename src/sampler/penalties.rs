//! Penalties on tokens that were there lately: against repetition (Keskar et al. 2019), by presence, by frequency.

use super::candidates::Candidates;
use super::error::SamplerError;
use crate::protocol::Sampling;
use std::collections::{HashMap, VecDeque};

pub(super) struct Penalties {
    repeat: f32,
    presence: f32,
    frequency: f32,
    /// How many tokens are looked back on; absent: all.
    last_n: Option<usize>,
    /// The tokens looked back on, oldest first; kept only where they must be forgotten again.
    recent: VecDeque<u32>,
    counts: HashMap<u32, u32>,
}

impl Penalties {
    pub(super) fn new(sampling: &Sampling) -> Self {
        Self {
            repeat: sampling.repeat_penalty,
            presence: sampling.presence_penalty,
            frequency: sampling.frequency_penalty,
            last_n: usize::try_from(sampling.repeat_last_n).ok(),
            recent: VecDeque::new(),
            counts: HashMap::new(),
        }
    }

    pub(super) fn is_off(&self) -> bool {
        self.last_n == Some(0) || (self.repeat == 1.0 && self.presence == 0.0 && self.frequency == 0.0)
    }

    pub(super) fn accept(&mut self, id: u32) {
        if self.is_off() {
            return;
        }
        *self.counts.entry(id).or_default() += 1;
        let Some(last_n) = self.last_n else { return };
        self.recent.push_back(id);
        if self.recent.len() > last_n
            && let Some(oldest) = self.recent.pop_front()
            && let Some(count) = self.counts.get_mut(&oldest)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&oldest);
            }
        }
    }

    /// llama.cpp `llama_sampler_penalties_apply`: a division makes only positive logits smaller, so others are
    /// multiplied.
    pub(super) fn apply(&self, candidates: &mut Candidates<'_>) -> Result<(), SamplerError> {
        if self.is_off() {
            return Ok(());
        }
        candidates.change(self.counts.keys().copied(), |id, logit| {
            let count = self.counts.get(&id).copied().unwrap_or(0) as f32;
            let repeated = if logit <= 0.0 { logit * self.repeat } else { logit / self.repeat };
            repeated - (count * self.frequency + self.presence)
        })
    }
}
