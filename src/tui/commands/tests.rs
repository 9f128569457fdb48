use super::*;
use std::collections::HashSet;

#[test]
fn rows_are_sound() {
    let mut names = HashSet::new();
    for row in COMMANDS {
        for name in std::iter::once(&row.name).chain(row.aliases) {
            assert!(names.insert(*name), "/{name} stands twice");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '?'), "/{name}");
            assert_eq!(find(name).map(|r| r.name), Some(row.name));
        }
        assert!(!row.help.is_empty() && !row.help.ends_with('.'), "/{}: help is a phrase", row.name);
        assert!(row.takes_argument() || row.completer == Completer::Nothing, "/{} completes what it does not take", row.name);
    }
}

#[test]
fn a_slash_counts_only_as_the_first_character() {
    let command = |name, argument| Line::Command { name, argument };
    for (text, line) in [
        ("hello /new", Line::Message("hello /new")),
        ("//slash", Line::Message("/slash")),
        ("/etc/hosts is a file", Line::Message("/etc/hosts is a file")),
        ("/new", command("new", "")),
        ("/set temp  0.3 ", command("set", "temp  0.3")),
        ("/system line one\nline two", command("system", "line one\nline two")),
    ] {
        assert_eq!(parse(text), line, "{text}");
    }
}
