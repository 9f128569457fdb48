//! Where everything that happens waits for the loop.
//!
//! Two ways in. What only repeats what a slow screen already has to catch up with (keys, the engine's events) waits at
//! the door while the inbox is full: the terminal keeps the keys, the engine merges its tokens. What must never wait
//! (the history's answers, signals, the machine's figures) is always let in; of figures only the newest is kept, and the
//! rest is bounded by what the loop itself asked for.

use crate::sys::signals::Signal;
use crate::tui::app::Action;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Waiting actions beyond which the door closes: several frames' worth of keys and tokens.
const FULL: usize = 256;

#[derive(Debug)]
pub enum Mail {
    Action(Action),
    Signal(Signal),
    /// The terminal is gone.
    Lost,
    /// A thread of ours panicked; the terminal is given back already.
    Broken,
    /// The writer has room again.
    Writable,
}

#[derive(Default)]
struct Waiting {
    mail: VecDeque<Mail>,
    closed: bool,
}

#[derive(Clone, Default)]
pub struct Inbox {
    shared: Arc<(Mutex<Waiting>, Condvar, Condvar)>,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Each change is one push or one take: a panic leaves a whole queue.
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets mail in at once.
    pub fn push(&self, mail: Mail) {
        let mut waiting = self.lock();
        if matches!(mail, Mail::Action(Action::Machine(_))) {
            waiting.mail.retain(|m| !matches!(m, Mail::Action(Action::Machine(_))));
        }
        waiting.mail.push_back(mail);
        drop(waiting);
        self.shared.1.notify_one();
    }

    pub fn act(&self, action: Action) {
        self.push(Mail::Action(action));
    }

    /// Lets an action in once there is room; false when nobody takes mail any more.
    pub fn act_when_room(&self, action: Action) -> bool {
        let mut waiting = self.lock();
        while waiting.mail.len() >= FULL && !waiting.closed {
            waiting = self.shared.2.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.closed {
            return false;
        }
        waiting.mail.push_back(Mail::Action(action));
        drop(waiting);
        self.shared.1.notify_one();
        true
    }

    /// Everything that waits; waits for the first until `deadline`, for ever without one.
    pub fn take(&self, deadline: Option<Instant>, now: impl Fn() -> Instant) -> VecDeque<Mail> {
        let mut waiting = self.lock();
        while waiting.mail.is_empty() {
            waiting = match deadline.map(|d| d.saturating_duration_since(now())) {
                None => self.shared.1.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => break,
                Some(left) => self.shared.1.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        let mail = std::mem::take(&mut waiting.mail);
        drop(waiting);
        self.shared.2.notify_all();
        mail
    }

    /// The loop has ended.
    pub fn close(&self) {
        self.lock().closed = true;
        self.shared.2.notify_all();
    }
}
