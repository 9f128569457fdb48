//! The answer itself: each token sampled, told, and fed, with guesses behind it where that pays.

use super::compute::Loaded;
use super::generate::{Answer, KV_STEP};
use super::pace;
use super::speculation::{DRAFT_MAX, Lookup};
use crate::model::ForwardError;
use crate::protocol::{Event, FinishReason, Report};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often it is told how many guesses came true: as often as figures on the screen change.
const TELL_DRAFTED: Duration = Duration::from_millis(250);

/// Guesses of what comes next.
#[derive(Default)]
struct Draft {
    ids: Vec<u32>,
    /// The draft model made them.
    by_model: bool,
}

/// The newest pass.
#[derive(Default)]
pub struct Newest {
    /// Of its rows, [n_rows][n_vocab].
    pub logits: Vec<f32>,
    /// What was fed behind its first row without being certain.
    draft: Draft,
    /// How many of these have come true.
    n_accepted: usize,
}

impl Newest {
    /// The logits behind all that is certain.
    fn row(&self) -> &[f32] {
        let n_vocab = self.logits.len() / (1 + self.draft.ids.len());
        &self.logits[self.n_accepted * n_vocab..][..n_vocab]
    }

    /// Whether `id` was guessed, so that what follows it is computed already. Nothing where there was no guess.
    fn accept(&mut self, id: u32) -> Option<bool> {
        let hit = *self.draft.ids.get(self.n_accepted)? == id;
        self.n_accepted += usize::from(hit);
        Some(hit)
    }

    /// Tokens in the cache that are not certain.
    fn n_open(&self) -> usize {
        self.draft.ids.len() - self.n_accepted
    }
}

