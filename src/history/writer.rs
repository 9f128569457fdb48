//! The one thread that writes. It gathers what waits, stores it in one transaction, and tells what is on disk.

use super::apply::{self, Place};
use super::error::{is_damage, may_pass};
use super::owner::Owner;
use super::queue::{Queue, after, now, unix_ms};
use super::spot::Spot;
use super::{FLUSH, FLUSH_UNSENT, HistoryError, HistoryEvent, Receipt, Write, db, tokens};
use crate::protocol::{Channel, ConversationId, NodeId, TokenOut};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A full disk is tried again this often.
const RETRY: Duration = Duration::from_secs(1);
/// Without a write for so long the WAL is written back.
const IDLE: Duration = Duration::from_secs(2);

/// An answer that streams, whole, as the next flush stores it.
#[derive(Debug, Default)]
pub struct Growing {
    conversation: Option<ConversationId>,
    pub content: String,
    thinking: String,
    pub tokens: Vec<u8>,
    is_dirty: bool,
}

impl Growing {
    pub fn thinking(&self) -> Option<&str> {
        Some(self.thinking.as_str()).filter(|t| !t.is_empty())
    }

    fn push(&mut self, channel: Channel, text: &str, ids: &[TokenOut]) {
        match channel {
            Channel::Answer => self.content.push_str(text),
            Channel::Thinking => self.thinking.push_str(text),
        }
        tokens::push(&mut self.tokens, ids);
        self.is_dirty = true;
    }
}

pub type Sink = Arc<dyn Fn(HistoryEvent) + Send + Sync>;

pub struct Writer {
    queue: Arc<Queue>,
    spot: Spot,
    owner: Owner,
    sink: Sink,
    /// Absent while it must be opened again.
    db: Option<Connection>,
    growing: HashMap<NodeId, Growing>,
    unsent: HashMap<NodeId, Write>,
    flush_at: Option<Instant>,
    flush_unsent_at: Option<Instant>,
    is_stalled: bool,
}

impl Writer {
    pub fn new(queue: Arc<Queue>, spot: Spot, owner: Owner, db: Connection, sink: Sink) -> Self {
        Self {
            queue,
            spot,
            owner,
            sink,
            db: Some(db),
            growing: HashMap::new(),
            unsent: HashMap::new(),
            flush_at: None,
            flush_unsent_at: None,
            is_stalled: false,
        }
    }

    /// Until the queue is closed and empty. Gives back what could not be stored.
    pub fn run(mut self) -> Vec<Receipt> {
        let mut tidy_at = Some(after(IDLE));
        loop {
            let until = [self.flush_at, self.flush_unsent_at, tidy_at].into_iter().flatten().min();
            let (writes, is_closing) = self.queue.take(until);
            if !writes.is_empty() {
                tidy_at = Some(after(IDLE));
            }
            let lost = self.store(writes, is_closing);
            if is_closing {
                self.leave();
                return lost;
            }
            if tidy_at.is_some_and(|at| at <= now()) {
                self.tidy();
                tidy_at = None;
            }
        }
    }

    /// Stores writes in their order. An answer that goes on is read first, so all before it must be on disk.
    fn store(&mut self, writes: VecDeque<Write>, is_closing: bool) -> Vec<Receipt> {
        let mut batch = Vec::new();
        let mut lost = Vec::new();
        for write in writes {
            match write {
                Write::Grow { node, channel, text, tokens } => match self.growing.get_mut(&node) {
                    Some(growing) => {
                        growing.push(channel, &text, &tokens);
                        self.flush_at.get_or_insert_with(|| after(FLUSH));
                    }
                    None => self.refuse(Receipt::Grow(node), &HistoryError::Missing { what: "such streaming answer" }),
                },
                Write::Unsent { node, .. } => {
                    self.unsent.insert(node, write);
                    self.flush_unsent_at.get_or_insert_with(|| after(FLUSH_UNSENT));
                }
                Write::Continue { node } => {
                    lost.extend(self.commit(std::mem::take(&mut batch), is_closing));
                    lost.extend(self.commit(vec![write], is_closing));
                    self.load(node);
                }
                write => {
                    self.note(&write);
                    batch.push(write);
                }
            }
        }
        let due = |at: Option<Instant>| at.is_some_and(|at| is_closing || at <= now());
        if !batch.is_empty() || due(self.flush_at) || due(self.flush_unsent_at) {
            lost.extend(self.commit(batch, is_closing));
        }
        lost
    }

    fn note(&mut self, write: &Write) {
        if let Write::Begin(new) = write {
            let growing = Growing {
                conversation: Some(new.conversation),
                content: new.content.clone(),
                tokens: tokens::empty(),
                ..Growing::default()
            };
            self.growing.insert(new.id, growing);
        }
        // What is sent now is no longer unsent, whatever was typed last.
        if let Write::Message(new) = write {
            self.unsent.remove(&new.id);
        }
    }

