//! The one thread that writes to the terminal. A terminal that does not read (Ctrl+S, a dead link) blocks it and nothing
//! else: frames are not drawn until it is free again.

use super::inbox::{Inbox, Mail};
use crate::sys::terminal;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Bytes that may wait besides a frame: titles, bells, a copy. Beyond it the oldest wish is not worth its memory.
const SAID_BYTES_MAX: usize = 1 << 20;

#[derive(Default)]
struct Slot {
    bytes: Vec<u8>,
    writing: bool,
    /// The loop found it busy and waits for it.
    wanted: bool,
    closed: bool,
    written: u64,
}

#[derive(Clone)]
pub struct Writer {
    slot: Arc<(Mutex<Slot>, Condvar)>,
}

impl Writer {
    pub fn start(inbox: Inbox) -> std::io::Result<Self> {
        let writer = Self { slot: Arc::default() };
        let own = writer.clone();
        thread::Builder::new().name("terminal".to_owned()).spawn(move || own.serve(&inbox))?;
        Ok(writer)
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, inbox: &Inbox) {
        loop {
            let mut slot = self.lock();
            while slot.bytes.is_empty() && !slot.closed {
                slot = self.slot.1.wait(slot).unwrap_or_else(PoisonError::into_inner);
            }
            if slot.bytes.is_empty() {
                return;
            }
            let bytes = std::mem::take(&mut slot.bytes);
            slot.writing = true;
            drop(slot);
            // A terminal that fails is one that is gone: its watcher ends the program.
            let _ = terminal::write(&bytes);
            let mut slot = self.lock();
            slot.writing = false;
            slot.written += bytes.len() as u64;
            if std::mem::take(&mut slot.wanted) {
                inbox.push(Mail::Writable);
            }
            drop(slot);
            self.slot.1.notify_all();
        }
    }

    /// Whether a frame may be drawn now. If not, `Mail::Writable` comes once it may.
    pub fn is_free(&self) -> bool {
        let mut slot = self.lock();
        let free = !slot.writing && slot.bytes.len() < SAID_BYTES_MAX;
        slot.wanted = !free;
        free
    }

    /// Adds a frame, whatever its size: the next one is only what differs from it. One at a time, since it is drawn
    /// when the writer is free.
    pub fn frame(&self, bytes: &[u8]) {
        self.lock().bytes.extend_from_slice(bytes);
        self.slot.1.notify_all();
    }

    /// Adds bytes behind what waits.
    pub fn say(&self, bytes: &[u8]) {
        let mut slot = self.lock();
        if slot.bytes.len() + bytes.len() <= SAID_BYTES_MAX {
            slot.bytes.extend_from_slice(bytes);
        }
        drop(slot);
        self.slot.1.notify_all();
    }

    /// Waits a moment for what was said to be written: before the terminal goes to another program.
    pub fn drain(&self, within: std::time::Duration) {
        let slot = self.lock();
        let busy = |s: &mut Slot| s.writing || !s.bytes.is_empty();
        drop(self.slot.1.wait_timeout_while(slot, within, busy));
    }

    pub fn close(&self) {
        self.lock().closed = true;
        self.slot.1.notify_all();
    }
}
