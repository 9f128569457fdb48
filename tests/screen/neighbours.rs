//! Other ingles on the same history: one beside this one, and a newer one before it.

use super::{Home, Terminal};
use ingle::config::Folders;

#[test]
fn an_answer_that_another_ingle_writes_is_left_to_it() {
    let home = Home::new();
    let mut one = Terminal::slow(&home.path(), 80, 24);
    one.until("the guide is loaded", |s| s.contains("● "));
    one.keys("Tell me everything about ingle<enter>");
    one.until("it answers", |s| s.contains('▍'));
    let mut other = home.open(80, 24);
    other.until_text("▎ Tell me everything about ingle");
    assert!(!other.screen().contains("interrupted"), "{}", other.screen());
    other.keys("<ctrl-n>What do the gauges mean?<enter>");
    other.until_answered();
    one.until_answered();
    one.keys("<ctrl-x>q");
    other.keys("<ctrl-x>q");
    assert_eq!((one.ended(), other.ended()), (0, 0));
    let statuses = statuses(&home);
    assert_eq!(statuses, ["done", "done", "sent", "sent"]);
}

/// Of every message and answer, sorted.
fn statuses(home: &Home) -> Vec<String> {
    let db = rusqlite::Connection::open(history(home)).expect("the database opens");
    let mut rows = db.prepare("SELECT status FROM node ORDER BY status").expect("the table is there");
    rows.query_map((), |r| r.get(0)).expect("it can be read").map(|r| r.expect("a text")).collect()
}

fn history(home: &Home) -> std::path::PathBuf {
    Folders::within(&home.path().join("ingle")).history_file()
}

#[test]
fn what_a_newer_ingle_wrote_is_shown_and_not_written_to() {
    let home = Home::new();
    let mut before = home.open(80, 24);
    before.until_text("A small guide answers here");
    before.keys("What is ingle?<enter>");
    before.until_answered();
    before.keys("<ctrl-x>q");
    assert_eq!(before.ended(), 0);
    let db = rusqlite::Connection::open(history(&home)).expect("the database opens");
    db.pragma_update(None, "user_version", 99).expect("it can be written");
    db.close().expect("it closes");
    let bytes = std::fs::read(history(&home)).expect("it can be read");

    let mut terminal = home.open(80, 24);
    terminal.until("what was said, and a word", |s| s.contains("▎ What is ingle?") && s.contains("by a newer"));
    terminal.keys("What do the gauges mean?<enter>");
    terminal.until("what cannot be stored stays in the prompt", |s| {
        s.contains("› What do the gauges mean?") && s.contains("nothing is stored")
    });
    assert!(!terminal.screen().contains("▎ What do the gauges mean?"), "shown as sent:\n{}", terminal.screen());
    terminal.keys("<ctrl-c><ctrl-x>q");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(std::fs::read(history(&home)).expect("it can be read"), bytes);
}
