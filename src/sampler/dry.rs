//! DRY, "don't repeat yourself": a token that would go on with a repetition loses the more, the longer that already is
//! (github.com/oobabooga/text-generation-webui/pull/5677; llama.cpp `llama_sampler_dry_apply`).

use super::candidates::Candidates;
use super::error::SamplerError;
use crate::protocol::Sampling;
use crate::tokenizer::Tokenizer;
use std::collections::HashMap;

/// Longer breakers are cut, bytes.
const BREAKER_BYTES_MAX: usize = 40;
/// Tokens of a breaker behind its first; more are not looked at.
const TAIL_MAX: usize = 20;
/// The largest exponent of e that single precision holds.
const FLOAT_MAX_LOG: f32 = 88.722_84;
/// Powers of a base nearer to 1 grow too slowly to overflow.
const BASE_MIN: f32 = 1.000_001;

/// Tokens that a breaker may begin in, each with what may follow in the tokens after it: nothing, where the token holds
/// all of the breaker.
pub(super) type Breakers = HashMap<u32, Vec<Vec<u32>>>;

pub(super) struct Dry {
    multiplier: f32,
    base: f32,
    allowed_length: usize,
    /// How many tokens are searched; absent: all.
    last_n: Option<usize>,
    breakers: Breakers,
    /// The newest last.
    tokens: Vec<u32>,
}

impl Dry {
    pub(super) fn new(sampling: &Sampling, tokenizer: Option<&Tokenizer>) -> Self {
        let mut dry = Self {
            multiplier: sampling.dry_multiplier,
            base: sampling.dry_base,
            allowed_length: sampling.dry_allowed_length as usize,
            last_n: usize::try_from(sampling.dry_penalty_last_n).ok(),
            breakers: Breakers::new(),
            tokens: Vec::new(),
        };
        if let Some(tokenizer) = tokenizer.filter(|_| !dry.is_off()) {
            dry.breakers = breakers(&sampling.dry_sequence_breakers, tokenizer);
        }
        dry
    }

    #[cfg(test)]
    pub(super) fn set_breakers(&mut self, breakers: Breakers) {
        self.breakers = breakers;
    }

    fn is_off(&self) -> bool {
        self.multiplier == 0.0 || self.base < 1.0 || self.last_n == Some(0)
    }

    pub(super) fn accept(&mut self, id: u32) {
        if !self.is_off() {
            self.tokens.push(id);
        }
    }

    pub(super) fn apply(&self, candidates: &mut Candidates<'_>) -> Result<(), SamplerError> {
        let costs = self.costs();
        if costs.is_empty() {
            return Ok(());
        }
        candidates.change(costs.keys().copied(), |id, logit| logit - costs.get(&id).copied().unwrap_or(0.0))
    }

    /// What each token that would go on with a repetition loses.
    fn costs(&self) -> HashMap<u32, f32> {
        let searched = self.last_n.unwrap_or(usize::MAX).min(self.tokens.len());
        if self.is_off() || searched <= self.allowed_length {
            return HashMap::new();
        }
        let newest_first: Vec<u32> = self.tokens.iter().rev().take(searched).copied().collect();
        let longest = self.since_breaker(&newest_first);
        if longest < self.allowed_length {
            return HashMap::new();
        }
        let mut lengths: HashMap<u32, usize> = HashMap::new();
        for (at, length) in repeats(&newest_first).into_iter().enumerate().skip(1) {
            // What came after the earlier time would make the repetition longer now.
            let next = newest_first[at - 1];
            let length = length.min(longest);
            if length >= self.allowed_length && !self.ends_repetitions(next) {
                let known = lengths.entry(next).or_default();
                *known = length.max(*known);
            }
        }
        lengths.into_iter().map(|(id, length)| (id, self.cost(length))).collect()
    }

    fn cost(&self, length: usize) -> f32 {
        let most = if self.base > BASE_MIN { (FLOAT_MAX_LOG / self.base.ln()) as usize } else { usize::MAX };
        let exponent = (length - self.allowed_length).min(most);
        (f64::from(self.multiplier) * f64::from(self.base).powi(i32::try_from(exponent).unwrap_or(i32::MAX))) as f32
    }

    /// A token that holds a whole breaker.
    fn ends_repetitions(&self, id: u32) -> bool {
        self.breakers.get(&id).is_some_and(|tails| tails.iter().any(Vec::is_empty))
    }

    /// How many of the newest tokens came after the last breaker.
    fn since_breaker(&self, newest_first: &[u32]) -> usize {
        let found = |(at, id): (usize, &u32)| {
            let follows = |tail: &&Vec<u32>| tail.len() <= at && tail.iter().enumerate().all(|(i, t)| newest_first[at - 1 - i] == *t);
            let longest = self.breakers.get(id)?.iter().filter(follows).map(Vec::len).max()?;
            Some(at - longest)
        };
        newest_first.iter().enumerate().find_map(found).unwrap_or(newest_first.len())
    }
}

/// For each place how many items from there on equal the beginning (the Z-algorithm, Gusfield 1997).
fn repeats(items: &[u32]) -> Vec<usize> {
    let mut lengths = vec![0; items.len()];
    let (mut start, mut end) = (0, 0);
    for at in 1..items.len() {
        let known = if at < end { lengths[at - start].min(end - at) } else { 0 };
        let more = items[at + known..].iter().zip(&items[known..]).take_while(|(a, b)| a == b).count();
        lengths[at] = known + more;
        if at + lengths[at] > end {
            (start, end) = (at, at + lengths[at]);
        }
    }
    lengths
}

/// Every way in which breakers can lie across tokens: wholly inside one, or beginning at a token's end.
fn breakers(texts: &[String], tokenizer: &Tokenizer) -> Breakers {
    let mut found = Breakers::new();
    let texts: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).filter(|text| !text.is_empty()).collect();
    let texts: Vec<&[u8]> = texts.into_iter().map(|text| &text[..text.len().min(BREAKER_BYTES_MAX)]).collect();
    for id in (0..tokenizer.n_tokens()).filter_map(|id| u32::try_from(id).ok()) {
        let token = tokenizer.decode(&[id], false, true);
        for tail in texts.iter().flat_map(|text| tails(&token, text, tokenizer)) {
            let tails = found.entry(id).or_default();
            if !tails.contains(&tail) {
                tails.push(tail);
            }
        }
    }
    found
}

/// The tokens that would complete a breaker after this one.
fn tails(token: &[u8], breaker: &[u8], tokenizer: &Tokenizer) -> Vec<Vec<u32>> {
    if token.windows(breaker.len()).any(|part| part == breaker) {
        return vec![Vec::new()];
    }
    let begins = |at: &usize| token[*at..].len() < breaker.len() && breaker.starts_with(&token[*at..]);
    let first = token.len().saturating_sub(breaker.len() - 1);
    let tail = |at: usize| {
        let rest = String::from_utf8_lossy(&breaker[token.len() - at..]);
        let mut ids = tokenizer.encode(&rest, false, false);
        ids.truncate(TAIL_MAX);
        ids
    };
    (first..token.len()).filter(begins).map(tail).collect()
}
