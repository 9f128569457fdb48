//! Where a history lies, with the small files beside it that say what is still to be done.

use super::error::is_damage;
use super::{HistoryError, backup, db};
use crate::config::{Folders, states_of};
use crate::protocol::ConversationId;
use rusqlite::Connection;
use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// A file of up to this size is checked while it is opened; a larger one in the background (quick_check reads about
/// 200 MiB a second).
const CHECK_AT_ONCE_BYTES: u64 = 4 << 20;
const DAMAGED: &str = "damaged";

#[derive(Debug, Clone)]
pub struct Spot {
    pub path: PathBuf,
    pub backups: PathBuf,
    /// Locks of running ingles.
    pub running: PathBuf,
    /// What models have read of conversations; the engine writes there.
    states: PathBuf,
    /// Locked while an ingle opens the history.
    opening: PathBuf,
    /// When the file was last found whole, in milliseconds, or that it was not.
    checked: PathBuf,
    /// There while something deleted may still be in free pages or backups.
    purge: PathBuf,
}

/// When the file's structure is to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    Now,
    Soon,
    NotDue,
}

impl Spot {
    pub fn new(folders: &Folders) -> Self {
        Self {
            path: folders.history_file(),
            backups: folders.backups(),
            running: folders.running(),
            states: folders.states(),
            opening: folders.state.join("history.opening"),
            checked: folders.state.join("history.checked"),
            purge: folders.state.join("history.purge"),
        }
    }

    pub fn check_due(&self, now_ms: u64) -> Check {
        let said = fs::read_to_string(&self.checked).unwrap_or_default();
        let n_bytes = fs::metadata(&self.path).map_or(0, |m| m.len());
        match said.trim().parse::<u64>() {
            _ if said.trim() == DAMAGED => Check::Now,
            Ok(at) if now_ms.saturating_sub(at) < backup::WEEK_MS => Check::NotDue,
            _ if n_bytes <= CHECK_AT_ONCE_BYTES => Check::Now,
            _ => Check::Soon,
        }
    }

    /// Ingles open one after the other, so that one at a time migrates or sets a damaged file aside.
    pub fn alone(&self) -> Result<File, HistoryError> {
        let lock =
            File::options().create(true).truncate(false).write(true).mode(0o600).open(&self.opening).and_then(|f| f.lock().map(|()| f));
        lock.map_err(|source| HistoryError::Io { path: self.opening.clone(), source })
    }

    pub fn note_whole(&self, now_ms: u64) {
        self.note(&self.checked, &now_ms.to_string());
    }

    /// The next start looks closely, whatever the file's size.
    pub fn note_damage(&self) {
        self.note(&self.checked, DAMAGED);
    }

    /// What models have read of a conversation goes with it.
    pub fn remove_states(&self, conversation: ConversationId) {
        match fs::remove_dir_all(states_of(&self.states, conversation)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => tracing::warn!(%error, "states of a conversation stay"),
            _ => {}
        }
    }

    pub fn note_purge(&self) {
        self.note(&self.purge, "");
    }

    fn note(&self, file: &PathBuf, text: &str) {
        // These files only save work or hasten it; without them it is done at the next occasion.
        if let Err(error) = fs::write(file, text) {
            tracing::info!(%error, file = %file.display(), "cannot be noted");
        }
    }

    /// Takes what was deleted out of the file's free pages and out of the backups.
    pub fn purge(&self, db: &Connection, now_ms: u64) -> Result<(), HistoryError> {
        if !self.purge.exists() {
            return Ok(());
        }
        db.execute_batch("VACUUM").map_err(HistoryError::Read)?;
        db::checkpoint(db).map_err(HistoryError::Read)?;
        backup::renew(db, &self.backups, now_ms)?;
        fs::remove_file(&self.purge).map_err(|source| HistoryError::Io { path: self.purge.clone(), source })
    }

    /// The weekly copy and the check that was put off. True if the file is damaged.
    pub fn care(&self, now_ms: u64, check: bool) -> Result<bool, HistoryError> {
        let db = db::read(&self.path).map_err(HistoryError::Read)?;
        if check {
            match db::quick_check(&db) {
                Ok(None) => self.note_whole(now_ms),
                Err(error) if !is_damage(&error) => return Err(HistoryError::Read(error)),
                Ok(Some(_)) | Err(_) => {
                    self.note_damage();
                    return Ok(true);
                }
            }
        }
        let is_empty: bool = db.query_row("SELECT NOT EXISTS (SELECT 1 FROM node)", (), |r| r.get(0)).map_err(HistoryError::Read)?;
        if !is_empty {
            backup::make_if_due(&db, &self.backups, now_ms)?;
        }
        Ok(false)
    }
}
