//! What the commands do: mostly what a key does too, with an argument.

use crate::history::Write;
use crate::protocol::{NodeId, Reasoning, Role, Source, find_setting};
use crate::tui::app::{App, Effect, Env, Export, ExportFormat, Level, Read};
use crate::tui::keymap::Intent;
use crate::tui::screens::{conversation, conversations, facts, help, models, palette, settings, themes};

pub fn help(app: &mut App, topic: &str, env: &Env) -> Vec<Effect> {
    if topic.is_empty() {
        return app.perform(Intent::Help, env);
    }
    match super::find(topic.trim_start_matches('/')) {
        Some(row) => {
            let line = format!("/{} {}", row.name, row.args);
            app.toasts.say(format!("{}: {}", line.trim_end(), row.help), env)
        }
        None => {
            help::open(app);
            app.filter_top(topic);
            Vec::new()
        }
    }
}

pub fn model(app: &mut App, name: &str, env: &Env) -> Vec<Effect> {
    let effects = app.perform(Intent::Models, env);
    if name.is_empty() {
        return effects;
    }
    // One that is meant by name needs no picking.
    match models::named(app, name) {
        Some(reference) => {
            app.overlays.pop();
            models::choose(app, reference, None, env)
        }
        None => {
            app.filter_top(name);
            effects
        }
    }
}

pub fn models(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    app.perform(Intent::Models, env)
}

pub fn unload(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    models::unload(app, env)
}

pub fn new(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    app.perform(Intent::New, env)
}

pub fn resume(app: &mut App, words: &str, env: &Env) -> Vec<Effect> {
    let effects = app.perform(Intent::Conversations, env);
    app.filter_top(words);
    effects
}

pub fn search(_: &mut App, words: &str, _: &Env) -> Vec<Effect> {
    vec![Effect::Read(Read::Search(words.to_owned()))]
}

pub fn rename(app: &mut App, title: &str, env: &Env) -> Vec<Effect> {
    if app.conversation.is_empty() {
        return app.toasts.say("nothing to name yet", env);
    }
    app.conversation.title = title.to_owned();
    vec![Effect::Store(Write::Rename { conversation: app.conversation.id, title: title.to_owned() })]
}

pub fn star(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    conversations::star(app, app.conversation.id, env)
}

pub fn delete(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    app.perform(Intent::Delete, env)
}

pub fn regenerate(app: &mut App, nth: &str, env: &Env) -> Vec<Effect> {
    match nth_last(app, nth) {
        Ok(id) => conversation::branch::regenerate(app, id, env),
        Err(problem) => app.toasts.say(problem, env),
    }
}

pub fn edit(app: &mut App, nth: &str, env: &Env) -> Vec<Effect> {
    match nth_last(app, nth) {
        Ok(id) => conversation::branch::edit(app, id, env),
        Err(problem) => app.toasts.say(problem, env),
    }
}

/// A message counted from the end, 1 the last; none where no number was said.
fn nth_last(app: &App, nth: &str) -> Result<Option<NodeId>, String> {
    if nth.is_empty() {
        return Ok(None);
    }
    let mine: Vec<NodeId> = app.conversation.path().iter().rev().filter(|n| n.role == Role::User).map(|n| n.id).collect();
    let at = nth.parse().ok().and_then(|n: usize| n.checked_sub(1));
    match at.and_then(|at| mine.get(at)) {
        Some(id) => Ok(Some(*id)),
        None => Err(format!("{nth} is none of your messages here: 1 is the last, {} the first", mine.len().max(1))),
    }
}

pub fn go_on(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    conversation::branch::go_on(app, env)
}

pub fn undo(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    conversation::branch::undo(app, env)
}

pub fn fork(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    conversation::branch::fork(app, env)
}

pub fn stop(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    if app.conversation.is_busy() { conversation::answer::stop(app) } else { app.toasts.say("nothing to stop", env) }
}

