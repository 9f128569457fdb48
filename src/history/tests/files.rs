//! What lies on the disk: versions, damage, foreign files, leftovers.

use super::*;
use crate::history::{backup, db, schema, spot};
use rusqlite::Connection;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

fn error(home: &tempfile::TempDir) -> String {
    match open(home) {
        Ok(_) => panic!("it opened"),
        Err(error) => error.report().to_string(),
    }
}

fn file(home: &tempfile::TempDir) -> PathBuf {
    folders(home).history_file()
}

#[test]
fn what_is_ours_is_ours_alone() {
    let mut house = House::new();
    house.ask("x");
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(file(&house.home)), 0o600);
    let wal = house.home.path().join("history.db-wal");
    assert_eq!(mode(wal.clone()), 0o600);
    let home = house.close();
    assert!(!wal.exists(), "the log is written back when the last one leaves");
    let db = Connection::open(file(&home)).unwrap();
    let said = |name: &str| db.pragma_query_value(None, name, |r| r.get::<_, i32>(0)).unwrap();
    assert_eq!((said("application_id"), said("user_version")), (schema::APPLICATION_ID, schema::version()));
    assert_eq!(fs::read_dir(folders(&home).running()).unwrap().count(), 0, "the lock file is gone");
}

#[test]
fn a_foreign_database_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let db = Connection::open(file(&home)).unwrap();
    db.execute_batch("CREATE TABLE cookies (a); PRAGMA application_id = 5;").unwrap();
    drop(db);
    let before = fs::read(file(&home)).unwrap();
    assert!(error(&home).contains("is another program's database. Move it away"));
    assert!(matches!(Reader::open(&folders(&home)), Err(HistoryError::Foreign { .. })));
    assert_eq!(fs::read(file(&home)).unwrap(), before);
}

#[test]
fn a_foreign_trigger_or_view_is_refused() {
    for sql in
        ["CREATE TRIGGER evil AFTER INSERT ON node BEGIN DELETE FROM node; END", "CREATE VIEW evil AS SELECT 1", "CREATE TABLE evil (a)"]
    {
        let mut house = House::new();
        house.ask("x");
        let home = house.close();
        Connection::open(file(&home)).unwrap().execute_batch(sql).unwrap();
        assert!(error(&home).contains("holds evil, which this version of ingle did not make"), "{sql}");
        assert!(matches!(Reader::open(&folders(&home)), Err(HistoryError::Schema { .. })));
    }
}

#[test]
fn a_newer_database_is_read_and_not_written() {
    let mut house = House::new();
    let (id, _) = house.ask("from the future");
    let home = house.close();
    Connection::open(file(&home)).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let house = House::at(home);
    assert!(house.opened.is_read_only);
    assert!(house.opened.notes[0].to_string().contains("was written by a newer ingle (version 99, this one knows 1). It can be read"));
    assert_eq!(house.conversation(id).tree.len(), 1);
    let refused = house.history.as_ref().unwrap().write(Write::Star { conversation: id, starred: true });
    assert!(matches!(refused, Err(HistoryEvent::Refused { .. })));
    let home = house.close();
    assert_eq!(Reader::open(&folders(&home)).unwrap().unwrap().conversations(9).unwrap().len(), 1);
}

#[test]
fn every_earlier_version_opens() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/history");
    for version in 1..=schema::version() {
        let home = tempfile::tempdir().unwrap();
        fs::copy(fixtures.join(format!("v{version}.db")), file(&home)).unwrap_or_else(|e| panic!("no fixture of version {version}: {e}"));
        let house = House::at(home);
        assert_eq!(house.opened.notes, [], "version {version}");
        let rows = house.reader().conversations(9).unwrap();
        assert_eq!(rows.iter().map(|r| r.title.as_str()).collect::<Vec<_>>(), ["What is an ingle?"]);
        let found = house.conversation(rows[0].id);
        let said: Vec<&str> = found.tree.path(rows[0].tip.unwrap()).iter().map(|n| n.content.as_str()).collect();
        assert_eq!(said, ["What is an ingle?", "The fire kept in a house."]);
        assert_eq!(house.opened.interrupted.len(), 1, "its answer was never ended");
        assert_eq!(house.reader().search("ingle", 9).unwrap().len(), 1);
    }
}

