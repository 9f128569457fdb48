//! The database's versions: numbered SQL files, applied in order, and what the result must look like.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// "ingl", in the file's header: whose database it is.
pub const APPLICATION_ID: i32 = 0x696E_676C;

/// Each brings the database from the version before to its own: the first makes version 1. Never changed once released.
pub const MIGRATIONS: &[&str] = &[include_str!("migrations/0001.sql")];

/// The version this ingle writes.
pub fn version() -> i32 {
    i32::try_from(MIGRATIONS.len()).expect("a handful of migrations")
}

/// What the header says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    pub application_id: i32,
    pub version: i32,
    pub is_empty: bool,
}

pub fn identity(db: &Connection) -> rusqlite::Result<Identity> {
    Ok(Identity {
        application_id: db.pragma_query_value(None, "application_id", |r| r.get(0))?,
        version: db.pragma_query_value(None, "user_version", |r| r.get(0))?,
        is_empty: db.query_row("SELECT count(*) = 0 FROM sqlite_schema", (), |r| r.get(0))?,
    })
}

/// Brings a database to the newest version, all or nothing. Two ingles may do this at once: the second finds it done.
pub fn migrate(db: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    let work = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let at = usize::try_from(identity(&work)?.version).unwrap_or(0);
    apply(&work, migrations, at)?;
    work.commit()
}

fn apply(work: &Transaction<'_>, migrations: &[&str], at: usize) -> rusqlite::Result<()> {
    for (version, sql) in (1..).zip(migrations).skip(at) {
        work.execute_batch(sql)?;
        work.pragma_update(None, "user_version", version)?;
    }
    work.pragma_update(None, "application_id", APPLICATION_ID)
}

/// The first table, index, view or trigger that is not as this version of ingle made it, by name; a foreign trigger
/// would run with every write.
pub fn stranger(db: &Connection, version: i32) -> rusqlite::Result<Option<String>> {
    let mut own = Connection::open_in_memory()?;
    migrate(&mut own, &MIGRATIONS[..usize::try_from(version).unwrap_or(0).min(MIGRATIONS.len())])?;
    let (wanted, found) = (objects(&own)?, objects(db)?);
    let differs = found.iter().find(|o| !wanted.contains(o)).or_else(|| wanted.iter().find(|o| !found.contains(o)));
    Ok(differs.map(|(name, _)| name.clone()))
}

/// Name and text of all that the schema holds, but for SQLite's own statistics.
fn objects(db: &Connection) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    let mut rows =
        db.prepare("SELECT name, type || coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\'")?;
    let objects = rows.query_map((), |r| Ok((r.get(0)?, r.get(1)?)))?;
    objects.collect()
}
