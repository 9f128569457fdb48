//! Copies of the database: before each migration, each week, anew after a deletion.

use super::{HistoryError, db};
use crate::config::create_private;
use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::backup::Backup;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many are kept.
const KEPT: usize = 3;
pub const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Pages copied at a time; between two steps other writers get their turn.
const STEP_PAGES: i32 = 1024;
const STEP_PAUSE: Duration = Duration::from_millis(1);

const PREFIX: &str = "history-";
const SUFFIX: &str = ".db";

/// A name that sorts by time and can be part of a file's name everywhere.
pub fn stamp(now_ms: u64) -> String {
    let at = i64::try_from(now_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y%m%dT%H%M%S%3fZ").to_string()
}

/// Oldest first.
pub fn all(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    let is_backup = |p: &PathBuf| p.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(PREFIX) && n.ends_with(SUFFIX));
    let mut found: Vec<PathBuf> = entries.filter(is_backup).collect();
    found.sort();
    found
}

/// Copies the database as it is now and keeps the newest few copies.
pub fn make(from: &Connection, folder: &Path, now_ms: u64) -> Result<PathBuf, HistoryError> {
    let _alone = alone(folder)?;
    make_alone(from, folder, now_ms)
}

/// The same if none was made for a week.
pub fn make_if_due(from: &Connection, folder: &Path, now_ms: u64) -> Result<(), HistoryError> {
    let _alone = alone(folder)?;
    let week_old = format!("{PREFIX}{}{SUFFIX}", stamp(now_ms.saturating_sub(WEEK_MS)));
    let is_old = |p: &PathBuf| p.file_name().and_then(|n| n.to_str()).is_none_or(|name| name <= week_old.as_str());
    if all(folder).last().is_none_or(is_old) { make_alone(from, folder, now_ms).map(drop) } else { Ok(()) }
}

/// One ingle at a time works on the backups. The system frees the lock of one that dies.
fn alone(folder: &Path) -> Result<File, HistoryError> {
    create_private(folder)?;
    let path = folder.join("lock");
    let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path).and_then(|f| f.lock().map(|()| f));
    lock.map_err(|source| HistoryError::Io { path, source })
}

fn make_alone(from: &Connection, folder: &Path, now_ms: u64) -> Result<PathBuf, HistoryError> {
    let to = folder.join(format!("{PREFIX}{}{SUFFIX}", stamp(now_ms)));
    copy(from, &to)?;
    let there = all(folder);
    for old in there.iter().rev().skip(KEPT) {
        let _ = fs::remove_file(old);
    }
    Ok(to)
}

/// Makes the backups anew, so that none holds what was deleted.
pub fn renew(from: &Connection, folder: &Path, now_ms: u64) -> Result<(), HistoryError> {
    let _alone = alone(folder)?;
    let old = all(folder);
    if old.is_empty() {
        return Ok(());
    }
    let new = make_alone(from, folder, now_ms)?;
    for path in old.into_iter().filter(|p| *p != new) {
        fs::remove_file(&path).map_err(|source| HistoryError::Io { path, source })?;
    }
    Ok(())
}

/// Whole or not at all: written beside, synced, renamed.
pub fn copy(from: &Connection, to: &Path) -> Result<(), HistoryError> {
    let beside = to.with_extension("part");
    let open = |source| HistoryError::Open { path: beside.clone(), source };
    let io = |source| HistoryError::Io { path: beside.clone(), source };
    let _ = fs::remove_file(&beside);
    drop(private_file(&beside).map_err(io)?);
    let mut target = db::write(&beside).map_err(open)?;
    Backup::new(from, &mut target).and_then(|b| b.run_to_completion(STEP_PAGES, STEP_PAUSE, None)).map_err(open)?;
    // The copied header says WAL; a copy is one file.
    target.pragma_update(None, "journal_mode", "delete").map_err(open)?;
    drop(target);
    File::open(&beside).and_then(|f| f.sync_all()).map_err(io)?;
    fs::rename(&beside, to).map_err(io)?;
    sync_folder(to).map_err(io)
}

/// A new empty file that its owner alone can read.
pub fn private_file(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

/// A rename is only certain once the folder is synced.
pub fn sync_folder(of: &Path) -> io::Result<()> {
    of.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