/// `/set NAME VALUE`, and Ollama's `/set parameter NAME VALUE`.
pub fn set(app: &mut App, argument: &str, env: &Env) -> Vec<Effect> {
    let argument = argument.strip_prefix("parameter").filter(|r| !r.starts_with(|c: char| !c.is_whitespace())).unwrap_or(argument).trim();
    if argument.is_empty() {
        settings::open(app);
        return Vec::new();
    }
    let (name, value) = argument.split_once(char::is_whitespace).unwrap_or((argument, ""));
    match (name, value.trim()) {
        // As `ollama run` has it.
        ("nothink", "") => return think(app, "off", env),
        ("think", "") => return think(app, "on", env),
        (name, value) if !value.is_empty() && find_setting(name).is_some_and(|row| row.name == "reasoning") => {
            return think(app, value, env);
        }
        _ => {}
    }
    if value.is_empty() {
        settings::open(app);
        app.filter_top(name);
        return Vec::new();
    }
    match crate::protocol::find_setting(name).filter(|row| row.names_file(value)) {
        Some(row) => vec![Effect::ReadSetting { name: row.name, path: app.preferences.path(value.trim()) }],
        None => settings::set(app, name, value.trim(), env),
    }
}

/// Only what the model's template offers.
pub fn think(app: &mut App, level: &str, env: &Env) -> Vec<Effect> {
    let Some(current) = &app.models.current else { return app.toasts.say("no model is loaded yet", env) };
    let offered = &current.facts.reasoning;
    if offered.is_empty() {
        return app.toasts.say("this model's template has no switch for thinking", env);
    }
    let names: Vec<&str> = offered.iter().map(|level| level.name()).collect();
    let level = level.to_lowercase();
    if level.is_empty() {
        let effective = conversation::send::effective(app);
        let (now, source) = effective.get("reasoning").map_or(("", Source::Default), |(_, source)| (effective.text("reasoning"), source));
        return app.toasts.say(format!("thinking is {now}, from {}; /think takes auto, {}", source.name(), names.join(", ")), env);
    }
    if level != Reasoning::Auto.name() && !names.contains(&level.as_str()) {
        return app.toasts.say(format!("this model's template knows thinking {}, not {level}", names.join(", ")), env);
    }
    settings::set(app, "reasoning", &level, env)
}

pub fn system(app: &mut App, text: &str, env: &Env) -> Vec<Effect> {
    match text {
        "" => show(app, "system", env),
        "-" => settings::set(app, "system_prompt", "", env),
        text => settings::set(app, "system_prompt", text, env),
    }
}

pub fn show(app: &mut App, what: &str, env: &Env) -> Vec<Effect> {
    match what {
        "" | "info" => facts::show(app, None, facts::Part::Info),
        "template" => facts::show(app, None, facts::Part::Template),
        "license" | "licence" => facts::show(app, None, facts::Part::License),
        "tensors" => facts::show(app, None, facts::Part::Tensors),
        "parameters" => config(app, "", env),
        "system" => {
            let effective = conversation::send::effective(app);
            let text = match effective.get("system_prompt").map(|(_, source)| source) {
                Some(source) if !effective.text("system_prompt").is_empty() => {
                    format!("system prompt, from {}: {}", source.name(), effective.text("system_prompt"))
                }
                _ => "no system prompt; /system TEXT sets one".to_owned(),
            };
            app.toasts.say(text, env)
        }
        _ => app.toasts.say(format!("/show knows no {what}; it shows info, parameters, template, system, license, tensors"), env),
    }
}

pub fn compact(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    conversation::compact::last_exchange(app, env)
}

pub fn context(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    facts::context(app, env)
}

pub fn tokens(app: &mut App, text: &str, env: &Env) -> Vec<Effect> {
    facts::tokens(app, text, env)
}

pub fn dump(app: &mut App, file: &str, env: &Env) -> Vec<Effect> {
    let file = Some(file).filter(|f| !f.is_empty()).map(|f| app.preferences.path(f));
    facts::dump(app, file, env)
}

