//! Help, version, completions, exit statuses.

use super::Run;

#[test]
fn help_and_version_are_results() {
    let help = Run::new(&["--help"]).answer().done();
    for word in ["Usage: ingle", "completions", "--json", "--color"] {
        assert!(help.text().contains(word), "no {word} in {}", help.text());
    }
    assert_eq!(Run::new(&["--version"]).answer().done().text(), format!("ingle {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_command_has_help_and_a_page() {
    let help = Run::new(&["--help"]).answer().done();
    let commands = help.text().split("Commands:").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list of commands");
    for name in commands.lines().filter_map(|line| line.split_whitespace().next()) {
        assert!(Run::new(&[name, "--help"]).answer().done().text().contains("Usage:"), "{name}");
        assert!(Run::new(&["man", name]).answer().done().text().contains(".SH NAME"), "{name}");
    }
}

#[test]
fn without_a_terminal_the_screen_points_to_run() {
    Run::new(&[]).answer().failed(2, &["terminal", "ingle run"]);
}

#[test]
fn wrong_usage_is_2_and_what_was_typed_cannot_command_the_terminal() {
    assert_eq!(Run::new(&["nonsense"]).answer().status, 2);
    let hostile = Run::new(&["--\u{1b}]52;c;aGk=\u{7}"]).answer();
    assert_eq!(hostile.status, 2);
    assert!(!hostile.stderr.contains(|c: char| c.is_control() && c != '\n'), "{:?}", hostile.stderr);
}

#[test]
fn completions_for_the_usual_shells() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(Run::new(&["completions", shell]).answer().done().text().contains("ingle"), "{shell}");
    }
}
