//! Threads that another process keeps from working.
//!
//! A thread that the system puts aside in the middle of its chunks holds up everybody for a time slice, milliseconds, where
//! a region takes a tenth of one. So the caller looks how long it waits after its own last chunk, and sends those that still
//! work to rest: without them a region ends when the others are done. They try again after a while, after a longer one if
//! that went wrong again.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A caller that waits longer than this, and than `LATE` times what its own chunks took each, blames those at work.
const STALL: Duration = Duration::from_micros(500);
/// Chunks of one region are not all alike; a time slice is longer than the longest of them by more than this.
const LATE: u32 = 8;
/// First and longest rest, ms.
const REST_FIRST: u32 = 20;
const REST_LONGEST: u32 = 320;
/// A thread that went so long without blame rests shortly again.
const FORGIVEN: Duration = Duration::from_millis(100);

/// What is known of one worker.
#[derive(Default)]
pub(super) struct Conduct {
    at_work: AtomicBool,
    blamed: AtomicBool,
    /// What the next rest takes, ms; 0 before the first.
    next_rest: AtomicU32,
}

impl Conduct {
    pub fn begin(&self) {
        self.at_work.store(true, Ordering::Relaxed);
    }

    pub fn end(&self) {
        self.at_work.store(false, Ordering::Relaxed);
    }

    /// Called by the worker itself between regions: rests if it was blamed. `since` is when it last began to work again.
    pub fn rest(&self, since: &mut Option<Instant>) {
        if !self.blamed.swap(false, Ordering::Relaxed) {
            return;
        }
        let again = since.is_some_and(|since| since.elapsed() < FORGIVEN);
        let ms = if again { (2 * self.next_rest.load(Ordering::Relaxed)).min(REST_LONGEST) } else { REST_FIRST };
        self.next_rest.store(ms, Ordering::Relaxed);
        thread::park_timeout(Duration::from_millis(ms.into()));
        *since = Some(now());
    }
}

/// A caller's own share of a region, by which it judges the others.
pub(super) struct Watch {
    began: Instant,
    each: Duration,
    /// When its own last chunk was done.
    waits_since: Option<Instant>,
    has_blamed: bool,
}

impl Watch {
    pub fn start() -> Self {
        Self { began: now(), each: Duration::ZERO, waits_since: None, has_blamed: false }
    }

    /// The caller has done `n` chunks and finds no more.
    pub fn finished(&mut self, n: usize) {
        let end = now();
        self.each = (end - self.began) / (n as u32).max(1);
        self.waits_since = Some(end);
    }

    /// Blames those at work, once, when it has waited too long for them.
    pub fn look(&mut self, workers: impl Iterator<Item = impl AsRef<Conduct>>) {
        let waited = self.waits_since.map_or(Duration::ZERO, |since| since.elapsed());
        if self.has_blamed || waited < STALL || waited < self.each * LATE {
            return;
        }
        self.has_blamed = true;
        workers.filter(|w| w.as_ref().at_work.load(Ordering::Relaxed)).for_each(|w| w.as_ref().blamed.store(true, Ordering::Relaxed));
    }
}

/// How long others hold up a region is a question of time.
#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}
