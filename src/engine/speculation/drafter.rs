//! Guesses of a second, smaller model that was chosen for it.
//!
//! It is asked while that pays, rests where it does not, and is tried again after a while: with one guess at a time, until it
//! has shown that it may be trusted with more. The longer it rested with reason, the longer it rests the next time.

use super::chance::Chance;
use super::cost::{Measured, PassCost};
use crate::engine::pace;
use crate::gguf::Gguf;
use crate::model::{ForwardError, Model, SMALL_BATCH, Session};
use crate::protocol::{Ledger, LoadOptions, Report};
use crate::sampler;
use crate::sys::maps::Watched;
use crate::tokenizer::Tokenizer;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Drafts by which it shows what it is worth, and the longest of them.
const TRIAL_DRAFTS: u32 = 8;
const TRIAL_LENGTH: usize = 3;
/// So many guesses it has in any case; where it does not pay by then, the trial is over.
const TRIAL_GUESSES: u32 = 4;
/// Tokens that it rests for at first, and as many as that becomes by doubling.
const REST_FIRST: u32 = 64;
const REST_MAX: u32 = 1024;
/// And at least so many times as long as was spent for nothing: mostly on catching up with a prompt. That bounds the cost.
const REST_SPENT: f64 = 40.0;
/// How often it is expected to be right before it was tried.
const EXPECTED: f64 = 0.6;
/// Vocabularies may be filled up to unlike numbers of tokens, as llama.cpp allows (common/speculative.cpp).
const PADDING_MAX: usize = 128;

pub struct Drafter {
    model: Model,
    session: Session,
    file: Arc<Gguf>,
    _watched: Vec<Watched>,
    /// What a guess takes.
    guess: Option<Measured>,
    n_guesses: u64,
    chance: Chance,
    /// Drafts of the trial that are left.
    trial: u32,
    /// Guesses since it began that were looked at, and the newest of them that came true one after the other.
    n_seen: u32,
    run: usize,
    /// Tokens until it is tried again, and how many those will be the next time.
    rest: u32,
    next_rest: u32,
    /// Time since it last began to be tried or to pay, milliseconds.
    spent_ms: f64,
    logits: Vec<f32>,
}

impl Drafter {
    /// Guesses for `target`, whose session has room for `n_ctx` tokens.
    pub fn load(file: Arc<Gguf>, n_ctx: usize, options: &LoadOptions, watched: Vec<Watched>) -> Result<Self, Report> {
        let options = LoadOptions { n_ctx: u32::try_from(n_ctx).unwrap_or(u32::MAX), ..*options };
        let model = Model::load(&file, &options).map_err(|e| e.report(file.name()))?;
        let session = model.session(&options).map_err(|e| e.report(file.name()))?;
        if !session.can_undo() {
            return Err(no_way_back(file.name(), "take another draft model"));
        }
        Ok(Self {
            model,
            session,
            file,
            _watched: watched,
            guess: None,
            n_guesses: 0,
            chance: Chance::expected(EXPECTED),
            trial: TRIAL_DRAFTS,
            n_seen: 0,
            run: 0,
            rest: 0,
            next_rest: REST_FIRST,
            spent_ms: 0.0,
            logits: Vec::new(),
        })
    }

    pub fn ledger(&self) -> Ledger {
        self.model.ledger(&self.session)
    }

    /// Forgets what it has read.
    pub fn forget(&mut self) {
        self.model.renew(&mut self.session);
        self.logits.clear();
    }

    pub fn file(&self) -> &Gguf {
        &self.file
    }

    /// Whether a guess came true.
    pub fn see(&mut self, hit: bool) {
        self.chance.see(hit);
        self.n_seen += 1;
        self.run = if hit { self.run + 1 } else { 0 };
    }