pub fn doctor(_: &mut App, _: &str, _: &Env) -> Vec<Effect> {
    vec![Effect::Doctor]
}

/// As a shell takes it: `~/` is the home folder.
pub fn copy(app: &mut App, what: &str, env: &Env) -> Vec<Effect> {
    match what {
        "code" => app.perform(Intent::CopyCode, env),
        "all" => {
            let name = |role: Role| if role == Role::User { "you" } else { role.name() };
            let turns: Vec<String> = app.conversation.path().iter().map(|n| format!("{}:\n{}", name(n.role), n.content)).collect();
            if turns.is_empty() { app.toasts.say("nothing to copy yet", env) } else { vec![Effect::Copy(turns.join("\n\n"))] }
        }
        _ => app.perform(Intent::CopyAnswer, env),
    }
}

pub fn export(app: &mut App, argument: &str, env: &Env) -> Vec<Effect> {
    if app.conversation.is_empty() {
        return app.toasts.say("nothing to write yet", env);
    }
    let (first, rest) = argument.split_once(char::is_whitespace).unwrap_or((argument, ""));
    let (format, file) = match first {
        "md" | "markdown" => (ExportFormat::Markdown, rest),
        "json" => (ExportFormat::Json, rest),
        _ if argument.ends_with(".json") => (ExportFormat::Json, argument),
        _ => (ExportFormat::Markdown, argument),
    };
    let path = Some(file.trim()).filter(|f| !f.is_empty()).map(|f| app.preferences.path(f));
    vec![Effect::Export(Export { conversation: app.conversation.id, tip: app.conversation.tip, format, path })]
}

/// Opens the figures under the last answer.
pub fn stats(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    match app.conversation.last(Role::Assistant).map(|n| (n.id, n.statistics.is_some())) {
        None => app.toasts.say("no answer yet", env),
        Some((_, false)) => app.toasts.say("this answer has no figures; they come with its end", env),
        Some((id, true)) => {
            app.conversation.unfolded.insert(id);
            app.conversation.scroll = conversation::Scroll::Follow;
            Vec::new()
        }
    }
}

pub fn theme(app: &mut App, name: &str, env: &Env) -> Vec<Effect> {
    if name.is_empty() {
        themes::open(app);
        return Vec::new();
    }
    themes::take(app, name, env)
}

/// Named it is a choice, which is kept; alone it goes on to the next, as the key does.
pub fn gauges(app: &mut App, level: &str, env: &Env) -> Vec<Effect> {
    if level.is_empty() {
        return app.perform(Intent::Gauges, env);
    }
    let Some(level) = Level::ALL.iter().copied().find(|l| l.name() == level) else {
        return app.toasts.say(format!("gauges have no {level}; they have line, strip, panel, full"), env);
    };
    let effects = app.set_level(level, env);
    if app.level != Some(level) || app.preferences.gauges == Some(level) {
        return effects;
    }
    app.preferences.gauges = Some(level);
    vec![Effect::Keep { name: "gauges", value: level.name().to_owned() }]
}

pub fn keys(app: &mut App, _: &str, _: &Env) -> Vec<Effect> {
    help::open_keys(app);
    Vec::new()
}

pub fn config(app: &mut App, _: &str, _: &Env) -> Vec<Effect> {
    settings::open(app);
    Vec::new()
}

pub fn mouse(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    app.perform(Intent::Mouse, env)
}

pub fn exit(app: &mut App, _: &str, env: &Env) -> Vec<Effect> {
    app.perform(Intent::Quit, env)
}

/// The palette lists every command; taking one that needs more puts it into the prompt.
pub fn from_palette(app: &mut App, name: &'static str, env: &Env) -> Vec<Effect> {
    match super::find(name) {
        Some(row) if row.needs_argument() => {
            app.prompt.set(&format!("/{name} "));
            palette::after(app);
            Vec::new()
        }
        Some(row) => (row.run)(app, "", env),
        None => Vec::new(),
    }
}
