//! One answer: reuse what the cache holds, prefill the rest, decode until it ends.

use super::borders::borders;
use super::compute::Loaded;
use super::decode::Newest;
use super::outbox::Outbox;
use super::pace::{self, Chunks, TokenTimes};
use super::told::Told;
use crate::model::ForwardError;
use crate::prompt::{Channels, Pieces};
use crate::protocol::{
    Channel, ConversationId, Event, FinishReason, JobId, Limits, ModelId, Offer, Report, Sampling, Statistics, TokenOut,
};
use crate::sampler::{Constraint, Sampler, SamplerError};
use crate::tokenizer::Assembler;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// How often a file is looked at while it is computed with.
const LOOK: Duration = Duration::from_secs(1);

pub struct Request {
    pub job: JobId,
    /// Whose sequence it goes on with.
    pub conversation: Option<ConversationId>,
    /// The whole prompt; what the cache holds of it is found here, not by the caller.
    pub ids: Vec<u32>,
    pub sampling: Box<Sampling>,
    /// What the answer is held to.
    pub constraint: Option<Constraint>,
    pub limits: Limits,
    pub logprobs: Option<u8>,
    pub template_hash: Option<String>,
    /// How thinking is told from the answer; absent where ids alone are known.
    pub channels: Option<Channels>,
    pub accepted: Instant,
    pub cancel: Arc<AtomicBool>,
}

/// An answer on its way.
pub(super) struct Answer<'a> {
    model: ModelId,
    pub(super) loaded: &'a mut Loaded,
    pub(super) outbox: &'a Outbox,
    pub(super) request: &'a Request,
    pub(super) sampler: Sampler,
    assembler: Assembler,
    told: Told,
    /// What the answer is held to, once it begins: thinking is free.
    constraint: Option<Constraint>,
    pub(super) newest: Newest,
    pub(super) times: TokenTimes,
    pub(super) stats: Statistics,
    /// When the file was last found as it was loaded.
    looked: Instant,
    /// When it was last told how many guesses came true.
    pub(super) told_drafted: Instant,
    /// Bytes of keys and values as they were last told.
    told_kv: u64,
}

/// Growth of keys and values that is worth an event, bytes.
pub(super) const KV_STEP: u64 = 1 << 20;

pub fn run(loaded: &mut Loaded, model: ModelId, mut request: Request, outbox: &Outbox) -> Result<(), Report> {
    let started = pace::now();
    let n_max = check(loaded, &request)?;
    request.ids = loaded.take_up(request.conversation, request.ids, n_max, &request.cancel);
    let constraint = request.constraint.take();
    let _awake = loaded.model.awake();
    let seed = request.sampling.seed.unwrap_or_else(random_seed);
    let stats = Statistics {
        load_ms: Some(loaded.load_ms),
        queue_ms: pace::ms(started - request.accepted),
        n_ctx: loaded.session.n_ctx() as u32,
        fingerprint: Some(loaded.file.fingerprint()),
        template_hash: request.template_hash.clone(),
        seed: u64::from(seed),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Statistics::default()
    };
    let prompter = loaded.prompter.clone();
    let tokenizer = prompter.as_ref().map(|p| p.tokenizer());
    let mut answer = Answer {
        sampler: Sampler::new(&request.sampling, u64::from(seed), tokenizer),
        assembler: Assembler::new(&request.limits.stop),
        told: Told::new(request.channels.as_ref()),
        constraint,
        newest: Newest::default(),
        times: TokenTimes::default(),
        stats,
        looked: started,
        told_drafted: started,
        told_kv: 0,
        model,
        loaded,
        outbox,
        request: &request,
    };
    answer.sampler.look_back_on(&request.ids);
    answer.constrain();
    let reason = match answer.prefill()? {
        true => answer.decode()?,
        false => FinishReason::Cancelled,
    };
    answer.finish(reason);
    loaded.sampled(request.ids.len());
    Ok(())
}

