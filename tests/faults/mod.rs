//! What happens when the machine or another program gets in the way. Each child is this test binary again, running one
//! ignored test in a process of its own that may be killed.

mod disk_errors;
mod disk_full;
mod hostile;
mod leaving;
mod neighbours;
mod power_cut;
mod trace;

use ingle::config::Folders;
use ingle::history::{End, History, HistoryEvent, NewNode, Receipt, Write};
use ingle::protocol::{Channel, ConversationId, FinishReason, NodeId, Role, Settings};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Where a child's history lies.
const HOME: &str = "INGLE_TEST_HOME";
const PATIENCE: Duration = Duration::from_secs(60);
const NOW: u64 = 1_767_225_600_000; // 2026-01-01

/// Starts an ignored test of this binary as a process of its own.
fn child(test: &str, home: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its own file"));
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]).env(HOME, home);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("the test binary runs")
}

/// The history a child was told of, with what it tells.
fn open(home: &Path) -> (History, Receiver<HistoryEvent>) {
    let (tell, told) = channel();
    let (history, _) = History::open(&Folders::within(home), NOW, move |event| drop(tell.send(event))).expect("the history opens");
    (history, told)
}

fn child_home() -> std::path::PathBuf {
    std::env::var_os(HOME).expect("only run by another test").into()
}

fn conversation() -> ConversationId {
    ConversationId(uuid::Uuid::now_v7())
}

fn message(conversation: ConversationId, parent: Option<NodeId>, role: Role, content: &str) -> NewNode {
    let id = NodeId(uuid::Uuid::now_v7());
    let settings = Settings::default();
    NewNode { id, conversation, parent, role, created_ms: NOW, content: content.to_owned(), model: None, settings }
}

fn grow(node: NodeId, text: &str) -> Write {
    Write::Grow { node, channel: Channel::Answer, text: text.to_owned(), tokens: Vec::new() }
}

fn end(node: NodeId) -> Write {
    Write::End { node, end: End::Finished(FinishReason::Done), statistics: None }
}

/// Waits until exactly this is stored.
fn stored(told: &Receiver<HistoryEvent>, receipt: &Receipt) {
    let event = told.recv_timeout(PATIENCE).expect("the history answers");
    assert_eq!(event, HistoryEvent::Stored(receipt.clone()));
}

fn integrity(home: &Path) -> String {
    let db = rusqlite::Connection::open(Folders::within(home).history_file()).expect("the database opens");
    db.query_row("PRAGMA integrity_check", (), |r| r.get(0)).expect("the database can be checked")
}
