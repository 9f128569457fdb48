//! The bounded way from the engine to whoever listens.
//!
//! When the listener is slow, `Tokens` of one job and channel are merged into the newest waiting one and progress
//! replaces older progress: nothing that was said is lost, and the queue cannot grow beyond its jobs.

use crate::protocol::Event;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Events that wait unmerged. A screen takes all of them at once, at least sixty times a second.
const CAPACITY: usize = 64;

#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic while the lock was held leaves a whole queue: each change is one push.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the engine puts its events. Never blocks.
#[derive(Clone)]
pub struct Outbox(Arc<Shared>);

/// Where they are taken out, by one listener.
pub struct EventReceiver(Arc<Shared>);

pub fn channel() -> (Outbox, EventReceiver) {
    let shared = Arc::new(Shared::default());
    (Outbox(shared.clone()), EventReceiver(shared))
}

impl Outbox {
    pub fn send(&self, event: Event) {
        let mut queue = self.0.lock();
        let full = queue.events.len() >= CAPACITY;
        let same = |waiting: &&mut Event| matches!(waiting, Event::Drafted { .. }) && job_of(waiting) == job_of(&event);
        let older = queue.events.iter_mut().find(same).filter(|_| matches!(event, Event::Drafted { .. }));
        let left = match older {
            // Where it stands among the others says nothing.
            Some(older) => {
                *older = event;
                None
            }
            None => match queue.events.back_mut() {
                Some(last) => merge(last, event, full),
                None => Some(event),
            },
        };
        queue.events.extend(left);
        drop(queue);
        self.0.arrived.notify_one();
    }

    pub fn close(&self) {
        self.0.lock().closed = true;
        self.0.arrived.notify_one();
    }
}

/// Puts `event` into `last` where that loses nothing; gives it back where it does not fit.
fn merge(last: &mut Event, event: Event, full: bool) -> Option<Event> {
    match (last, event) {
        (
            Event::Tokens { job, channel, text, tokens },
            Event::Tokens { job: new_job, channel: new_channel, text: new_text, tokens: new_tokens },
        ) if full && *job == new_job && *channel == new_channel => {
            text.push_str(&new_text);
            tokens.extend(new_tokens);
            None
        }
        (last @ Event::PrefillProgress { .. }, event @ Event::PrefillProgress { .. }) if job_of(last) == job_of(&event) => {
            *last = event;
            None
        }
        (last @ Event::LoadProgress { .. }, event @ Event::LoadProgress { .. }) if job_of(last) == job_of(&event) => {
            *last = event;
            None
        }
        (Event::Ledger { model, ledger }, Event::Ledger { model: new_model, ledger: new }) if *model == new_model => {
            *ledger = new;
            None
        }
        (_, event) => Some(event),
    }
}

fn job_of(event: &Event) -> Option<crate::protocol::JobId> {
    match event {
        Event::PrefillProgress { job, .. } | Event::LoadProgress { job, .. } | Event::Drafted { job, .. } => Some(*job),
        _ => None,
    }
}

impl EventReceiver {
    /// The next event, waiting for it; nothing once the engine has ended and all is taken.
    pub fn recv(&self) -> Option<Event> {
        let mut queue = self.0.lock();
        loop {
            if let Some(event) = queue.events.pop_front() {
                return Some(event);
            }
            if queue.closed {
                return None;
            }
            queue = self.0.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next event if it comes within `timeout`.
    pub fn recv_timeout(&self, timeout: Duration) -> Option<Event> {
        let queue = self.0.lock();
        let waiting = |q: &mut Queue| q.events.is_empty() && !q.closed;
        let (mut queue, _) = self.0.arrived.wait_timeout_while(queue, timeout, waiting).unwrap_or_else(PoisonError::into_inner);
        queue.events.pop_front()
    }

    pub fn try_recv(&self) -> Option<Event> {
        self.0.lock().events.pop_front()
    }
}