    /// One transaction, until it is on disk; when leaving, one try. Gives back what could not be stored.
    fn commit(&mut self, batch: Vec<Write>, is_closing: bool) -> Vec<Receipt> {
        loop {
            let error = match self.try_commit(&batch) {
                Ok(events) => {
                    self.after_commit(&batch, events);
                    return Vec::new();
                }
                Err(error) => error,
            };
            // After a failed sync nothing is known of what the file system kept: the next try begins with the file.
            self.db = None;
            if is_damage(&error) {
                self.spot.note_damage();
            }
            if !std::mem::replace(&mut self.is_stalled, true) {
                let path = self.spot.path.clone();
                (self.sink)(HistoryEvent::Stalled(HistoryError::Stalled { path, source: error }.report()));
            }
            if is_closing || self.queue.pause(after(RETRY)) {
                return batch.iter().map(Write::receipt).chain(self.growing.keys().map(|n| Receipt::Grow(*n))).collect();
            }
        }
    }

    fn after_commit(&mut self, batch: &[Write], events: Vec<HistoryEvent>) {
        (self.flush_at, self.flush_unsent_at) = (None, None);
        self.unsent.clear();
        for growing in self.growing.values_mut() {
            growing.is_dirty = false;
        }
        for write in batch {
            match write {
                Write::End { node, .. } => drop(self.growing.remove(node)),
                Write::Delete { conversation } => {
                    self.growing.retain(|_, g| g.conversation != Some(*conversation));
                    self.spot.remove_states(*conversation);
                }
                _ => {}
            }
        }
        if std::mem::take(&mut self.is_stalled) {
            (self.sink)(HistoryEvent::Flowing);
        }
        for event in events {
            if let HistoryEvent::Refused { receipt: Receipt::Begin(node), .. } = &event {
                self.growing.remove(node);
            }
            (self.sink)(event);
        }
    }

    /// Everything that waits, in one transaction. A write that is wrong in itself is refused and leaves no trace; any
    /// other trouble ends the whole.
    fn try_commit(&mut self, batch: &[Write]) -> rusqlite::Result<Vec<HistoryEvent>> {
        let db = match &mut self.db {
            Some(db) => db,
            none => none.insert(db::write(&self.spot.path)?),
        };
        if batch.iter().any(|w| matches!(w, Write::Delete { .. } | Write::DeleteNode { .. })) {
            self.spot.note_purge();
        }
        let place = Place { owner: &self.owner.id, running: &self.spot.running };
        let mut events = Vec::new();
        let mut work = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for write in batch.iter().chain(self.unsent.values()) {
            let receipt = write.receipt();
            let growing = if let Write::End { node, .. } = write { self.growing.get(node) } else { None };
            let step = work.savepoint()?;
            match apply::apply(&step, &place, write, growing) {
                Ok(()) => {
                    step.commit()?;
                    if !matches!(receipt, Receipt::Unsent(_)) {
                        events.push(HistoryEvent::Stored(receipt));
                    }
                }
                Err(HistoryError::Refused(error)) if may_pass(&error) => return Err(error),
                Err(error) => events.push(HistoryEvent::Refused { receipt, report: error.report() }),
            }
        }
        let ended = |node: &NodeId| batch.iter().any(|w| matches!(w, Write::End { node: n, .. } if n == node));
        for (node, growing) in self.growing.iter().filter(|(node, g)| g.is_dirty && !ended(node)) {
            match apply::grow(&work, *node, growing) {
                Ok(()) => {}
                Err(HistoryError::Refused(error)) if may_pass(&error) => return Err(error),
                Err(error) => events.push(HistoryEvent::Refused { receipt: Receipt::Grow(*node), report: error.report() }),
            }
        }
        work.commit()?;
        Ok(events)
    }

    /// What an answer that goes on already is.
    fn load(&mut self, node: NodeId) {
        let sql = "SELECT conversation, content, thinking, tokens FROM node WHERE id = ?1 AND status = 'streaming' AND owner = ?2";
        let Some(db) = &self.db else { return };
        let row = db.query_row(sql, (node.0, &self.owner.id), |r| {
            Ok(Growing {
                conversation: Some(ConversationId(r.get(0)?)),
                content: r.get(1)?,
                thinking: r.get::<_, Option<String>>(2)?.unwrap_or_default(),
                tokens: r.get::<_, Option<Vec<u8>>>(3)?.unwrap_or_else(tokens::empty),
                is_dirty: false,
            })
        });
        if let Ok(Some(growing)) = row.optional() {
            self.growing.insert(node, growing);
        }
    }

    fn refuse(&self, receipt: Receipt, error: &HistoryError) {
        (self.sink)(HistoryEvent::Refused { receipt, report: error.report() });
    }

    /// Nothing to do for a while: the WAL goes back into the file, and what was deleted from everywhere else.
    fn tidy(&mut self) {
        let Some(db) = &self.db else { return };
        let tidied = self.spot.purge(db, unix_ms()).and_then(|()| db::checkpoint(db).map_err(HistoryError::Read));
        if let Err(error) = tidied {
            tracing::info!(cause = %error.report().cause, "the history is tidied later");
        }
    }

    /// Streaming rows stay as they are: with the lock gone the next ingle finds them interrupted.
    fn leave(&mut self) {
        self.tidy();
        if let Some(db) = self.db.take() {
            let _ = db.execute_batch("PRAGMA optimize");
            let _ = db.close();
        }
    }
}
