//! Connections, set so that a file from elsewhere can do nothing.

use super::schema::{self, Identity};
use crate::sys::disk;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How long a write waits for another ingle's: longer than any transaction of ours takes.
const BUSY: Duration = Duration::from_secs(5);

pub fn read(path: &Path) -> rusqlite::Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// For what can be read of a damaged file: a length that does not fit its header is passed over, as SQLite does only
/// where the schema may be mended.
pub fn read_damaged(path: &Path) -> rusqlite::Result<Connection> {
    let db = read(path)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
    db.pragma_update(None, "writable_schema", true)?;
    Ok(db)
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    // One thread uses each connection; a path is no URI, whatever it is called.
    let db = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(BUSY)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    db.pragma_update(None, "cell_size_check", true)?;
    db.pragma_update(None, "mmap_size", 0)?;
    Ok(db)
}

/// Ready to write, with the journal that the disk allows.
pub fn write(path: &Path) -> rusqlite::Result<Connection> {
    let db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    db.pragma_update(None, "synchronous", "FULL")?;
    #[cfg(target_os = "macos")]
    {
        // fsync alone leaves the data in the drive's memory there.
        db.pragma_update(None, "fullfsync", true)?;
        db.pragma_update(None, "checkpoint_fullfsync", true)?;
    }
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "secure_delete", true)?;
    Ok(db)
}

/// WAL, or where other machines may reach the file DELETE: a WAL's index is memory that only one machine shares.
/// Changing it asks for the file alone and does not wait by itself, so this tries for as long as a write would.
pub fn set_journal(db: &Connection, path: &Path) -> rusqlite::Result<()> {
    const STEP: Duration = Duration::from_millis(20);
    let wanted = if network(path).is_some() { "delete" } else { "wal" };
    let mut left = BUSY;
    loop {
        match db.pragma_update_and_check(None, "journal_mode", wanted, |r| r.get::<_, String>(0)) {
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && !left.is_zero() => {
                std::thread::sleep(STEP);
                left = left.saturating_sub(STEP);
            }
            other => return other.map(drop),
        }
    }
}

/// The network file system that the database lies on.
pub fn network(path: &Path) -> Option<&'static str> {
    disk::network(path.parent()?)
}

/// What a file says it is, asked without writing to it. A rollback journal or a WAL that must be recovered first can
/// only be read by one who may write: then nothing but that recovery is allowed.
pub fn identify(path: &Path) -> rusqlite::Result<Identity> {
    read(path).and_then(|db| schema::identity(&db)).or_else(|_| {
        let db = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        db.pragma_update(None, "query_only", true)?;
        schema::identity(&db)
    })
}

/// The first thing that is wrong with the file's structure.
pub fn quick_check(db: &Connection) -> rusqlite::Result<Option<String>> {
    let said: String = db.query_row("PRAGMA quick_check(1)", (), |r| r.get(0))?;
    Ok((said != "ok").then_some(said))
}

/// Writes the WAL back and empties it. Another ingle that reads may stand in the way; then it does so later.
pub fn checkpoint(db: &Connection) -> rusqlite::Result<()> {
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
}
