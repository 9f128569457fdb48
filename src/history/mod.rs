//! Conversations on disk.
//!
//! Begin with [`Write`], all that can be changed, and [`HistoryEvent`], all that is told back: [`History::write`] never
//! waits, and a message is on disk when its `Stored` comes. A conversation is a [`Tree`] of [`Node`]s: siblings are
//! alternatives, nothing is removed but by an explicit delete. [`Reader`] reads beside the writer, and blocks.
//!
//! One thread writes. SQLite in WAL mode with `synchronous=FULL`; several ingles share one database: each owns the
//! answers it streams by a lock that dies with it, so nobody takes another's live answer for a crashed one.
//!
//! This room never logs what was said, and never waits for the disk on its caller's thread but in `open`, `close` and
//! [`Reader`].

mod apply;
mod backup;
mod db;
mod error;
mod export;
mod open;
mod owner;
mod queue;
mod reader;
mod rescue;
mod rows;
mod schema;
mod search;
mod spot;
#[cfg(test)]
mod tests;
mod title;
mod tokens;
mod tree;
mod write;
mod writer;

pub use error::HistoryError;
pub use export::{ExportFormat, export};
pub use open::Opened;
pub use reader::Reader;
pub use rows::{ConversationRow, Hit, Interrupted, ModelLabel, Node, Status};
pub use title::of as title_of;
pub use tree::{Conversation, Cut, Tree};
pub use write::{End, HistoryEvent, ModelRecord, NewNode, Receipt, Write};

use crate::config::Folders;
use crate::protocol::Report;
use open::Ready;
use owner::Owner;
use queue::Queue;
use spot::{Check, Spot};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;
use writer::Writer;

/// A streaming answer is on disk at the latest so long after it was generated: at least four times a second, with room
/// for the sync itself (p99 20 ms).
pub const FLUSH: Duration = Duration::from_millis(200);
/// Unsent text is on disk at the latest so long after it was typed, with the same room.
pub const FLUSH_UNSENT: Duration = Duration::from_millis(900);
/// Marks around what a search found, in a [`Hit`]'s snippet. Control characters, so that no message's text is taken
/// for them once it is `text::Shown`.
pub const FOUND_START: char = '\u{1}';
pub const FOUND_END: char = '\u{2}';

/// The open history. Dropping it stores what waits, for as long as that takes; [`History::close`] limits the time.
pub struct History {
    spot: Spot,
    /// Absent where the database is only read.
    writing: Option<Writing>,
    read_only: Option<Report>,
}

struct Writing {
    queue: Arc<Queue>,
    /// Gives what could not be stored, once, at the end.
    done: Mutex<mpsc::Receiver<Vec<Receipt>>>,
}

impl History {
    /// Opens or makes the history of these folders. `sink` is called from the history's own threads; it must not wait.
    pub fn open(
        folders: &Folders,
        now_ms: u64,
        sink: impl Fn(HistoryEvent) + Send + Sync + 'static,
    ) -> Result<(Self, Opened), HistoryError> {
        let spot = Spot::new(folders);
        let mut opened = Opened::default();
        open::create_folders(&spot)?;
        let alone = spot.alone()?;
        let (mut db, check) = match open::prepare(&spot, now_ms, &mut opened.notes)? {
            Ready::Write(db, check) => (db, check),
            Ready::Read(why) => {
                opened.is_read_only = true;
                opened.notes.push(why.report());
                return Ok((Self { spot, writing: None, read_only: Some(why.report()) }, opened));
            }
        };
        if let Some(kind) = db::network(&spot.path) {
            let what = format!("{} lies on {kind}, so it is kept without a write-ahead log", spot.path.display());
            opened.notes.push(Report::new(what, "A folder on this machine's own disk, set with INGLE_HOME, is faster"));
        }
        let owner = Owner::new(&spot.running).map_err(|source| HistoryError::Io { path: spot.running.clone(), source })?;
        open::claim(&mut db, &spot.running).map_err(HistoryError::Read)?;
        opened.interrupted = open::interrupted(&db).map_err(HistoryError::Read)?;
        drop(alone);
        let sink: writer::Sink = Arc::new(sink);
        care(&spot, now_ms, check, &sink);
        let queue = Arc::new(Queue::default());
        let writer = Writer::new(Arc::clone(&queue), spot.clone(), owner, db, sink);
        let (tell, done) = mpsc::sync_channel(1);
        let write = move || drop(tell.send(writer.run()));
        let spawned = thread::Builder::new().name("history".to_owned()).spawn(write);
        spawned.map_err(|source| HistoryError::Io { path: spot.path.clone(), source })?;
        Ok((Self { spot, writing: Some(Writing { queue, done: Mutex::new(done) }), read_only: None }, opened))
    }

    /// Hands a write over; never waits. The answer comes through the sink, but for the error given back here: too much
    /// waits already, or nothing may be written. It is the `Refused` that would have come, to be handled alike.
    pub fn write(&self, write: Write) -> Result<(), HistoryEvent> {
        match (&self.writing, &self.read_only) {
            (Some(writing), _) => writing.queue.push(write),
            (None, report) => {
                let report = report.clone().unwrap_or_else(|| HistoryError::Missing { what: "writer" }.report());
                Err(HistoryEvent::Refused { receipt: write.receipt(), report })
            }
        }
    }

    /// A connection that reads. Blocks; for a worker thread.
    pub fn reader(&self) -> Result<Reader, HistoryError> {
        Reader::on(&self.spot.path, &self.spot.running)
    }

    /// Stores what waits and closes the file, in `within` at most. Gives back what is not known to be stored.
    pub fn close(mut self, within: Duration) -> Result<(), HistoryError> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        writing.queue.close();
        let done = writing.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        match done.recv_timeout(within) {
            Ok(lost) if lost.is_empty() => Ok(()),
            Ok(lost) => Err(HistoryError::Lost { n: lost.len() }),
            Err(_) => Err(HistoryError::Slow),
        }
    }
}

impl Drop for History {
    fn drop(&mut self) {
        if let Some(writing) = self.writing.take() {
            writing.queue.close();
            let _ = writing.done.into_inner().unwrap_or_else(PoisonError::into_inner).recv();
        }
    }
}

/// The weekly copy and check, on a thread of their own so that nothing waits for them.
fn care(spot: &Spot, now_ms: u64, check: Check, sink: &writer::Sink) {
    let (spot, sink) = (spot.clone(), Arc::clone(sink));
    let work = move || match spot.care(now_ms, check == Check::Soon) {
        Ok(false) => {}
        Ok(true) => {
            let what = format!("{} is damaged", spot.path.display());
            sink(HistoryEvent::Note(Report::new(what, "Start ingle again: it sets the file aside and keeps what can be read")));
        }
        Err(error) => sink(HistoryEvent::Note(error.report())),
    };
    // Without the thread the care is taken at the next start.
    let _ = thread::Builder::new().name("history-care".to_owned()).spawn(work);
}
