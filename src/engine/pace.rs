//! Times of an answer's tokens, and how many prompt tokens to feed at once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The engine's only clock.
#[allow(clippy::disallowed_methods)]
pub fn now() -> Instant {
    Instant::now()
}

pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// A chunk of a prompt should take about this long: progress is seen, and a large batch reads the weights less often. (To
/// cancel need not wait for it: a forward pass looks between its steps.)
const CHUNK_SECONDS: f64 = 2.0;
/// The first chunk's tokens, and the fewest: with fewer, to read and unpack the weights takes a fifth of the time, and what is
/// slow would become slower.
const CHUNK_MIN: usize = 64;
/// Chunks are multiples of the kernels' tile of tokens.
const CHUNK_STEP: usize = 16;

/// How many prompt tokens to feed next, from how fast the last ones went.
pub struct Chunks {
    next: usize,
    max: usize,
}

impl Chunks {
    pub fn new(max: usize) -> Self {
        Self { next: CHUNK_MIN.min(max), max }
    }

    pub fn next(&self) -> usize {
        self.next
    }

    pub fn took(&mut self, tokens: usize, seconds: f64) {
        let fits = tokens as f64 * CHUNK_SECONDS / seconds.max(1e-6);
        self.next = (fits as usize / CHUNK_STEP * CHUNK_STEP).clamp(CHUNK_MIN.min(self.max), self.max);
    }
}

/// When each token was sampled.
#[derive(Default)]
pub struct TokenTimes {
    first: Option<Instant>,
    last: Option<Instant>,
    /// Milliseconds between tokens.
    gaps_ms: Vec<f32>,
    recent: VecDeque<Instant>,
}

impl TokenTimes {
    pub fn sampled(&mut self, at: Instant) {
        if let Some(last) = self.last {
            self.gaps_ms.push(ms(at - last) as f32);
        }
        self.first.get_or_insert(at);
        self.last = Some(at);
        self.recent.push_back(at);
        while self.recent.front().is_some_and(|t| at - *t > Duration::from_secs(1)) {
            self.recent.pop_front();
        }
    }

    pub fn first(&self) -> Option<Instant> {
        self.first
    }

    /// First to last token, ms.
    pub fn span_ms(&self) -> f64 {
        match (self.first, self.last) {
            (Some(first), Some(last)) => ms(last - first),
            _ => 0.0,
        }
    }

    /// Tokens sampled in the second before the last one, per second; nothing before a second has passed.
    pub fn last_second(&self) -> Option<f64> {
        (self.span_ms() >= 1e3).then_some(self.recent.len() as f64)
    }

    /// The given quantile of the time between tokens, ms.
    pub fn quantile_ms(&self, q: f64) -> Option<f64> {
        let mut gaps = self.gaps_ms.clone();
        gaps.sort_by(f32::total_cmp);
        let last = gaps.len().checked_sub(1)?;
        Some(f64::from(gaps[(last as f64 * q).round() as usize]))
    }
}
