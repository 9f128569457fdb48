//! A click does what a key would do there: it gives the keys to a place, takes a row of a list, opens what is folded.

use super::{App, Effect, Env, Focus, Layout, Level, Overlay, pick};
use crate::tui::keymap::Intent;
use crate::tui::screens::{conversation, list, prompt};
use ratatui::layout::{Position, Rect};

/// What a place does with a click in it.
type Click = fn(&mut App, Position, &Env) -> Vec<Effect>;
type Place = fn(&Layout) -> Rect;

/// Where a click means something while no list is open.
const PLACES: &[(Place, Click)] =
    &[(|layout| layout.prompt, in_prompt), (|layout| layout.panel, in_panel), (|layout| layout.transcript, in_transcript)];

pub fn click(app: &mut App, at: Position, env: &Env) -> Vec<Effect> {
    (app.leader_ms, app.armed) = (None, None);
    let layout = app.layout();
    match app.overlays.last_mut() {
        Some(Overlay::List(open)) => {
            let done = list::click(open, &layout, at);
            return pick::done(app, done, env);
        }
        // A question is answered by its letters: a click beside a word must not delete anything.
        Some(Overlay::Ask(_) | Overlay::Choose(_)) => return Vec::new(),
        None => {}
    }
    if let Some(row) = app.prompt.menu.as_ref().and_then(|menu| prompt::menu_row(menu, &layout, at)) {
        app.prompt.menu.iter_mut().for_each(|menu| menu.chosen = row);
        return app.perform(Intent::Take, env);
    }
    match PLACES.iter().find(|(place, _)| place(&layout).contains(at)) {
        Some((_, click)) => click(app, at, env),
        None => Vec::new(),
    }
}

fn in_prompt(app: &mut App, at: Position, _: &Env) -> Vec<Effect> {
    app.focus = Focus::Prompt;
    app.conversation.chosen = None;
    if let Some(label) = prompt::chip_at(app, at) {
        prompt::open_chip_named(&mut app.prompt, &label);
    }
    Vec::new()
}

fn in_panel(app: &mut App, _: Position, _: &Env) -> Vec<Effect> {
    app.focus = Focus::Panel;
    app.conversation.chosen = None;
    Vec::new()
}

fn in_transcript(app: &mut App, at: Position, env: &Env) -> Vec<Effect> {
    if app.layout().level == Level::Full {
        return in_panel(app, at, env);
    }
    let row = usize::from(at.y.saturating_sub(app.layout().transcript.y));
    if let Some((node, is_fold)) = conversation::scroll::turn_at(app, row) {
        app.focus = Focus::Transcript;
        app.conversation.chosen = Some(node);
        if is_fold && !app.conversation.unfolded.remove(&node) {
            app.conversation.unfolded.insert(node);
        }
    }
    Vec::new()
}