/// What cannot be answered is refused before anything is computed. Gives how long the prompt may be.
fn check(loaded: &Loaded, request: &Request) -> Result<usize, Report> {
    let (n, n_ctx, n_vocab) = (request.ids.len(), loaded.session.n_ctx(), loaded.model.n_vocab());
    if n == 0 {
        return Err(Report::new("the prompt is empty", "Write something"));
    }
    if let Some(id) = request.ids.iter().find(|id| **id as usize >= n_vocab) {
        return Err(Report::new(format!("id {id} is outside the vocabulary of {n_vocab} tokens"), "Give ids of this model"));
    }
    let room = request.limits.n_room.min(request.limits.n_predict.unwrap_or(u32::MAX)).max(1) as usize;
    if n + room > n_ctx {
        let what = match n < n_ctx {
            true => format!("the conversation takes {n} of the context's {n_ctx} tokens, which leaves too few for an answer"),
            false => format!("the conversation takes {n} tokens, and the context holds {n_ctx}"),
        };
        let offer = Offer::Context { n_prompt: n as u32, n_ctx: n_ctx as u32 };
        return Err(Report::new(what, "Raise ctx_size, or begin a new conversation").offer(offer));
    }
    Ok(n_ctx - room)
}

/// The low half of a fresh UUID's random bits.
fn random_seed() -> u32 {
    uuid::Uuid::now_v7().as_u128() as u32
}

