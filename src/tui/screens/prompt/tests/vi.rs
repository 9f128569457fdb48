//! The vi mode: text before, keys, text after. `|` is the cursor.

use super::super::{State, vi};
use super::{paste, sent};
use crate::config::Editing;
use crate::protocol::{Command, FinishReason};
use crate::tui::stage::Stage;

fn stage() -> Stage {
    let mut stage = Stage::ready(80, 24);
    stage.app.prompt = State::new(Editing::Vi);
    stage
}

/// The text with a bar before the cursor.
fn seen(stage: &Stage) -> String {
    let cursor = stage.app.prompt.area.cursor();
    let mut lines: Vec<String> = stage.app.prompt.area.lines().to_vec();
    let byte = lines[cursor.0].char_indices().nth(cursor.1).map_or(lines[cursor.0].len(), |(at, _)| at);
    lines[cursor.0].insert(byte, '|');
    lines.join("\n")
}

#[track_caller]
fn check(before: &str, keys: &str, after: &str) {
    let mut stage = stage();
    stage.keys(&before.replace('\n', "<ctrl-j>"));
    stage.keys("<esc>");
    stage.keys(keys);
    assert_eq!(seen(&stage), after, "{before:?} {keys}");
}

#[test]
fn motions_go_where_hands_expect() {
    for (keys, after) in [
        ("", "one  two-thre|e"),
        ("0", "|one  two-three"),
        ("0w", "one  |two-three"),
        ("0ww", "one  two|-three"),
        ("02w", "one  two|-three"),
        ("0e", "on|e  two-three"),
        ("b", "one  two-|three"),
        ("bb", "one  two|-three"),
        ("0lll", "one|  two-three"),
        ("0l<backspace>h", "|one  two-three"),
        ("0<space>", "o|ne  two-three"),
        ("0$", "one  two-thre|e"),
    ] {
        check("one  two-three", keys, after);
    }
    check("  indented", "^", "  |indented");
    check("one\ntwo\nthree", "gg", "on|e\ntwo\nthree");
    check("one\ntwo\nthree", "ggG", "one\ntwo\nth|ree");
    check("one\ntwo\nthree", "kk", "on|e\ntwo\nthree");
    check("one\ntwo\nthree", "ggj", "one\ntw|o\nthree");
}

#[test]
fn operators_take_what_the_motion_covers() {
    for (keys, after) in [
        ("0dw", "|two three"),
        ("0d2w", "|three"),
        ("02dw", "|three"),
        ("dw", "one two thr|e"),
        ("0x", "|ne two three"),
        ("03x", "| two three"),
        ("x", "one two thr|e"),
        ("X", "one two thr|e"),
        ("0wD", "one| "),
        ("0wd$", "one| "),
        ("0wde", "one | three"),
        ("db", "one two |e"),
        ("0wd0", "|two three"),
        ("dd", "|"),
        ("0cwfour<esc>", "fou|r two three"),
        ("0wC2<esc>", "one |2"),
        ("ccnew<esc>", "ne|w"),
        ("0sO<esc>", "|One two three"),
        ("0dwp", "tone| wo three"),
        ("0dwP", "one| two three"),
        ("0ywP", "one| one two three"),
        ("0dwu", "|one two three"),
        ("0dwu<ctrl-r>", "|two three"),
        ("0dwxuu", "|one two three"),
    ] {
        check("one two three", keys, after);
    }
}

#[test]
fn whole_lines_are_deleted_taken_and_put() {
    for (keys, after) in [
        ("ggdd", "|two\nthree"),
        ("dd", "one\n|two"),
        ("kdd", "one\n|three"),
        ("gg2dd", "|three"),
        ("ggdj", "|three"),
        ("ggdG", "|"),
        ("ggyyp", "one\n|one\ntwo\nthree"),
        ("ggyyjp", "one\ntwo\n|one\nthree"),
        ("ggYjP", "one\n|one\ntwo\nthree"),
        ("ggddp", "two\n|one\nthree"),
        ("kcc2<esc>", "one\n|2\nthree"),
        ("ggonew<esc>", "one\nne|w\ntwo\nthree"),
        ("ggOnew<esc>", "ne|w\none\ntwo\nthree"),
        ("ggA!<esc>", "one|!\ntwo\nthree"),
        ("ggI!<esc>", "|!one\ntwo\nthree"),
    ] {
        check("one\ntwo\nthree", keys, after);
    }
}

#[test]
fn an_insertion_is_one_change() {
    check("first", "A and more<esc>u", "firs|t");
    check("first", "u", "|");
    check("first", "A two<esc>A three<esc>uu<ctrl-r>", "first tw|o");
}

#[test]
fn what_makes_no_command_does_nothing() {
    for keys in ["dz", "3", "d", "gz", "zz", "d<esc>", "2<left><right>"] {
        let mut stage = stage();
        stage.keys("one two<esc>");
        stage.keys(keys);
        assert_eq!(stage.app.prompt.text(), "one two", "{keys}");
    }
}

#[test]
fn enter_sends_and_escape_stops_in_normal_mode() {
    let mut stage = stage();
    stage.keys("question<esc>");
    assert!(stage.text().contains(" normal "), "{}", stage.text());
    assert_eq!(sent(&mut stage), "question");
    assert!(stage.text().contains(" insert "), "a new message is inserted");
    stage.stored();
    stage.tokens("an answer");
    stage.effects();
    stage.keys("next<esc>");
    assert_eq!(stage.commands(), [], "the first only leaves inserting");
    stage.keys("<esc>");
    assert!(matches!(stage.commands()[..], [Command::Cancel { .. }]));
    stage.finish(FinishReason::Cancelled);
    stage.keys("<esc>");
    stage.wait(700);
    assert_eq!(stage.app.prompt.text(), "next");
}

#[test]
fn a_command_begins_in_normal_mode_too() {
    let mut stage = stage();
    stage.keys("<esc>/");
    assert_eq!((stage.app.prompt.text().as_str(), stage.app.prompt.menu.is_some()), ("/", true));
    stage.keys("<ctrl-c><esc>?");
    assert!(stage.text().contains("help"));
}

#[test]
fn a_chip_is_one_thing() {
    let mut stage = stage();
    paste(&mut stage, &"line\n".repeat(20));
    stage.keys(" end<esc>0llldw");
    assert_eq!(seen(&stage), "| end");
    stage.keys("u");
    assert_eq!(stage.app.prompt.text(), "[pasted 20 lines] end");
    assert_eq!(sent(&mut stage), format!("{} end", "line\n".repeat(20)));
}

#[test]
fn the_modes_keys_are_in_the_help() {
    for key in vi::KEYS {
        assert!(!key.help.is_empty() && !key.help.ends_with('.'), "{}: help is a phrase", key.keys);
        assert_eq!(vi::KEYS.iter().filter(|k| k.keys == key.keys).count(), 1, "{} stands twice", key.keys);
    }
    let mut stage = stage();
    stage.keys("<ctrl-x>kword's end");
    assert!(stage.text().contains("To the word's end"), "{}", stage.text());
    let mut plain = Stage::ready(80, 24);
    plain.keys("<ctrl-x>kword's end");
    assert!(!plain.text().contains("To the word's end"), "only where somebody wished for them");
}

#[test]
fn looks() {
    let mut stage = stage();
    stage.keys("one line of text<esc>2d");
    stage.screen("prompt_vi");
}
