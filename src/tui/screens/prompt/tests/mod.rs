//! Key scripts of the prompt.

mod vi;

use crate::history::Write;
use crate::tui::app::{Action, Effect, Read, ReadAnswer};
use crate::tui::stage::Stage;

fn paste(stage: &mut Stage, text: &str) {
    stage.act(Action::Paste(text.to_owned()));
}

fn sent(stage: &mut Stage) -> String {
    stage.keys("<enter>");
    let message = stage.writes().into_iter().find_map(|w| if let Write::Message(m) = w { Some(m.content) } else { None });
    message.expect("a message was sent")
}

#[test]
fn a_long_paste_is_a_chip_and_is_sent_in_full() {
    let mut stage = Stage::ready(80, 24);
    let long = (1..=214).map(|n| format!("line {n}\n")).collect::<String>();
    stage.keys("look: ");
    paste(&mut stage, &long);
    assert_eq!(stage.app.prompt.text(), "look: [pasted 214 lines]");
    paste(&mut stage, &long);
    assert_eq!(stage.app.prompt.text(), "look: [pasted 214 lines][pasted 214 lines, 2]");
    stage.keys("<backspace>");
    assert_eq!(stage.app.prompt.text(), "look: [pasted 214 lines]", "a chip goes as a whole");
    assert_eq!(sent(&mut stage), format!("look: {}", long.trim_end()));
}

#[test]
fn a_chip_opens_into_text() {
    let mut stage = Stage::ready(80, 24);
    paste(&mut stage, &"one two\r\n".repeat(9));
    stage.keys("<ctrl-o>");
    assert_eq!(stage.app.prompt.text(), "one two\n".repeat(9));
}

#[test]
fn a_short_paste_is_what_it_looks_like() {
    let mut stage = Stage::ready(80, 24);
    paste(&mut stage, "a\u{1b}[31mb\u{202e}c");
    let text = stage.app.prompt.text();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    assert_eq!(sent(&mut stage), text);
}

#[test]
fn new_lines_by_backslash_and_by_key() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("one\\<enter>two<ctrl-j>three<alt-enter>four<shift-enter>");
    assert_eq!(stage.app.prompt.text(), "one\ntwo\nthree\nfour\n");
}

#[test]
fn up_and_down_go_by_screen_lines_then_through_what_was_typed() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("older", "a");
    stage.exchange("newer", "b");
    // 100 letters are two lines on a screen of 80 columns.
    stage.keys(&"x".repeat(100));
    stage.keys("<up>");
    assert!(stage.app.prompt.text().starts_with("xxx"));
    stage.keys("<up>");
    assert_eq!(stage.app.prompt.text(), "newer");
    stage.keys("<up>");
    assert_eq!(stage.app.prompt.text(), "older");
    stage.keys("<down><down>");
    assert_eq!(stage.app.prompt.text(), "x".repeat(100), "what was not sent comes back");
}

/// Text before and keys; text after. `|` is the cursor.
#[track_caller]
fn check(before: &str, keys: &str, after: &str) {
    let mut stage = Stage::ready(80, 24);
    stage.keys(before);
    stage.keys(keys);
    stage.keys("|");
    assert_eq!(stage.app.prompt.text(), after, "{before:?} {keys}");
}

#[test]
fn readline_keys_move_and_delete() {
    for (keys, after) in [
        ("<ctrl-a>", "|one two three"),
        ("<home><ctrl-f><right>", "on|e two three"),
        ("<ctrl-b><left>", "one two thr|ee"),
        ("<alt-b><alt-left>", "one |two three"),
        ("<ctrl-left><ctrl-left><ctrl-left>", "|one two three"),
        ("<ctrl-a><alt-f>", "one |two three"),
        ("<ctrl-a><ctrl-right><alt-right>", "one two |three"),
        ("<ctrl-a><ctrl-e>", "one two three|"),
        ("<ctrl-a><end>", "one two three|"),
        ("<ctrl-w>", "one two |"),
        ("<alt-backspace>", "one two |"),
        ("<ctrl-h><backspace>", "one two thr|"),
        ("<ctrl-a><ctrl-d><delete>", "|e two three"),
        ("<ctrl-a><alt-d>", "| two three"),
        ("<ctrl-a><ctrl-delete>", "| two three"),
        ("<alt-b><ctrl-u>", "|three"),
        ("<alt-b><ctrl-k>", "one two |"),
        ("<ctrl-v>", "one two three|"),
    ] {
        check("one two three", keys, after);
    }
}

#[test]
fn what_was_deleted_is_put_back_and_edits_are_undone() {
    check("one two three", "<ctrl-w><ctrl-a><ctrl-y>", "three|one two ");
    check("one two", "<ctrl-w>x<backspace><ctrl-y>", "one two|");
    check("one two", "<ctrl-u><ctrl-y><ctrl-y>", "one twoone two|");
    check("one two", "<ctrl-w><ctrl-w><ctrl-_>", "one |");
    check("one two", "<ctrl-w><ctrl-w><ctrl-7><ctrl-7>", "one two|");
    check("one two", "<ctrl-w><ctrl-_><alt-_>", "one |");
    check("one two", "<ctrl-w><ctrl-_><ctrl-x><ctrl-_>", "one |");
    let mut stage = Stage::ready(80, 24);
    stage.keys("one<ctrl-w><ctrl-c>");
    stage.keys("<ctrl-y>");
    assert_eq!(stage.app.prompt.text(), "one", "it outlives the text it was taken from");
}

