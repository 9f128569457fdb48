//! What was said, from the command line: `history list|search|show|export|rm`.

use super::Run;
use ingle::config::Folders;
use ingle::history::{History, HistoryEvent, NewNode, Write};
use ingle::protocol::{ConversationId, NodeId, Role, Settings};
use serde_json::Value;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

const NOW_MS: u64 = 1_770_000_000_000;
const PATIENCE: Duration = Duration::from_secs(30);

/// Stores one message as a conversation of its own, as the screen would.
fn say(home: &Path, n: u8, text: &str) -> ConversationId {
    let (sender, events) = mpsc::channel();
    let folders = Folders::within(&home.join("ingle"));
    let (history, _) = History::open(&folders, NOW_MS, move |event| drop(sender.send(event))).unwrap();
    let created_ms = NOW_MS + u64::from(n);
    let conversation = ConversationId::new(created_ms, [n; 10]);
    let message = NewNode {
        id: NodeId::new(created_ms, [n; 10]),
        conversation,
        parent: None,
        role: Role::User,
        created_ms,
        content: text.to_owned(),
        model: None,
        settings: Settings::default(),
    };
    history.write(Write::Message(message)).unwrap();
    while !matches!(events.recv_timeout(PATIENCE).unwrap(), HistoryEvent::Stored(_)) {}
    history.close(PATIENCE).unwrap();
    conversation
}

fn ingle(home: &Path, arguments: &[&str]) -> Run {
    Run::at(home, &[&["history"], arguments].concat())
}

#[test]
fn without_a_history_there_is_nothing_and_nothing_is_made() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(ingle(home.path(), &["list", "--json"]).answer().done().text(), "[]\n");
    assert_eq!(ingle(home.path(), &["search", "word", "--json"]).answer().done().text(), "[]\n");
    ingle(home.path(), &["show", "x"]).answer().failed(1, &["no conversation x", "ingle history list"]);
    ingle(home.path(), &["rm", "x"]).answer().failed(1, &["no conversation x"]);
    assert!(!home.path().join("ingle/history.db").exists());
}

#[test]
fn what_was_said_is_listed_found_shown_exported_and_deleted() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let soup = say(home, 1, "How do I make lentil soup?");
    say(home, 2, "Soup of the day\u{1b}]0;x\u{7}");
    let rows: Value = serde_json::from_slice(&ingle(home, &["list", "--json"]).answer().done().stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 2);
    let list = ingle(home, &["list"]).answer().done();
    assert!(list.text().contains("lentil") && !list.text().contains('\u{1b}'), "{}", list.text());
    let hits: Value = serde_json::from_slice(&ingle(home, &["search", "lentil", "--json"]).answer().done().stdout).unwrap();
    assert_eq!(hits[0]["conversation"], soup.0.to_string());
    assert!(ingle(home, &["show", "lentil"]).answer().done().text().contains("How do I make lentil soup?"));
    ingle(home, &["show", "soup"]).answer().failed(1, &["soup may mean"]);
    let file = home.join("out.json");
    ingle(home, &["export", &soup.0.to_string(), "-f", "json", "-o", file.to_str().unwrap()]).answer().done();
    let exported: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(exported["nodes"][0]["content"], "How do I make lentil soup?");
    ingle(home, &["export", "lentil", "-o", "/nowhere/x.md"]).answer().failed(1, &["/nowhere/x.md"]);
    ingle(home, &["rm", &soup.0.to_string()]).answer().done();
    ingle(home, &["show", "lentil"]).answer().failed(1, &["no conversation lentil"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_one_sentence() {
    let home = tempfile::tempdir().unwrap();
    let blocked = home.path().join("blocked");
    std::fs::write(&blocked, "a file where a folder should be").unwrap();
    let inside = blocked.join("ingle");
    Run::at(home.path(), &["models"]).env("INGLE_HOME", inside.to_str().unwrap()).answer().done();
    Run::at(home.path(), &["models"]).env("INGLE_HOME", "not/absolute").answer().failed(1, &["not/absolute", "INGLE_HOME"]);
}

#[test]
fn a_foreign_database_is_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("ingle")).unwrap();
    std::fs::write(home.path().join("ingle/history.db"), b"this is no database, it is a letter to somebody").unwrap();
    ingle(home.path(), &["list"]).answer().failed(1, &["history.db"]);
}
