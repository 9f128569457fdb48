use super::*;
use crate::history::Write;
use crate::protocol::{Command, Input, Reasoning};
use crate::tui::app::{Effect, Env};
use crate::tui::keymap::ROWS;
use crate::tui::stage::Stage;
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

/// Nothing was said yet, something was, something is on its way.
fn situations() -> [Stage; 3] {
    let (empty, mut answered, mut answering) = (Stage::ready(80, 24), Stage::ready(120, 40), Stage::ready(80, 24));
    answered.exchange("question", "an answer with `code`");
    answering.say("question");
    answering.tokens("an ans");
    [empty, answered, answering]
}

#[test]
fn every_command_does_something_anywhere() {
    for row in COMMANDS {
        for mut stage in situations() {
            stage.effects();
            let before = stage.text();
            let argument = if row.needs_argument() { " word" } else { "" };
            stage.keys(&format!("/{}{argument}<enter>", row.name));
            assert!(stage.app.prompt.text().is_empty() || matches!(row.name, "edit" | "undo"), "/{} was taken", row.name);
            let silent = stage.text() == before && stage.effects().iter().all(|e| matches!(e, Effect::Store(_) | Effect::Watch(_)));
            // A conversation that is new already, and figures that are on the screen, have nothing to add.
            assert!(!silent || matches!(row.name, "new" | "stop" | "rename"), "/{} did nothing:\n{before}", row.name);
        }
    }
}

#[test]
fn every_action_can_be_asked_for_anywhere() {
    for row in ROWS {
        for mut stage in situations() {
            let env = Env::new(stage.now_ms, 1_795_295_040_000, 0, 3);
            stage.app.does(row.intent, &env);
            stage.text();
            stage.keys("<esc>");
            stage.text();
        }
    }
}

#[test]
fn settings_are_set_in_ollamas_words_too() {
    let mut stage = Stage::ready(160, 50);
    for (line, said) in [
        ("/set parameter num_predict 30", "predict is 30"),
        ("/set top_k 7", "top_k is 7"),
        ("/set system Be brief.", "system_prompt is Be brief."),
        ("/system Be kind.", "system_prompt is Be kind."),
        ("/set num_ctx 2048", "ctx_size is 2048"),
        ("/set parameter", "settings"),
    ] {
        stage.keys(line);
        stage.keys("<enter>");
        assert!(stage.text().contains(said), "{line}: {}", stage.text());
        stage.keys("<esc><esc><esc>");
    }
}

#[test]
fn thinking_is_what_the_template_lets_one_choose() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("/think off<enter>");
    assert!(stage.text().contains("this model's template has no switch for thinking"), "{}", stage.text());
    stage.app.models.current.as_mut().unwrap().facts.reasoning = vec![Reasoning::Off, Reasoning::On];
    stage.keys("/think ");
    let shown: Vec<&str> = stage.app.prompt.menu.iter().flat_map(|m| &m.candidates).map(|c| c.shown.as_str()).collect();
    assert_eq!(shown, ["auto", "off", "on"]);
    stage.keys("high<enter>");
    assert!(stage.text().contains("this model's template knows thinking off, on, not high"), "{}", stage.text());
    for (line, level) in [("/set nothink", "off"), ("/set think", "on"), ("/set reasoning auto", "auto"), ("/think off", "off")] {
        stage.keys(&format!("{line}<enter>"));
        assert!(stage.text().contains(&format!("reasoning is {level}, from this conversation")), "{line}: {}", stage.text());
    }
    stage.say("2+2?");
    let rendering = stage.commands().into_iter().find_map(|c| match c {
        Command::Generate { input: Input::Messages { rendering, .. }, .. } => Some(rendering),
        _ => None,
    });
    assert_eq!(rendering.unwrap().reasoning, Reasoning::Off);
    assert!(stage.writes().iter().any(|w| matches!(w, Write::Settings { settings, .. } if settings.0.contains_key("reasoning"))));
}
