//! Opening: whose file it is, whether it is whole, which version it has, and what was interrupted.

use super::error::is_damage;
use super::schema::{self, APPLICATION_ID, MIGRATIONS};
use super::spot::{Check, Spot};
use super::{HistoryError, Interrupted, backup, db, owner, rescue};
use crate::config::create_private;
use crate::protocol::{ConversationId, NodeId, Report};
use rusqlite::{Connection, TransactionBehavior};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Opened {
    /// What a person should be told.
    pub notes: Vec<Report>,
    /// Answers that were growing when their ingle went away, newest first.
    pub interrupted: Vec<Interrupted>,
    /// Nothing can be stored; a note says why.
    pub is_read_only: bool,
}

/// The database as opened.
pub enum Ready {
    Write(Connection, Check),
    /// Written by a newer ingle, or write-protected.
    Read(HistoryError),
}

enum Trouble {
    Damaged(String),
    Other(HistoryError),
}

impl From<HistoryError> for Trouble {
    fn from(error: HistoryError) -> Self {
        Trouble::Other(error)
    }
}

/// The folders, before anything in them is locked.
pub fn create_folders(spot: &Spot) -> Result<(), HistoryError> {
    if let Some(folder) = spot.path.parent() {
        create_private(folder)?;
    }
    Ok(create_private(&spot.running)?)
}

/// Called by one ingle at a time.
pub fn prepare(spot: &Spot, now_ms: u64, notes: &mut Vec<Report>) -> Result<Ready, HistoryError> {
    match attempt(spot, now_ms) {
        Ok(ready) => Ok(ready),
        Err(Trouble::Other(error)) => Err(error),
        Err(Trouble::Damaged(how)) => {
            if owner::anyone(&spot.running) {
                return Err(HistoryError::DamagedInUse { path: spot.path.clone() });
            }
            notes.push(rescue::rescue(spot, &how, now_ms)?);
            attempt(spot, now_ms).map_err(|trouble| match trouble {
                Trouble::Other(error) => error,
                Trouble::Damaged(how) => HistoryError::Io { path: spot.path.clone(), source: io::Error::other(how) },
            })
        }
    }
}

fn attempt(spot: &Spot, now_ms: u64) -> Result<Ready, Trouble> {
    let path = &spot.path;
    let sql = |source: rusqlite::Error| match is_damage(&source) {
        true => Trouble::Damaged(source.to_string()),
        false => Trouble::Other(HistoryError::Open { path: path.clone(), source }),
    };
    create_if_missing(path).map_err(|source| HistoryError::Io { path: path.clone(), source })?;
    if let Some(how) = cut(path).map_err(|source| HistoryError::Io { path: path.clone(), source })? {
        return Err(Trouble::Damaged(how));
    }
    let identity = db::identify(path).map_err(sql)?;
    let is_new = identity.is_empty && identity.application_id == 0;
    if !is_new && identity.application_id != APPLICATION_ID {
        return Err(HistoryError::Foreign { path: path.clone() }.into());
    }
    let known = schema::version();
    if identity.version > known {
        return Ok(Ready::Read(HistoryError::Newer { path: path.clone(), found: identity.version, known }));
    }
    let mut writing = db::write(path).map_err(sql)?;
    if writing.is_readonly("main").map_err(sql)? {
        let source = io::ErrorKind::ReadOnlyFilesystem.into();
        return Ok(Ready::Read(HistoryError::Io { path: path.clone(), source }));
    }
    if !is_new && let Some(name) = schema::stranger(&writing, identity.version).map_err(sql)? {
        return Err(HistoryError::Schema { path: path.clone(), name }.into());
    }
    let check = spot.check_due(now_ms);
    if check == Check::Now {
        if let Some(how) = db::quick_check(&writing).map_err(sql)? {
            return Err(Trouble::Damaged(how));
        }
        spot.note_whole(now_ms);
    }
    if identity.version < known {
        if !is_new {
            backup::make(&writing, &spot.backups, now_ms)?;
        }
        schema::migrate(&mut writing, MIGRATIONS).map_err(sql)?;
    }
    db::set_journal(&writing, path).map_err(sql)?;
    Ok(Ready::Write(writing, check))
}

/// SQLite would make the file readable to all; two ingles may both find it missing.
fn create_if_missing(path: &Path) -> io::Result<()> {
    match backup::private_file(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

/// What is visibly wrong with the file: not SQLite's, or shorter than its header says. With a journal or WAL beside it
/// the file alone says nothing of its length.
fn cut(path: &Path) -> io::Result<Option<String>> {
    const HEADER_BYTES: usize = 100;
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let mut header = Vec::with_capacity(HEADER_BYTES);
    let file = File::open(path)?;
    let n_bytes = file.metadata()?.len();
    file.take(HEADER_BYTES as u64).read_to_end(&mut header)?;
    let is_there = |suffix: &str| fs::metadata(rescue::beside(path, suffix)).is_ok_and(|m| m.len() > 0);
    if header.is_empty() {
        return Ok(None);
    }
    if !header.starts_with(MAGIC) || header.len() < HEADER_BYTES {
        return Ok(Some("it is no database".to_owned()));
    }
    // Offsets of SQLite's file format, section 1.3: page size (1 stands for 65,536), size in pages, and whether that
    // size is to be trusted.
    let number = |at: usize| header.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes);
    let page_bytes = match number(16) >> 16 {
        1 => 65536,
        n => u64::from(n),
    };
    let wanted = u64::from(number(28)) * page_bytes;
    let is_trusted = number(24) == number(92) && !is_there("-wal") && !is_there("-journal");
    Ok((is_trusted && n_bytes < wanted).then(|| format!("it ends after {n_bytes} of {wanted} bytes")))
}

/// Streaming rows whose ingle is gone become nobody's: interrupted. In one transaction, so that of two ingles that
/// start one does it.
pub fn claim(db: &mut Connection, running: &Path) -> rusqlite::Result<()> {
    let is_dead = |owner: &String| !owner::is_live(running, owner);
    if !owners(db)?.iter().any(is_dead) {
        return Ok(());
    }
    let work = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for owner in owners(&work)?.iter().filter(|o| is_dead(o)) {
        work.execute("UPDATE node SET owner = NULL WHERE status = 'streaming' AND owner = ?1", [owner])?;
    }
    work.commit()
}

fn owners(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut rows = db.prepare("SELECT DISTINCT owner FROM node WHERE status = 'streaming' AND owner IS NOT NULL")?;
    rows.query_map((), |r| r.get(0))?.collect()
}

pub fn interrupted(db: &Connection) -> rusqlite::Result<Vec<Interrupted>> {
    let sql = "SELECT node.conversation, node.id, node.created FROM node JOIN conversation ON tip = node.id
        WHERE status = 'streaming' AND owner IS NULL ORDER BY node.created DESC, node.id DESC";
    let mut rows = db.prepare(sql)?;
    let row = |r: &rusqlite::Row<'_>| {
        let created_ms = u64::try_from(r.get::<_, i64>(2)?).unwrap_or(0);
        Ok(Interrupted { conversation: ConversationId(r.get(0)?), node: NodeId(r.get(1)?), created_ms })
    };
    rows.query_map((), row)?.collect()
}
