//! A damaged file is set aside, never written to; the newest backup takes its place, and what can still be read of the
//! damaged one is added.

use super::error::is_damage;
use super::schema::{self, APPLICATION_ID, MIGRATIONS};
use super::spot::Spot;
use super::{HistoryError, backup, db, title};
use crate::protocol::Report;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// What is copied of each table: name, key in whose order it can be read from either end, columns.
const TABLES: &[(&str, &str, &[&str])] = &[
    ("model", "fingerprint", &["fingerprint", "sha256", "name", "path", "facts"]),
    ("conversation", "id", &["id", "title", "renamed", "folder", "starred", "persona", "settings", "tip", "created", "updated"]),
    (
        "node",
        "n",
        &[
            "id",
            "conversation",
            "parent",
            "role",
            "created",
            "status",
            "content",
            "thinking",
            "tokens",
            "attachments",
            "model",
            "settings",
            "statistics",
            "finish",
            "report",
            "owner",
        ],
    ),
];

/// `history.db` with `-wal`.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

pub fn rescue(spot: &Spot, how: &str, now_ms: u64) -> Result<Report, HistoryError> {
    let aside = spot.path.with_file_name(format!("history-damaged-{}.db", backup::stamp(now_ms)));
    for suffix in ["-wal", "-shm", "-journal", ""] {
        let (from, to) = (beside(&spot.path, suffix), beside(&aside, suffix));
        if from.exists() {
            fs::rename(&from, &to).map_err(|source| HistoryError::Io { path: from, source })?;
        }
    }
    let from_backup = bring_back(spot)?;
    let open = |source| HistoryError::Open { path: spot.path.clone(), source };
    if !spot.path.exists() {
        drop(backup::private_file(&spot.path).map_err(|source| HistoryError::Io { path: spot.path.clone(), source })?);
    }
    let mut new = db::write(&spot.path).map_err(open)?;
    schema::migrate(&mut new, MIGRATIONS).map_err(open)?;
    let before = count(&new).map_err(open)?;
    salvage(&aside, &mut new).map_err(open)?;
    let after = count(&new).map_err(open)?;
    spot.note_whole(now_ms);
    let source = if from_backup {
        format!("{before} from the newest backup and {} read out of it", after - before)
    } else {
        format!("{after} read out of it")
    };
    let what =
        format!("{} was damaged ({how}) and is now {}; the new one holds {after} messages: {source}", spot.path.display(), aside.display());
    Ok(Report::new(what, "Keep the damaged file until you know that nothing is missing").offender(aside.display().to_string()))
}

/// Copies the newest backup that is whole into the place of the database.
fn bring_back(spot: &Spot) -> Result<bool, HistoryError> {
    for path in backup::all(&spot.backups).iter().rev() {
        let Ok(db) = db::read(path) else { continue };
        let is_ours = schema::identity(&db).is_ok_and(|i| i.application_id == APPLICATION_ID && i.version <= schema::version());
        if is_ours && matches!(db::quick_check(&db), Ok(None)) {
            backup::copy(&db, &spot.path)?;
            return Ok(true);
        }
    }
    Ok(false)
}

fn count(db: &Connection) -> rusqlite::Result<u64> {
    db.query_row("SELECT count(*) FROM node", (), |r| r.get::<_, i64>(0)).map(|n| u64::try_from(n).unwrap_or(0))
}

/// Adds what can be read, row by row. A row that breaks a rule of the schema is left behind.
fn salvage(from: &Path, into: &mut Connection) -> rusqlite::Result<()> {
    let Ok(old) = db::read_damaged(from) else { return Ok(()) };
    into.pragma_update(None, "foreign_keys", false)?;
    let work = into.transaction()?;
    for (table, key, columns) in TABLES {
        copy(&old, &work, table, key, columns)?;
    }
    mend(&work)?;
    work.commit()?;
    into.pragma_update(None, "foreign_keys", true)
}

fn copy(old: &Connection, new: &Connection, table: &str, key: &str, columns: &[&str]) -> rusqlite::Result<()> {
    let list = columns.join(", ");
    let slots = vec!["?"; columns.len()].join(", ");
    let sets = columns[1..].iter().map(|c| format!("{c} = excluded.{c}")).collect::<Vec<_>>().join(", ");
    let unique = columns[0];
    let mut insert = new.prepare(&format!("INSERT INTO {table} ({list}) VALUES ({slots}) ON CONFLICT ({unique}) DO UPDATE SET {sets}"))?;
    // From either end up to the place that is broken.
    for order in ["ASC", "DESC"] {
        let Ok(mut select) = old.prepare(&format!("SELECT {list} FROM {table} NOT INDEXED ORDER BY {key} {order}")) else { return Ok(()) };
        let mut rows = select.query(())?;
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    let values: rusqlite::Result<Vec<Value>> = (0..columns.len()).map(|i| row.get(i)).collect();
                    let stored = values.and_then(|values| insert.execute(params_from_iter(values)));
                    if let Err(error) = stored
                        && !matches!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::ConstraintViolation))
                        && !is_damage(&error)
                    {
                        return Err(error);
                    }
                }
                Ok(None) => return Ok(()),
                Err(_) => break,
            }
        }
    }
    Ok(())
}

/// What hung on rows that could not be read: a message without its parent is a root, one without its conversation gets
/// a new one.
fn mend(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "INSERT INTO conversation (id, created, updated)
            SELECT conversation, min(created), max(created) FROM node
            WHERE conversation NOT IN (SELECT id FROM conversation) GROUP BY conversation;
        UPDATE node SET parent = NULL WHERE parent IS NOT NULL AND parent NOT IN (SELECT id FROM node);
        UPDATE conversation SET tip = NULL WHERE tip NOT IN (SELECT id FROM node);",
    )?;
    let sql = "SELECT c.id, (SELECT content FROM node WHERE conversation = c.id AND role = 'user' ORDER BY id LIMIT 1)
        FROM conversation c WHERE title = ''";
    let mut untitled = db.prepare(sql)?;
    let rows: Vec<(uuid::Uuid, Option<String>)> = untitled.query_map((), |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<Result<_, _>>()?;
    for (id, first) in rows {
        db.execute("UPDATE conversation SET title = ?2 WHERE id = ?1", (id, title::of(&first.unwrap_or_default())))?;
    }
    Ok(())
}
