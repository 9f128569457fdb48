//! What happens to the prompt's text besides editing: kept on disk until it is sent, brought back, completed.

use super::complete::{self, Names};
use crate::history::Write;
use crate::protocol::Reasoning;
use crate::tui::app::{App, Effect, Env};
use crate::tui::screens::list::{Align, Column, Kind, Pick, Row, State};

/// After everything that may have changed the prompt or its place.
pub fn settle(app: &mut App) {
    app.prompt.settle();
    let columns = app.layout().prompt_columns();
    app.prompt.lay_out(columns);
    let text = app.prompt.text();
    if text == app.prompt.completed {
        return;
    }
    app.prompt.menu_closed = false;
    let names = Names {
        models: app.models.entries.iter().flatten().map(|e| e.name.clone()).collect(),
        themes: app.themes.iter().map(|t| t.name().to_owned()).collect(),
        reasoning: reasoning(app),
    };
    app.prompt.menu = if app.prompt.recalled.is_some() { None } else { complete::menu(&text, &names) };
    app.prompt.completed = text;
}

fn reasoning(app: &App) -> Vec<&'static str> {
    let offered = app.models.current.iter().flat_map(|c| &c.facts.reasoning).map(|level| level.name());
    let mut names: Vec<&str> = offered.collect();
    if !names.is_empty() {
        names.insert(0, Reasoning::Auto.name());
    }
    names
}

/// Gives what stands in the prompt, and what waits in the queue before it, to the history when it changed.
pub fn save_typed(app: &mut App, env: &Env) -> Vec<Effect> {
    let mut parts: Vec<String> = app.conversation.queue.iter().cloned().collect();
    // A command is no message; what was recalled is kept already.
    let typed = app.prompt.message();
    parts.extend(Some(typed).filter(|t| !t.trim().is_empty() && !t.starts_with('/')));
    save(app, &parts.join("\n\n"), env)
}

pub fn save(app: &mut App, text: &str, env: &Env) -> Vec<Effect> {
    if text == app.prompt.saved || text.trim().is_empty() && app.prompt.saved.is_empty() {
        return Vec::new();
    }
    let node = *app.prompt.unsent.get_or_insert_with(|| env.node());
    app.prompt.saved = text.to_owned();
    let (conversation, parent) = (app.conversation.id, app.conversation.tip);
    vec![Effect::Store(Write::Unsent { node, conversation, parent, text: text.to_owned(), now_ms: env.unix_ms })]
}

/// Everything that was typed before, to search in it.
pub fn open_before(app: &mut App) {
    let column = Column { title: "typed before", align: Align::Left, drop: 0 };
    let row = |text: &String| {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Row { details: text.lines().take(3).map(str::to_owned).collect(), ..Row::new(Pick::Prompt(text.clone()), vec![line]) }
    };
    let rows = app.prompt.before.iter().map(row).collect();
    let filter = app.prompt.text();
    app.open(State::new(Kind::Prompts, "typed before", vec![column], rows).empty("nothing typed yet"));
    app.filter_top(&filter);
}