/// Writes the fixture of the version that is newest now; run once when a version is released.
#[test]
#[ignore = "writes tests/fixtures/history; run with UPDATE=1 for a new version"]
fn writes_the_fixture_of_this_version() {
    let to = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/history/v{}.db", schema::version()));
    assert!(std::env::var_os("UPDATE").is_some() && !to.exists(), "a fixture is never changed");
    let mut house = House::new();
    let at = house.ask("What is an ingle?");
    let node = house.node();
    house.stored(Write::Begin(new(node, at.0, Some(at.1), Role::Assistant, "")));
    house.write(grow(node, "The fire kept in a house."));
    let home = house.close();
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(file(&home), to).unwrap();
}

#[test]
fn migrations_run_in_order_once_and_whole() {
    let mut db = Connection::open_in_memory().unwrap();
    let (first, second) = ("CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES (1, 2)");
    schema::migrate(&mut db, &[first]).unwrap();
    schema::migrate(&mut db, &[first, second]).unwrap();
    schema::migrate(&mut db, &[first, second]).unwrap();
    assert_eq!(db.query_row("SELECT count(*) FROM a", (), |r| r.get::<_, i32>(0)).unwrap(), 1);
    schema::migrate(&mut db, &[first, second, "CREATE TABLE b (x); CREATE TABLE a (x)"]).unwrap_err();
    let identity = schema::identity(&db).unwrap();
    assert_eq!((identity.version, identity.application_id), (2, schema::APPLICATION_ID));
    assert_eq!(db.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'b'", (), |r| r.get::<_, i32>(0)).unwrap(), 0);
}

/// Many messages on the disk, and a copy of them in the backups.
fn full() -> (tempfile::TempDir, usize) {
    const N: usize = 200;
    let mut house = House::new();
    for i in 0..N {
        house.ask(&format!("message {i} {}", "lorem ipsum ".repeat(40)));
    }
    (house.close(), N)
}

#[test]
fn a_damaged_file_is_set_aside_and_what_can_be_read_is_kept() {
    for kind in ["cut", "scribbled", "no database"] {
        let (home, n) = full();
        let path = file(&home);
        let mut bytes = fs::read(&path).unwrap();
        match kind {
            "cut" => bytes.truncate(bytes.len() * 3 / 4),
            "scribbled" => bytes[8192..16384].fill(0xA5),
            _ => bytes[..16].fill(0),
        }
        fs::write(&path, &bytes).unwrap();
        // Only a file that is cut shows it at once; the others are found by the check, which is due.
        let _ = fs::remove_file(home.path().join("history.checked"));
        let house = House::at(home);
        let note = house.opened.notes[0].to_string();
        assert!(note.contains("was damaged (") && note.contains("is now") && note.contains("history-damaged-"), "{note}");
        let left = house.reader().conversations(1000).unwrap().len();
        eprintln!("{kind}: {left} of {n} conversations read");
        assert!(kind == "no database" || left > 0, "{kind}: {left} of {n} left");
        let aside = house.opened.notes[0].offender.clone().unwrap();
        assert_eq!(fs::read(aside).unwrap(), bytes, "{kind}: the damaged file itself is not touched");
        let mut house = House::at(house.close());
        assert_eq!(house.opened.notes, [], "said once");
        house.ask("goes on");
        let db = db::read(&file(&house.home)).unwrap();
        assert_eq!(db.query_row("PRAGMA integrity_check", (), |r| r.get::<_, String>(0)).unwrap(), "ok");
        db.execute_batch("PRAGMA foreign_key_check").unwrap();
    }
}

#[test]
fn a_damaged_file_is_replaced_by_the_newest_backup() {
    let (home, n) = full();
    let from = db::read(&file(&home)).unwrap();
    backup::make(&from, &folders(&home).backups(), NOW).unwrap();
    drop(from);
    let bytes = vec![0; 4096];
    fs::write(file(&home), bytes).unwrap();
    let house = House::at(home);
    assert!(house.opened.notes[0].to_string().contains(&format!("{n} from the newest backup")));
    assert_eq!(house.reader().conversations(1000).unwrap().len(), n);
}

#[test]
fn a_damaged_file_that_another_ingle_uses_stays() {
    let mut house = House::new();
    house.ask("x");
    fs::write(house.home.path().join("history.checked"), "damaged").unwrap();
    // Its first bytes alone: the rest may change under the other one's hands.
    let begin_with = |bytes: &[u8; 16]| fs::File::options().write(true).open(file(&house.home)).unwrap().write_all(bytes).unwrap();
    begin_with(&[0; 16]);
    assert!(error(&house.home).contains("another running ingle still uses it. Close the other ingle"));
    begin_with(b"SQLite format 3\0");
    house.ask("and the other goes on");
}

#[test]
fn three_backups_are_kept_and_one_is_made_each_week() {
    let mut house = House::new();
    house.ask("x");
    let home = house.close();
    let folder = folders(&home).backups();
    let spot = spot::Spot::new(&folders(&home));
    for week in 1..=5 {
        assert!(!spot.care(NOW + week * backup::WEEK_MS, false).unwrap());
        assert!(!spot.care(NOW + week * backup::WEEK_MS + 1000, false).unwrap(), "not twice");
    }
    let kept = backup::all(&folder);
    let names: Vec<_> = kept.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["history-20260122T000000000Z.db", "history-20260129T000000000Z.db", "history-20260205T000000000Z.db"]);
    let copy = Connection::open(&kept[2]).unwrap();
    assert_eq!(copy.query_row("SELECT content FROM node", (), |r| r.get::<_, String>(0)).unwrap(), "x");
    assert_eq!(fs::metadata(&kept[2]).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_is_deleted_is_in_no_file_any_more() {
    const SECRET: &str = "xyzzyplugh";
    let mut house = House::new();
    let (id, node) = house.ask(SECRET);
    house.answer((id, node), &format!("about {SECRET}"));
    house.ask("something else");
    let from = db::read(&file(&house.home)).unwrap();
    backup::make(&from, &house.folders().backups(), 1).unwrap();
    drop(from);
    house.stored(Write::Delete { conversation: id });
    assert!(house.reader().search(SECRET, 9).unwrap().is_empty());
    let home = house.close();
    let mut folders = vec![home.path().to_owned()];
    let mut n_files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => {
                    n_files += 1;
                    let bytes = fs::read(&path).unwrap();
                    assert!(!bytes.windows(SECRET.len()).any(|w| w.eq_ignore_ascii_case(SECRET.as_bytes())), "{}", path.display());
                }
            }
        }
    }
    assert!(n_files >= 2, "the database and its backup");
    assert_eq!(backup::all(&home.path().join("backups")).len(), 1, "made anew");
}

