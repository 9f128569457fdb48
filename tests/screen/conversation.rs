//! Talking to the guide.

use super::{GUIDE, Home};
use std::fs;
use std::path::PathBuf;

#[test]
fn a_newcomer_opens_it_and_has_a_conversation_that_is_there_tomorrow() {
    let home = Home::new();
    let mut terminal = home.open(80, 24);
    terminal.until_text("A small guide answers here");
    terminal.keys("What is ingle?<enter>");
    terminal.until_text("you");
    terminal.until_answered();
    terminal.keys("<ctrl-d>");
    assert_eq!(terminal.ended(), 0);
    terminal.assert_given_back();

    let mut tomorrow = home.open(80, 24);
    tomorrow.until_text("What is ingle?");
    tomorrow.keys("<ctrl-n>");
    tomorrow.until_text("A small guide answers here");
    tomorrow.keys("<ctrl-x>l");
    tomorrow.until_text("conversations");
    tomorrow.keys("<enter>");
    tomorrow.until_answered();
}

#[test]
fn the_offered_questions_are_asked_with_down_and_enter() {
    let home = Home::new();
    let mut terminal = home.open(80, 24);
    terminal.until_text("What do the gauges mean?");
    terminal.keys("<down><down><enter>");
    terminal.until_answered();
    assert!(terminal.screen().contains("What do the gauges mean?"));
}

#[test]
fn the_model_is_switched_to_a_file_and_a_broken_one_is_told() {
    let home = Home::new();
    let file = home.path().join("other.gguf");
    std::fs::copy(GUIDE, &file).expect("the guide's file");
    let broken = home.path().join("broken.gguf");
    std::fs::write(&broken, b"GGUF\x03\0\0\0").expect("a file");
    let mut terminal = home.open(110, 30);
    terminal.until("the guide is loaded", |s| s.contains("● "));
    terminal.keys(&format!("/model {}<enter>", broken.display()));
    terminal.until_text("broken.gguf");
    terminal.until("the guide stays", |s| s.contains("● ") && s.contains("guide"));
    terminal.keys(&format!("/model {}<enter>", file.display()));
    terminal.until("the file is loaded", |s| s.contains("● ") && !s.contains("◐"));
    terminal.keys("hello<enter>");
    terminal.until_answered();
}

#[test]
fn nothing_hostile_in_a_message_reaches_the_terminal() {
    let home = Home::new();
    let mut terminal = home.open(80, 24);
    terminal.until_text("A small guide answers here");
    let hostile = [
        "\u{1b}]52;c;aGk=\u{7}",
        "\u{1b}[2J\u{1b}[?1049l",
        "\u{9b}31mred",
        "abc\u{202e}cba\u{2066}x\u{2069}",
        "a\u{e0041}\u{e0042}b",
        "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
        "\u{10eeee}\u{ad}\u{200b}\u{2028}\u{feff}",
    ];
    terminal.paste(&hostile.join(" | "));
    terminal.keys("<enter>");
    terminal.until_answered();
    terminal.paste(&hostile.join("\n").repeat(40));
    terminal.until_text("[pasted");
    terminal.keys("<ctrl-o>");
    terminal.until("the paste is opened", |s| !s.contains("[pasted"));
    terminal.keys("<enter><ctrl-c>");
    terminal.until("the title is drawn again", |s| s.contains("ingle"));
    // What every byte of this was held against is checked when the terminal is dropped.
}

#[test]
fn an_answer_is_copied_by_key_alone() {
    let home = Home::new();
    let mut terminal = home.open(80, 24);
    terminal.until_text("A small guide answers here");
    terminal.keys("What is ingle?<enter>");
    terminal.until_answered();
    terminal.expect_copies();
    terminal.keys("<ctrl-x>y");
    terminal.until_text("sent to the terminal's clipboard");
}

/// The pieces of what models have read of conversations.
fn states(home: &Home) -> Vec<PathBuf> {
    let entries = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries(home.path().join("ingle/states")).flat_map(entries).collect()
}

#[test]
fn a_conversation_goes_on_tomorrow_without_being_read_again_and_is_gone_when_deleted() {
    let home = Home::new();
    let mut terminal = home.open(100, 30);
    terminal.until_text("A small guide answers here");
    terminal.keys("What is ingle?<enter>");
    terminal.until_answered();
    assert!(!terminal.screen().contains(" reused"), "{}", terminal.screen());
    terminal.keys("<ctrl-d>");
    assert_eq!(terminal.ended(), 0);
    assert!(!states(&home).is_empty(), "what was read is saved by the time the program is gone");

    let mut tomorrow = home.open(100, 30);
    tomorrow.until_text("What is ingle?");
    tomorrow.keys("Why?<enter>");
    tomorrow.until("the second answer's figures, of which most was read yesterday", |s| s.contains(" reused) "));
    tomorrow.keys("/delete<enter>");
    tomorrow.until_text("deletes it");
    tomorrow.keys("y");
    tomorrow.until_text("A small guide answers here");
    tomorrow.keys("<ctrl-d>");
    assert_eq!(tomorrow.ended(), 0);
    assert!(states(&home).is_empty(), "a deleted conversation leaves nothing: {:?}", states(&home));
}
