//! The thread that writes pieces, so that neither an answer nor the screen waits for the disk.

use super::file::Piece;
use super::store::Store;
use crate::protocol::ConversationId;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender};

/// Work that may wait: whoever gives more waits with it.
const WAITING_MAX: usize = 2;

pub enum Work {
    Write {
        path: PathBuf,
        piece: Piece,
        /// The pieces before it.
        chain: Vec<PathBuf>,
    },
    /// Behind what is being written of it.
    Forget(ConversationId),
}

/// The way to the thread.
pub struct Saver {
    work: Option<SyncSender<Work>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Saver {
    /// `done` is told, after each piece, whether it is on disk. Without a thread nothing is kept.
    pub fn start(store: Store, done: impl Fn(bool) + Send + 'static) -> Option<Self> {
        let (work, inbox) = std::sync::mpsc::sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("states".to_owned()).spawn(move || run(&store, &inbox, &done)).ok()?;
        Some(Self { work: Some(work), thread: Some(thread) })
    }

    pub fn give(&self, work: Work) {
        if let Some(sender) = &self.work {
            // The thread ends only when this side is dropped.
            let _ = sender.send(work);
        }
    }
}

impl Drop for Saver {
    /// Waits for what is on its way.
    fn drop(&mut self) {
        self.work = None;
        self.thread.take().into_iter().for_each(|thread| drop(thread.join()));
    }
}

fn run(store: &Store, inbox: &Receiver<Work>, done: &dyn Fn(bool)) {
    while let Ok(work) = inbox.recv() {
        match work {
            Work::Write { path, piece, chain } => {
                let written = store.write(&path, &piece, &chain);
                if let Err(error) = &written {
                    tracing::warn!(%error, "a state was not saved");
                }
                done(written.is_ok());
            }
            Work::Forget(conversation) => {
                if let Err(error) = store.forget(conversation) {
                    tracing::warn!(%error, "the states of a conversation were not removed");
                }
            }
        }
    }
}
