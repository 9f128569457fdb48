//! Writes on their way to the writer. Pushing never waits for the disk: the lock is held over moves of memory alone.

use super::{HistoryError, HistoryEvent, Receipt, Write};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Writes that may wait, besides growing answers and unsent text, which are merged. A person does not type so many
/// while a disk stalls; when it is full the write is refused, so that the screen can say that it was not stored.
const WRITES_MAX: usize = 1024;

#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Write>,
    is_closed: bool,
}

impl Queue {
    pub fn push(&self, write: Write) -> Result<(), HistoryEvent> {
        let mut state = self.lock();
        if let Some(write) = merge(&mut state.waiting, write) {
            if state.waiting.len() >= WRITES_MAX || state.is_closed {
                let error = HistoryError::Full { what: what(&write.receipt()) };
                return Err(HistoryEvent::Refused { receipt: write.receipt(), report: error.report() });
            }
            state.waiting.push_back(write);
        }
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Everything that waits, once there is something, `until` has come, or the end was asked for (true).
    pub fn take(&self, until: Option<Instant>) -> (VecDeque<Write>, bool) {
        let idle = |state: &mut State| state.waiting.is_empty() && !state.is_closed;
        let mut state = self.wait(until, idle);
        (std::mem::take(&mut state.waiting), state.is_closed)
    }

    /// Waits, whatever comes in: true if the end was asked for.
    pub fn pause(&self, until: Instant) -> bool {
        self.wait(Some(until), |state| !state.is_closed).is_closed
    }

    pub fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn wait(&self, until: Option<Instant>, mut idle: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        let state = self.lock();
        match until {
            None => self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(now());
                self.changed.wait_timeout_while(state, left, &mut idle).unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer runs effects: it may read the clock.
#[allow(clippy::disallowed_methods)]
pub fn now() -> Instant {
    Instant::now()
}

/// For the names of backups.
#[allow(clippy::disallowed_methods)]
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub fn after(wait: Duration) -> Instant {
    now() + wait
}

/// Joins the write to one that waits, if it says more of the same; otherwise gives it back. Looks back only over growth
/// and unsent text, which touch different nodes and so may pass each other; order against all else is kept.
fn merge(waiting: &mut VecDeque<Write>, write: Write) -> Option<Write> {
    for earlier in waiting.iter_mut().rev() {
        match (earlier, &write) {
            (Write::Grow { node, channel, text, tokens }, Write::Grow { node: n, channel: c, text: more, tokens: ids }) if node == n => {
                // Thinking after answer: the tokens' order would be lost.
                if channel != c {
                    return Some(write);
                }
                text.push_str(more);
                tokens.extend(ids.iter().cloned());
                return None;
            }
            (earlier @ Write::Unsent { .. }, Write::Unsent { .. }) if earlier.receipt() == write.receipt() => {
                *earlier = write;
                return None;
            }
            (Write::Grow { .. } | Write::Unsent { .. }, Write::Grow { .. } | Write::Unsent { .. }) => {}
            _ => return Some(write),
        }
    }
    Some(write)
}

fn what(receipt: &Receipt) -> &'static str {
    match receipt {
        Receipt::Message(_) => "a message",
        Receipt::Begin(_) | Receipt::Grow(_) | Receipt::End(_) | Receipt::Continue(_) => "an answer",
        Receipt::Unsent(_) => "unsent text",
        Receipt::Tip(_) | Receipt::Rename(_) | Receipt::Star(_) | Receipt::Settings(_) => "a change to a conversation",
        Receipt::Model(_) => "a model's facts",
        Receipt::Delete(_) | Receipt::DeleteNode(_) => "a deletion",
    }
}