impl Answer<'_> {
    /// Brings the prompt into the cache; false if cancelled. At least the last id is computed, for its logits.
    fn prefill(&mut self) -> Result<bool, Report> {
        let ids = &self.request.ids;
        let reused = self.loaded.session.len();
        self.stats.cache_n = reused as u32;
        self.stats.prompt_n = (ids.len() - reused) as u32;
        #[cfg(test)]
        failpoint(self.request.job, Phase::Prefill);
        let start = pace::now();
        let mut chunks = Chunks::new(self.loaded.model.rows_max());
        let borders = self.borders(reused);
        self.loaded.session.snapshot();
        let mut done = reused;
        while done < ids.len() {
            self.progress(done, start);
            let end = borders.iter().copied().find(|border| *border > done).unwrap_or(ids.len());
            let part = &ids[done..end.min(done + chunks.next())];
            let began = pace::now();
            let is_last = done + part.len() == ids.len();
            if !self.feed(part, usize::from(is_last))? {
                return Ok(false);
            }
            chunks.took(part.len(), (pace::now() - began).as_secs_f64());
            done += part.len();
            if borders.contains(&done) {
                self.loaded.session.snapshot();
            }
            self.tell_memory(KV_STEP);
        }
        self.stats.prompt_ms = pace::ms(pace::now() - start);
        self.progress(done, start);
        Ok(true)
    }

    /// Where the prompt's turns end, if what the model keeps can only go back to copies.
    fn borders(&self, reused: usize) -> Vec<usize> {
        if !self.loaded.session.needs_snapshots() {
            return Vec::new();
        }
        let tokenizer = self.loaded.prompter.as_ref().map(|p| p.tokenizer());
        borders(&self.request.ids, reused, |id| tokenizer.is_some_and(|t| t.is_eog(id)))
    }

    fn progress(&self, done: usize, start: Instant) {
        let (reused, seconds) = (self.stats.cache_n, (pace::now() - start).as_secs_f64());
        let computed = done as f64 - f64::from(reused);
        let rate = (computed > 0.0 && seconds > 0.0).then(|| (computed / seconds) as f32);
        let total = self.request.ids.len() as u32;
        self.outbox.send(Event::PrefillProgress { job: self.request.job, done: done as u32, total, reused, rate });
    }

    /// Computes `ids` behind what the cache holds, keeping the logits of the last `n_wanted`; false if cancelled.
    pub(super) fn feed(&mut self, ids: &[u32], n_wanted: usize) -> Result<bool, Report> {
        let now = pace::now();
        if now - self.looked >= LOOK {
            self.loaded.unchanged()?;
            self.looked = now;
        }
        let logits = &mut self.newest.logits;
        logits.clear();
        let (wanted, mut emit) = (ids.len() - n_wanted..ids.len(), |_: usize, row: &[f32]| logits.extend_from_slice(row));
        let fed = self.loaded.model.forward(&mut self.loaded.session, ids, wanted, &self.request.cancel, &mut emit);
        match fed {
            Ok(()) => Ok(true),
            Err(ForwardError::Cancelled) => Ok(false),
            Err(e) => Err(e.report(self.loaded.file.name())),
        }
    }

    pub(super) fn blame(&self, error: &SamplerError) -> Report {
        error.report().offender(self.loaded.file.name())
    }

    /// Tells what memory holds, once the cache has grown by `step` bytes.
    pub(super) fn tell_memory(&mut self, step: u64) {
        let ledger = self.loaded.ledger();
        if ledger.kv.saturating_sub(self.told_kv) >= step {
            self.told_kv = ledger.kv;
            self.outbox.send(Event::Ledger { model: self.model, ledger });
        }
    }

    /// Takes a token into the answer's text and tells what is certain of it; true where a stop string was met.
    pub(super) fn take(&mut self, token: TokenOut) -> bool {
        let Some(tokenizer) = self.loaded.prompter.as_ref().map(|p| p.tokenizer()) else {
            self.told.push(token, Pieces::default());
            self.tell();
            return false;
        };
        let shown = tokenizer.piece(token.id, false);
        let mark = self.told.splitter.as_ref().and_then(|s| s.mark(tokenizer.piece(token.id, true)));
        let mut assembled = self.assembler.push(shown);
        let stopped = assembled.stop.is_some();
        let pieces = match mark.filter(|mark| !stopped && (shown.is_empty() || assembled.text.ends_with(*mark))) {
            None => self.told.split(&assembled.text),
            Some(mark) => {
                assembled.text.truncate(assembled.text.len() - if shown.is_empty() { 0 } else { mark.len() });
                assembled.text.push_str(&self.assembler.release());
                self.told.split_at_mark(&assembled.text, mark, shown.is_empty())
            }
        };
        self.told.push(token, pieces);
        self.tell();
        self.constrain();
        stopped
    }

    /// Holds what comes to the grammar, unless it is thinking.
    fn constrain(&mut self) {
        if self.told.channel() == Channel::Answer {
            self.constraint.take().into_iter().for_each(|constraint| self.sampler.constrain(constraint));
        }
    }

    /// Tells the text that is whole, with the tokens it came from. A token is told once, with the first text after it.
    fn tell(&mut self) {
        let now = self.request.logprobs.is_some() || self.loaded.prompter.is_none();
        for (channel, text, tokens) in self.told.take(now) {
            self.outbox.send(Event::Tokens { job: self.request.job, channel, text, tokens });
        }
        if self.told.thinks() {
            self.stats.thinking_ms = Some(self.times.span_ms());
        }
    }

    fn finish(mut self, reason: FinishReason) {
        let rest = self.assembler.finish().text;
        for (channel, text, tokens) in self.told.finish(&rest) {
            self.outbox.send(Event::Tokens { job: self.request.job, channel, text, tokens });
        }
        self.stats.thinking_n = self.told.n_thinking();
        self.tell_memory(0);
        let mut stats = self.stats;
        let per = |n: u32, ms: f64| (n > 0 && ms > 0.0).then(|| (ms / f64::from(n), f64::from(n) * 1e3 / ms));
        if let Some((each_ms, rate)) = per(stats.prompt_n, stats.prompt_ms) {
            (stats.prompt_per_token_ms, stats.prompt_per_second) = (Some(each_ms), Some(rate));
        }
        stats.predicted_ms = self.times.span_ms();
        if let Some((each_ms, rate)) = per(stats.predicted_n.saturating_sub(1), stats.predicted_ms) {
            (stats.predicted_per_token_ms, stats.predicted_per_second) = (Some(each_ms), Some(rate));
        }
        stats.ttft_ms = self.times.first().map(|t| pace::ms(t - self.request.accepted));
        stats.decode_last_second = self.times.last_second();
        stats.token_ms_p50 = self.times.quantile_ms(0.5);
        stats.token_ms_p99 = self.times.quantile_ms(0.99);
        stats.n_past = self.loaded.session.len() as u32;
        stats.peak = self.loaded.ledger();
        self.outbox.send(Event::Finished { job: self.request.job, reason, statistics: Some(Box::new(stats)) });
    }
}

/// Where a test can make a job panic.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Prefill = 1,
    Decode,
}

/// A job of this number, and no other, panics in the phase.
#[cfg(test)]
pub fn doomed(phase: Phase) -> JobId {
    JobId(u64::MAX - phase as u64)
}

#[cfg(test)]
pub(super) fn failpoint(job: JobId, phase: Phase) {
    assert!(job != doomed(phase), "a test asked for this");
}
