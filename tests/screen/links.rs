//! Links in an answer reach the terminal as links; what only looks like one does not.

use super::Home;
use ingle::config::Folders;
use ingle::history::{End, History, HistoryEvent, NewNode, Receipt, Write};
use ingle::protocol::{Channel, ConversationId, FinishReason, NodeId, Role, Settings};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

const NOW_MS: u64 = 1_767_225_600_000; // 2026-01-01
const PATIENCE: Duration = Duration::from_secs(60);
const ANSWER: &str = "Read [the page](https://example.org/one) or https://example.org/two, \
                      [a wide 世界](http://example.org/three?a=b#c).\n\n\
                      Not [run](javascript:alert(1)), [file](file:///etc/passwd), [mail](mailto:a@b.c), \
                      [posing](https://known.org@evil.example/), [copy](<https://evil.example/\u{1b}]52;c;aGk=\u{7}>), \
                      [turned](https://exa\u{202e}mple.org/), [c1](https://evil\u{9d}8.example/) \
                      or \u{1b}]8;;file:///etc/passwd\u{1b}\\raw\u{1b}]8;;\u{1b}\\.\n\nThat is all.";

/// A conversation that was had before.
fn told(home: &Home) {
    let (tell, told) = std::sync::mpsc::channel();
    let folders = Folders::within(&home.path().join("ingle"));
    let (history, _) = History::open(&folders, NOW_MS, move |event| drop(tell.send(event))).expect("the history opens");
    let conversation = ConversationId(Uuid::now_v7());
    let node = |parent, role, content: &str| NewNode {
        id: NodeId(Uuid::now_v7()),
        conversation,
        parent,
        role,
        created_ms: NOW_MS,
        content: content.to_owned(),
        model: None,
        settings: Settings::default(),
    };
    let question = node(None, Role::User, "Where is it?");
    let answer = node(Some(question.id), Role::Assistant, "");
    let id = answer.id;
    let grow = Write::Grow { node: id, channel: Channel::Answer, text: ANSWER.to_owned(), tokens: Vec::new() };
    let end = Write::End { node: id, end: End::Finished(FinishReason::Done), statistics: None };
    for write in [Write::Message(question), Write::Begin(answer), grow, end] {
        history.write(write).expect("there is room");
    }
    while told.recv_timeout(PATIENCE).expect("all is stored") != HistoryEvent::Stored(Receipt::End(id)) {}
    history.close(PATIENCE).expect("all is stored");
}

/// Shows that conversation and gives every address that the terminal was told.
fn targets(home: &Home) -> BTreeSet<String> {
    let mut terminal = home.open(100, 30);
    terminal.until_text("That is all.");
    assert!(terminal.screen().contains("the page (https://example.org/one)"), "a link says where it leads: {}", terminal.screen());
    terminal.keys("<ctrl-d>");
    assert_eq!(terminal.ended(), 0);
    let bytes = terminal.bytes();
    let text = String::from_utf8_lossy(&bytes);
    let targets = text.split("\x1b]8;;").skip(1).filter_map(|rest| rest.split_once("\x1b\\"));
    targets.map(|(target, _)| target.to_owned()).filter(|target| !target.is_empty()).collect()
}

#[test]
fn links_of_an_answer_can_be_clicked_and_nothing_else_can() {
    let home = Home::new();
    told(&home);
    let expected = ["http://example.org/three?a=b#c", "https://example.org/one", "https://example.org/two"];
    assert_eq!(targets(&home), expected.map(str::to_owned).into());
}

#[test]
fn links_are_plain_text_where_that_is_wished() {
    let home = Home::new();
    told(&home);
    std::fs::write(home.path().join("ingle/config.toml"), "hyperlinks = false\n").expect("a file");
    assert_eq!(targets(&home), BTreeSet::new());
}