    /// How many tokens to draft of at most `n_max`, and how much faster tokens are expected to come then.
    pub fn best(&mut self, cost: &PassCost, n_max: usize) -> (usize, f64) {
        if self.rest > 0 {
            self.rest -= 1;
            if self.rest == 0 {
                (self.trial, self.n_seen, self.run, self.chance) = (TRIAL_DRAFTS, 0, 0, Chance::expected(EXPECTED));
            }
            return (0, 1.0);
        }
        let ms_each = self.guess.map_or(0.0, |measured| measured.ms);
        let best = cost.best(std::iter::repeat_n(self.chance.rate(), n_max), ms_each);
        if self.trial > 0 && (best.0 > 0 || self.n_seen < TRIAL_GUESSES) {
            self.trial -= 1;
            return (n_max.min(TRIAL_LENGTH).min(1 + self.run), f64::INFINITY);
        }
        if best.0 == 0 && n_max > 0 {
            self.trial = 0;
            let spent = cost.alone_ms().map_or(0.0, |alone| REST_SPENT * self.spent_ms / alone);
            self.rest = self.next_rest.max(spent as u32);
            self.next_rest = (2 * self.next_rest).min(REST_MAX);
        } else {
            self.next_rest = REST_FIRST;
        }
        self.spent_ms = 0.0;
        best
    }

    /// The `n` likeliest ids behind `ids`, each behind those before it; fewer where its context or its vocabulary ends.
    pub fn guess(&mut self, ids: &[u32], n: usize, cancel: &AtomicBool) -> Result<Vec<u32>, ForwardError> {
        let n = n.min((self.session.n_ctx() + 1).saturating_sub(ids.len()));
        let Some((_, before_last)) = ids.split_last().filter(|_| n > 0) else { return Ok(Vec::new()) };
        let n_kept = self.session.reuse(before_last);
        let fed: Result<Vec<u32>, ForwardError> = self.follow(&ids[n_kept..], n, cancel);
        match fed {
            Err(ForwardError::Id { .. }) => Ok(Vec::new()),
            fed => fed,
        }
    }

    fn follow(&mut self, ids: &[u32], n: usize, cancel: &AtomicBool) -> Result<Vec<u32>, ForwardError> {
        let began = pace::now();
        let mut parts = ids.chunks(self.model.rows_max()).peekable();
        while let Some(part) = parts.next() {
            self.feed(part, parts.peek().is_none(), cancel)?;
        }
        let mut guesses = Vec::with_capacity(n);
        while let Some(id) = sampler::likeliest(&self.logits) {
            guesses.push(id);
            if guesses.len() == n {
                break;
            }
            self.feed(&[id], true, cancel)?;
        }
        let took_ms = pace::ms(pace::now() - began);
        self.spent_ms += took_ms;
        // Catching up with a whole prompt is not what a guess takes.
        if ids.len() <= SMALL_BATCH && !guesses.is_empty() {
            self.n_guesses += 1;
            let each = took_ms / guesses.len() as f64;
            self.guess = Some(Measured::again(self.guess, each, self.n_guesses));
        }
        Ok(guesses)
    }

    fn feed(&mut self, ids: &[u32], is_last: bool, cancel: &AtomicBool) -> Result<(), ForwardError> {
        let wanted = if is_last { ids.len() - 1..ids.len() } else { 0..0 };
        let logits = &mut self.logits;
        self.model.forward(&mut self.session, ids, wanted, cancel, &mut |_, row| {
            logits.clear();
            logits.extend_from_slice(row);
        })
    }

    /// The two speak of the same tokens by the same ids.
    pub fn check(&self, target: &Model, target_name: &str, tokenizers: Option<(&Tokenizer, &Tokenizer)>) -> Result<(), Report> {
        let alike = match tokenizers {
            Some((target, own)) => is_alike(target, own),
            None => target.n_vocab() == self.model.n_vocab(),
        };
        let name = self.file.name();
        if alike {
            return Ok(());
        }
        let what = format!("{name} cannot draft for {target_name}: their vocabularies differ");
        Err(Report::new(what, "Take a draft model of the same family").offender(name))
    }
}

fn is_alike(a: &Tokenizer, b: &Tokenizer) -> bool {
    let (n_a, n_b) = (a.n_tokens(), b.n_tokens());
    let shared = u32::try_from(n_a.min(n_b)).unwrap_or(u32::MAX);
    n_a.abs_diff(n_b) <= PADDING_MAX && a.bos() == b.bos() && (0..shared).all(|id| a.piece(id, true) == b.piece(id, true))
}

/// A model whose state cannot go back cannot take back a guess.
pub fn no_way_back(name: &str, remedy: &str) -> Report {
    let what = format!("{name} keeps states that cannot take back a guess, so a draft model is of no use with it");
    Report::new(what, remedy).offender(name)
}
