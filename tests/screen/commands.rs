//! What keys and commands do beyond talking: the editor, choices that last, and looks into the machine.

use super::{Home, Terminal};
use std::os::unix::fs::PermissionsExt;

/// An editor that shows itself, takes a line from the terminal and adds it to the message.
const EDITOR: &str = "#!/bin/sh\necho in the editor\nread -r line\nprintf '%s, %s' \"$(cat \"$2\")\" \"$line\" > \"$2\"\n";

#[test]
fn the_prompt_goes_through_an_editor_and_comes_back() {
    let home = Home::new();
    let editor = home.path().join("an editor");
    std::fs::write(&editor, EDITOR).expect("a script");
    std::fs::set_permissions(&editor, PermissionsExt::from_mode(0o755)).expect("its mode");
    // With options and a blank in its name, as people set it.
    let visual = format!("'{}' --wait", editor.display());
    let mut terminal = home.open_with(&[("VISUAL", &visual), ("EDITOR", "false")]);
    terminal.until_text("A small guide answers here");
    terminal.keys("half a thought<ctrl-g>");
    terminal.until("the editor has the terminal", |s| s.contains("in the editor") && !s.contains("? help"));
    terminal.keys("whole now<enter>");
    terminal.until("the message as it was left", |s| s.contains("half a thought, whole now") && s.contains("? help"));
    terminal.keys("<ctrl-c><ctrl-d>");
    assert_eq!(terminal.ended(), 0);
    terminal.assert_given_back();
    let left: Vec<_> = std::fs::read_dir(home.path().join("ingle")).expect("the home").flatten().map(|e| e.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("message")), "{left:?}");
}

#[test]
fn an_editor_that_fails_leaves_the_message_as_it_was() {
    let home = Home::new();
    let mut terminal = home.open_with(&[("VISUAL", "false")]);
    terminal.until_text("A small guide answers here");
    terminal.keys("half a thought<ctrl-x><ctrl-e>");
    // Both at once: what is seen may be the upper half of a frame.
    terminal.until("the error, and the message", |s| s.contains("false ended with an error") && s.contains("half a thought"));
}

#[test]
fn a_chosen_theme_is_there_tomorrow() {
    let home = Home::new();
    std::fs::create_dir_all(home.path().join("ingle")).expect("the home");
    std::fs::write(home.config(), "# mine\nmouse = false\n").expect("a config");
    let mut terminal = home.open(80, 24);
    terminal.until_text("A small guide answers here");
    terminal.keys("/theme moss<enter>");
    terminal.until_text("kept in config.toml");
    assert_eq!(std::fs::read_to_string(home.config()).expect("the config"), "theme = \"moss\"\n# mine\nmouse = false\n");
    std::fs::set_permissions(home.config(), PermissionsExt::from_mode(0o444)).expect("its mode");
    terminal.keys("/theme plum<enter>");
    terminal.until_text("is not kept");
    assert!(std::fs::read_to_string(home.config()).expect("the config").contains("moss"));
}

#[test]
fn the_machine_and_the_prompt_can_be_looked_into() {
    let home = Home::new();
    let mut terminal = home.open(100, 40);
    terminal.until_text("A small guide answers here");
    terminal.keys("What is ingle?<enter>");
    terminal.until_answered();
    look(&mut terminal, "/context", "the template's own");
    look(&mut terminal, "/tokens", "as they were sampled");
    look(&mut terminal, "/tokens a b", "tokens of this text");
    look(&mut terminal, "/show", "fingerprint");
    look(&mut terminal, "/show tensors", "token_embd.weight");
    look(&mut terminal, "/dump", "What is ingle?");
    look(&mut terminal, "/doctor", "header cache");
    terminal.keys("/dump prompt.json<enter>");
    terminal.until_text("written to prompt.json");
    let said = std::fs::read(home.path().join("prompt.json")).expect("the file");
    let said: serde_json::Value = serde_json::from_slice(&said).expect("JSON");
    assert!(said["text"].as_str().is_some_and(|t| t.contains("What is ingle?")), "{said}");
    assert!(said["ids"].as_array().is_some_and(|ids| ids.len() > 3), "{said}");
    terminal.keys("/dump prompt.json<enter>");
    terminal.until_text("There is such a file already");
}

/// A command that opens a list, and out again.
fn look(terminal: &mut Terminal, command: &str, seen: &str) {
    terminal.keys(&format!("{command}<enter>"));
    terminal.until(seen, |s| s.contains(seen) && s.contains("Enter copy") | s.contains("Enter go there"));
    terminal.keys("<esc>");
    terminal.until("the list is closed", |s| !s.contains("Esc close"));
}

#[test]
fn vi_keys_where_they_are_wished_for() {
    let home = Home::new();
    std::fs::create_dir_all(home.path().join("ingle")).expect("the home");
    std::fs::write(home.config(), "editing = \"vi\"\n").expect("a config");
    let mut terminal = home.open(80, 24);
    terminal.until("it inserts", |s| s.contains(" insert "));
    terminal.keys("Where is ingle?<esc>");
    terminal.until_text(" normal ");
    terminal.keys("0cwWhat<esc>");
    terminal.until("the word is changed", |s| s.contains("What is ingle?") && s.contains(" normal "));
    terminal.keys("<enter>");
    terminal.until_answered();
}