impl Answer<'_> {
    pub(super) fn decode(&mut self) -> Result<FinishReason, Report> {
        #[cfg(test)]
        super::generate::failpoint(self.request.job, super::generate::Phase::Decode);
        let drafts = self.request.limits.n_draft > 0 && self.loaded.session.can_undo();
        let mut lookup = drafts.then(|| Lookup::new(&self.request.ids));
        let reason = self.say(&mut lookup);
        self.forget_open();
        tracing::debug!(drafted = self.stats.draft_n, accepted = self.stats.draft_n_accepted, ms = ?self.loaded.cost.measured_ms(), "passes");
        reason
    }

    fn say(&mut self, lookup: &mut Option<Lookup>) -> Result<FinishReason, Report> {
        let limit = self.request.limits.n_predict.unwrap_or(u32::MAX);
        loop {
            if self.request.cancel.load(Ordering::Relaxed) {
                return Ok(FinishReason::Cancelled);
            }
            if self.stats.predicted_n >= limit {
                return Ok(FinishReason::Length);
            }
            let token = self.sampler.sample(self.newest.row(), self.request.logprobs).map_err(|e| self.blame(&e))?;
            let id = token.id;
            self.times.sampled(pace::now());
            self.stats.predicted_n += 1;
            let tokenizer = self.loaded.prompter.as_ref().map(|p| p.tokenizer());
            if tokenizer.is_some_and(|t| t.is_eog(id)) {
                return Ok(FinishReason::Done);
            }
            self.sampler.accept(id).map_err(|e| self.blame(&e))?;
            if self.take(token) {
                return Ok(FinishReason::StopString);
            }
            if self.sampler.is_complete() {
                return Ok(FinishReason::Done);
            }
            if self.loaded.session.len() - self.newest.n_open() == self.loaded.session.n_ctx() {
                return Ok(FinishReason::Context);
            }
            lookup.iter_mut().for_each(|lookup| lookup.push(id));
            if !self.was_drafted(id) && !self.feed_behind(id, lookup.as_ref())? {
                return Ok(FinishReason::Cancelled);
            }
        }
    }

    /// Whether a token was computed already, on a guess that came true.
    fn was_drafted(&mut self, id: u32) -> bool {
        let Some(hit) = self.newest.accept(id) else { return false };
        self.stats.draft_n_accepted += u32::from(hit);
        if let Some(drafter) = self.loaded.drafter.as_mut().filter(|_| self.newest.draft.by_model) {
            drafter.see(hit);
        }
        hit
    }

    /// Forgets what was computed on guesses that did not come true.
    fn forget_open(&mut self) {
        let n_open = self.newest.n_open();
        if n_open > 0 {
            self.loaded.session.truncate(self.loaded.session.len() - n_open);
        }
        (self.newest.draft, self.newest.n_accepted) = (Draft::default(), 0);
    }

    /// Computes a token that is certain, and what may follow it; false if cancelled.
    fn feed_behind(&mut self, id: u32, lookup: Option<&Lookup>) -> Result<bool, Report> {
        self.forget_open();
        let draft = lookup.map(|lookup| self.draft(lookup)).transpose()?.unwrap_or_default();
        let ids: Vec<u32> = std::iter::once(id).chain(draft.ids.iter().copied()).collect();
        let began = pace::now();
        if !self.feed(&ids, ids.len())? {
            return Ok(false);
        }
        self.loaded.cost.took(ids.len(), pace::ms(pace::now() - began));
        self.stats.draft_n += draft.ids.len() as u32;
        self.newest.draft = draft;
        self.tell_memory(KV_STEP);
        self.tell_drafted();
        Ok(true)
    }

    fn tell_drafted(&mut self) {
        let (drafted, accepted, now) = (self.stats.draft_n, self.stats.draft_n_accepted, pace::now());
        if drafted > 0 && now - self.told_drafted >= TELL_DRAFTED {
            self.told_drafted = now;
            self.outbox.send(Event::Drafted { job: self.request.job, drafted, accepted });
        }
    }

    /// What may follow the newest token, as far as computing it pays. If cancelled that is nothing: the next pass says so.
    fn draft(&mut self, lookup: &Lookup) -> Result<Draft, Report> {
        let n_max = self.n_draft_max();
        #[cfg(test)]
        if is_eager(self.request.job) {
            return self.draft_eagerly(lookup, n_max);
        }
        let Loaded { cost, drafter, .. } = &mut *self.loaded;
        if !cost.is_known() {
            return Ok(Draft::default());
        }
        let (n, rate) = cost.best(lookup.chances(n_max), 0.0);
        if let Some(drafter) = drafter {
            let (n_by_model, rate_by_model) = drafter.best(cost, n_max);
            if n_by_model > 0 && rate_by_model > rate {
                let draft = self.ask_drafter(lookup, n_by_model)?;
                if !draft.ids.is_empty() {
                    return Ok(draft);
                }
            }
        }
        Ok(Draft { ids: lookup.guess(n), by_model: false })
    }

    /// Tokens that may be drafted at most: the last one that is said needs none behind it, and the newest one has its own
    /// place in the context.
    fn n_draft_max(&self) -> usize {
        let (limits, session) = (&self.request.limits, &self.loaded.session);
        let to_say = limits.n_predict.map_or(usize::MAX, |n| n.saturating_sub(self.stats.predicted_n) as usize);
        let room = to_say.min(session.n_ctx() - session.len()).saturating_sub(1);
        DRAFT_MAX.min(limits.n_draft as usize).min(room)
    }

    fn ask_drafter(&mut self, lookup: &Lookup, n: usize) -> Result<Draft, Report> {
        let (n_vocab, cancel) = (self.loaded.model.n_vocab(), &self.request.cancel);
        let Some(drafter) = &mut self.loaded.drafter else { return Ok(Draft::default()) };
        let ids = match drafter.guess(lookup.ids(), n, cancel) {
            Ok(ids) => ids.into_iter().take_while(|id| (*id as usize) < n_vocab).collect(),
            Err(ForwardError::Cancelled) => Vec::new(),
            Err(e) => return Err(e.report(drafter.file().name())),
        };
        Ok(Draft { ids, by_model: true })
    }

    /// As many as there is room for, right or wrong.
    #[cfg(test)]
    fn draft_eagerly(&mut self, lookup: &Lookup, n_max: usize) -> Result<Draft, Report> {
        let n = n_max.min(1 + self.stats.predicted_n as usize % DRAFT_MAX);
        if self.loaded.drafter.is_some() {
            return self.ask_drafter(lookup, n);
        }
        let found = lookup.guess(n);
        let ids = if found.is_empty() { (0..n as u32).collect() } else { found };
        Ok(Draft { ids, by_model: false })
    }
}

/// Jobs from this one on draft in all lengths, whether or not that pays.
#[cfg(test)]
pub const EAGER: u64 = 1 << 32;

#[cfg(test)]
fn is_eager(job: crate::protocol::JobId) -> bool {
    (EAGER..EAGER * 2).contains(&job.0)
}