#[test]
fn an_unwritable_folder_is_one_sentence() {
    let home = tempfile::tempdir().unwrap();
    // A file where the folder should be stops root as well, whom no mode stops.
    let blocked = Folders::within(&home.path().join("file/ingle"));
    fs::write(home.path().join("file"), "").unwrap();
    let said = History::open(&blocked, NOW, |_| {}).err().unwrap().report().to_string();
    assert!(said.ends_with("cannot be made a folder. Make it writable, or set INGLE_HOME to another folder."), "{said}");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(file(&folder)).unwrap();
    let said = error(&folder);
    assert!(said.contains("history.db cannot be") && said.contains("INGLE_HOME"), "{said}");
}

#[test]
fn where_nothing_was_stored_there_is_nothing_to_read() {
    let home = tempfile::tempdir().unwrap();
    assert!(Reader::open(&folders(&home)).unwrap().is_none());
    fs::write(file(&home), "").unwrap();
    assert!(Reader::open(&folders(&home)).unwrap().is_none());
    assert!(fs::read_dir(home.path()).unwrap().count() == 1, "reading makes nothing");
}

#[test]
fn many_ingles_may_start_at_once() {
    let home = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        let starts: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let (history, opened, told) = open(&home).unwrap();
                    assert_eq!(opened, Opened::default());
                    let id = ConversationId::new(NOW, random());
                    history.write(Write::Message(new(NodeId::new(NOW, random()), id, None, Role::User, "hi"))).unwrap();
                    let event = told.recv_timeout(PATIENCE).unwrap();
                    assert!(matches!(event, HistoryEvent::Stored(_)), "{event:?}");
                    history.close(PATIENCE).unwrap();
                })
            })
            .collect();
        starts.into_iter().for_each(|s| s.join().unwrap());
    });
    assert_eq!(Reader::open(&folders(&home)).unwrap().unwrap().conversations(99).unwrap().len(), 6);
}