#[test]
fn a_chip_goes_as_a_whole_from_either_side() {
    for keys in
        ["<backspace>", "<ctrl-w>", "<alt-backspace>", "<ctrl-a><delete>", "<ctrl-a><alt-d>", "<ctrl-a><ctrl-d>", "<left><left><delete>"]
    {
        let mut stage = Stage::ready(80, 24);
        paste(&mut stage, &"line\n".repeat(20));
        stage.keys(keys);
        assert_eq!(stage.app.prompt.text(), "", "{keys}");
    }
}

#[test]
fn send_with_alt_enter_changes_the_roles() {
    let mut stage = Stage::ready(80, 24);
    stage.app.keymap = crate::tui::keymap::Keymap::new(crate::config::SendWith::AltEnter);
    stage.keys("one<enter>two");
    assert_eq!((stage.app.prompt.text().as_str(), stage.writes().iter().any(|w| matches!(w, Write::Message(_)))), ("one\ntwo", false));
    stage.keys("<alt-enter>");
    assert!(stage.writes().iter().any(|w| matches!(w, Write::Message(m) if m.content == "one\ntwo")));
}

#[test]
fn a_first_slash_or_hash_opens_and_a_second_one_is_text() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("#");
    assert!(stage.text().contains("conversations"));
    assert!(stage.effects().contains(&Effect::Read(Read::Conversations)));
    stage.keys("# a heading");
    assert_eq!(stage.app.prompt.text(), "# a heading");
    assert_eq!(sent(&mut stage), "# a heading");
    stage.stored();
    stage.finish(crate::protocol::FinishReason::Done);
    stage.effects();
    stage.keys("C# and /new are text");
    assert_eq!(sent(&mut stage), "C# and /new are text");
}

#[test]
fn what_is_typed_after_a_hash_filters_before_the_list_was_read() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("#bread");
    let row = |n: u64, title: &str| crate::history::ConversationRow {
        id: crate::protocol::ConversationId::new(n, [0; 10]),
        title: title.to_owned(),
        starred: false,
        settings: crate::protocol::Settings::default(),
        tip: None,
        created_ms: n,
        updated_ms: n,
        n_nodes: 2,
    };
    stage.act(Action::Read(ReadAnswer::Conversations(vec![row(1, "tax letters"), row(2, "sourdough bread")])));
    stage.effects();
    stage.keys("<enter>");
    assert!(stage.effects().contains(&Effect::Read(Read::Conversation(row(2, "").id))));
    stage.keys("<ctrl-x>l<esc>");
    stage.act(Action::Read(ReadAnswer::Conversations(vec![row(1, "tax letters")])));
    assert!(stage.app.overlays.is_empty(), "a list that was closed does not come back");
    stage.keys("/resume tax<enter><enter>");
    assert!(stage.effects().contains(&Effect::Read(Read::Conversation(row(1, "").id))));
}

#[test]
fn what_was_typed_before_is_searched() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("how do gauges work", "a");
    stage.exchange("what is a quant", "b");
    stage.keys("<ctrl-r>gauge<enter>");
    assert_eq!(stage.app.prompt.text(), "how do gauges work");
}

#[test]
fn commands_complete_from_the_tables() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("/mod");
    let menu = stage.app.prompt.menu.clone().expect("a menu");
    assert_eq!(menu.candidates.iter().map(|c| c.line.as_str()).collect::<Vec<_>>(), ["/model ", "/models"]);
    stage.keys("<down><tab>");
    assert_eq!(stage.app.prompt.text(), "/models");
    stage.keys("<ctrl-c>/set cache_type_k <down><tab>");
    assert_eq!(stage.app.prompt.text(), "/set cache_type_k f16");
    stage.keys("<ctrl-c>/the<enter>");
    assert!(stage.text().contains("themes"), "Enter runs what needs no more");
    stage.keys("<esc>/s<esc>");
    assert!(stage.app.prompt.menu.is_none());
    stage.keys("e");
    assert!(stage.app.prompt.menu.is_some(), "it comes back with the next letter");
}

#[test]
fn the_offers_of_an_empty_conversation_are_asked_with_down_and_enter() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("<down><down><up><enter>");
    let offered = crate::tui::screens::conversation::offers(&stage.app)[0];
    assert!(stage.writes().iter().any(|w| matches!(w, Write::Message(m) if m.content == offered)));
}

#[test]
fn a_mebibyte_is_pasted_at_once() {
    let mut stage = Stage::ready(80, 24);
    paste(&mut stage, &"words and words\n".repeat(1 << 16));
    assert_eq!(stage.app.prompt.text(), "[pasted 65536 lines]");
}

#[test]
fn looks() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("/s");
    stage.screen("prompt_menu");
    stage.keys("<ctrl-c>first line\\<enter>second line, ");
    paste(&mut stage, &"pasted\n".repeat(20));
    stage.screen("prompt_many_lines");
}
