//! What an intent does, wherever its key was pressed.

use super::{App, Armed, Effect, Env, Focus, Level, Overlay, layout, pick};
use crate::protocol::Role;
use crate::tui::commands;
use crate::tui::keymap::Intent;
use crate::tui::screens::{ask, conversation, conversations, gauges, help, list, models, palette, prompt, settings, themes};

impl App {
    pub fn perform(&mut self, intent: Intent, env: &Env) -> Vec<Effect> {
        if intent == Intent::Interrupt {
            return interrupt(self, env);
        }
        if let Some(Overlay::List(list)) = self.overlays.last_mut() {
            let kind = list.kind;
            match list::hand(list, intent) {
                list::Done::Pass if !opens(intent) => return Vec::new(),
                list::Done::Pass => self.close_lists(kind),
                done => return pick::done(self, done, env),
            }
        }
        if prompt::is_edit(intent) && self.focus == Focus::Prompt {
            return edit(self, intent);
        }
        act(self, intent, env)
    }

    /// One list gives way to another; what it had tried out goes back.
    fn close_lists(&mut self, kind: list::Kind) {
        if kind == list::Kind::Themes {
            themes::restore(self);
        }
        self.overlays.clear();
    }
}

/// Intents that make sense while a list is open: those that open something else, and those of the whole program.
fn opens(intent: Intent) -> bool {
    use Intent::{
        Conversations, Delete, Editor, Enlarge, Find, Freeze, Gauges, Help, Keys, Models, Mouse, New, Palette, Quit, Redraw,
        RegenerateWith, SearchPrompts, Settings, Star, Suspend, Themes,
    };
    matches!(
        intent,
        Conversations
            | Delete
            | Editor
            | Enlarge
            | Find
            | Freeze
            | Gauges
            | Help
            | Keys
            | Models
            | Mouse
            | New
            | Palette
            | Quit
            | Redraw
            | RegenerateWith
            | SearchPrompts
            | Settings
            | Star
            | Suspend
            | Themes
    )
}

fn act(app: &mut App, intent: Intent, env: &Env) -> Vec<Effect> {
    match intent {
        Intent::Send => return send(app, env),
        Intent::DeleteForwardOrQuit => return delete_or_quit(app, env),
        Intent::ListUp | Intent::ListDown if app.focus == Focus::Panel => return choose_gauge(app, intent == Intent::ListDown),
        Intent::Enlarge => return enlarge(app, env),
        Intent::Complete | Intent::Take | Intent::ListUp | Intent::ListDown => return menu(app, intent, env),
        Intent::Back => return back(app, env),
        Intent::Quit => return app.quit(env),
        Intent::Suspend => return vec![Effect::Suspend],
        Intent::Redraw => return vec![Effect::Redraw],
        Intent::New => return conversation::branch::new(app, env),
        Intent::Regenerate => return conversation::branch::regenerate(app, None, env),
        Intent::Edit => return conversation::branch::edit(app, None, env),
        Intent::Fork => return conversation::branch::fork(app, env),
        Intent::Undo => return conversation::branch::undo(app, env),
        Intent::Continue => return conversation::branch::go_on(app, env),
        Intent::SiblingLeft => return conversation::branch::sibling(app, false),
        Intent::SiblingRight => return conversation::branch::sibling(app, true),
        Intent::CopyAnswer => return copy_answer(app, env),
        Intent::CopyCode => return copy_code(app, env),
        Intent::Star => return conversations::star(app, app.conversation.id, env),
        Intent::Delete => return ask_delete(app, env),
        Intent::Unload => return models::unload(app, env),
        Intent::Conversations => return conversations::open(app, env),
        Intent::Editor => return vec![Effect::Edit(app.prompt.message())],
        Intent::Gauges => return more_gauges(app, env),
        Intent::Mouse => return mouse(app, env),
        Intent::Models | Intent::RegenerateWith => return models::open(app, intent == Intent::RegenerateWith, env),
        _ => {}
    }
    look(app, intent, env);
    Vec::new()
}

/// Intents that only change what is looked at.
fn look(app: &mut App, intent: Intent, env: &Env) {
    use conversation::scroll;
    match intent {
        Intent::Help => help::open(app),
        Intent::Keys => help::open_keys(app),
        Intent::Palette => palette::open(app),
        Intent::Themes => themes::open(app),
        Intent::Settings => settings::open(app),
        Intent::SearchPrompts => prompt::open_before(app),
        Intent::Fold => fold(app),
        Intent::Freeze => app.gauges.freeze(env),
        Intent::Find => conversation::find::open(app),
        Intent::FindNext => conversation::find::step(app, true),
        Intent::FindPrevious => conversation::find::step(app, false),
        Intent::ScrollUp => scroll::pages(app, -1.0),
        Intent::ScrollDown => scroll::pages(app, 1.0),
        Intent::HalfUp => scroll::pages(app, -0.5),
        Intent::HalfDown => scroll::pages(app, 0.5),
        Intent::LineUp => scroll::lines(app, -1),
        Intent::LineDown => scroll::lines(app, 1),
        Intent::ScrollTop => scroll::top(app),
        Intent::ScrollBottom => scroll::bottom(app),
        Intent::PreviousTurn => scroll::turn(app, false),
        Intent::NextTurn => scroll::turn(app, true),
        Intent::NextFocus => focus(app, true),
        Intent::PreviousFocus => focus(app, false),
        Intent::ToPrompt => to_prompt(app),
        _ => {}
    }
}

/// Editing, and the questions an empty conversation offers.
fn edit(app: &mut App, intent: Intent) -> Vec<Effect> {
    let welcome = app.conversation.is_empty() && app.prompt.is_empty() && app.prompt.recalled.is_none();
    let last = conversation::offers(app).len().checked_sub(1).filter(|_| welcome);
    match (intent, app.prompt.offer, last) {
        (Intent::Down, None, Some(_)) => app.prompt.offer = Some(0),
        (Intent::Down, Some(at), Some(last)) => app.prompt.offer = Some((at + 1).min(last)),
        (Intent::Up, Some(at), Some(_)) => app.prompt.offer = at.checked_sub(1),
        _ => prompt::hand(&mut app.prompt, intent),
    }
    Vec::new()
}

fn send(app: &mut App, env: &Env) -> Vec<Effect> {
    if app.is_escaped_enter() {
        prompt::hand(&mut app.prompt, Intent::DeleteLeft);
        prompt::hand(&mut app.prompt, Intent::Newline);
        return Vec::new();
    }
    let offer = app.prompt.offer.take().filter(|_| app.prompt.is_empty());
    if let Some(offered) = offer.and_then(|at| conversation::offers(app).get(at)) {
        return conversation::send::submit(app, (*offered).to_owned(), env);
    }
    let text = app.prompt.message();
    if text.trim().is_empty() {
        return Vec::new();
    }
    match commands::parse(&text) {
        commands::Line::Message(message) => {
            let message = message.trim_end().to_owned();
            app.prompt.clear();
            conversation::send::submit(app, message, env)
        }
        commands::Line::Command { name, argument } => {
            let (name, argument) = (name.to_owned(), argument.to_owned());
            command(app, &text, &name, &argument, env)
        }
    }
}

/// An unknown command is told and stays in the prompt; nothing is sent.
fn command(app: &mut App, text: &str, name: &str, argument: &str, env: &Env) -> Vec<Effect> {
    app.prompt.remember(text);
    let unsent = app.prompt.clone();
    app.prompt.clear();
    match commands::run(app, name, argument, env) {
        Ok(effects) => effects,
        Err(problem) => {
            (app.prompt.area, app.prompt.chips) = (unsent.area, unsent.chips);
            app.toasts.report(&crate::protocol::Report::new(problem, "/help lists them; // sends a slash"), env)
        }
    }
}

fn delete_or_quit(app: &mut App, env: &Env) -> Vec<Effect> {
    if !app.prompt.is_empty() {
        prompt::hand(&mut app.prompt, Intent::DeleteRight);
        return Vec::new();
    }
    if app.conversation.is_busy() && !app.is_armed(Armed::Quit, env) {
        app.arm(Armed::Quit, env);
        return app.toasts.say("an answer is on its way; Ctrl+D again stops it and quits", env);
    }
    app.quit(env)
}

/// Keys of the completion menu.
fn menu(app: &mut App, intent: Intent, env: &Env) -> Vec<Effect> {
    let Some(menu) = app.prompt.menu.as_mut() else { return Vec::new() };
    match intent {
        Intent::ListUp => prompt::step(menu, false),
        Intent::ListDown => prompt::step(menu, true),
        _ => {
            let Some(candidate) = menu.candidates.get(menu.chosen).cloned() else { return Vec::new() };
            let there = app.prompt.text().trim_end() == candidate.line.trim_end();
            app.prompt.set(&candidate.line);
            // Enter runs what is whole; what still needs a word waits for it.
            if intent == Intent::Take && (candidate.whole || there) {
                return send(app, env);
            }
        }
    }
    Vec::new()
}

/// Ctrl+C: the first of these that applies.
fn interrupt(app: &mut App, env: &Env) -> Vec<Effect> {
    if app.conversation.is_answering() || app.conversation.wanted.is_some() || app.conversation.compacting.is_some() {
        return conversation::answer::stop(app);
    }
    if let Some(overlay) = app.overlays.last() {
        let done = if matches!(overlay, Overlay::List(_)) { list::Done::Close } else { list::Done::Stay };
        if done == list::Done::Stay {
            app.overlays.pop();
        }
        return pick::done(app, done, env);
    }
    if app.conversation.find.take().is_some() {
        return Vec::new();
    }
    if !app.prompt.is_empty() || app.conversation.editing.is_some() {
        clear_prompt(app);
        return Vec::new();
    }
    if app.is_armed(Armed::Quit, env) {
        return app.quit(env);
    }
    app.arm(Armed::Quit, env);
    app.toasts.say("Ctrl+C again quits", env)
}

fn clear_prompt(app: &mut App) {
    let text = app.prompt.message();
    app.prompt.remember(&text);
    app.prompt.clear();
    app.conversation.editing = None;
}

/// Escape: the first of these that applies. Twice with nothing to do: clear the prompt, or pick a turn to edit.
fn back(app: &mut App, env: &Env) -> Vec<Effect> {
    if app.prompt.menu.take().is_some() {
        app.prompt.menu_closed = true;
        return Vec::new();
    }
    if app.conversation.find.take().is_some() || app.toasts.dismiss() {
        return Vec::new();
    }
    if app.conversation.is_answering() || app.conversation.wanted.is_some() || app.conversation.compacting.is_some() {
        return conversation::answer::stop(app);
    }
    if app.enlarged().is_some() {
        app.gauges.enlarged = false;
        return Vec::new();
    }
    if app.focus != Focus::Prompt {
        to_prompt(app);
        return Vec::new();
    }
    if app.prompt.offer.take().is_some() || !app.escape_again(env) {
        return Vec::new();
    }
    if app.prompt.is_empty() && app.conversation.editing.is_none() {
        conversation::open_turns(app, env);
    } else {
        clear_prompt(app);
    }
    Vec::new()
}

fn to_prompt(app: &mut App) {
    app.focus = Focus::Prompt;
    app.conversation.chosen = None;
}

fn focus(app: &mut App, forward: bool) {
    let mut order = vec![Focus::Prompt];
    order.extend((!app.conversation.is_empty()).then_some(Focus::Transcript));
    order.extend((app.layout().level >= Level::Panel).then_some(Focus::Panel));
    let at = order.iter().position(|f| *f == app.focus).unwrap_or(0);
    let step = if forward { 1 } else { order.len() - 1 };
    app.gauges.enlarged = false;
    app.focus = order[(at + step) % order.len()];
    app.conversation.chosen = match app.focus {
        Focus::Transcript => conversation::scroll::first_choice(app),
        Focus::Prompt | Focus::Panel => None,
    };
}

fn fold(app: &mut App) {
    if app.focus == Focus::Prompt && prompt::open_chip(&mut app.prompt) {
        return;
    }
    let cut = app.conversation.chosen.filter(|id| app.conversation.tree.is_cut(*id));
    let Some(id) = cut.or_else(|| app.conversation.meant(Role::Assistant).map(|n| n.id)) else { return };
    let conversation = &mut app.conversation;
    if !conversation.unfolded.remove(&id) {
        conversation.unfolded.insert(id);
    }
}

fn more_gauges(app: &mut App, env: &Env) -> Vec<Effect> {
    let levels = layout::levels(app.size);
    if levels.len() == 1 {
        return app.toasts.say("a larger window has room for gauges", env);
    }
    let at = levels.iter().position(|l| *l == app.layout().level).unwrap_or(0);
    let next = levels[(at + 1) % levels.len()];
    app.set_level(next, env)
}

/// The group above or below, round at the ends.
fn choose_gauge(app: &mut App, below: bool) -> Vec<Effect> {
    let n = gauges::groups(app).len();
    app.gauges.chosen = (app.gauges.chosen.min(n - 1) + if below { 1 } else { n - 1 }) % n;
    Vec::new()
}

/// One gauge in place of the conversation; from elsewhere the keys go to the panel for it.
fn enlarge(app: &mut App, env: &Env) -> Vec<Effect> {
    if app.layout().level < Level::Panel {
        return app.toasts.say(format!("the gauges are not on the screen; {} shows more of them", app.keymap.hint(Intent::Gauges)), env);
    }
    app.gauges.enlarged = app.enlarged().is_none();
    app.focus = Focus::Panel;
    Vec::new()
}

fn mouse(app: &mut App, env: &Env) -> Vec<Effect> {
    app.mouse = !app.mouse;
    let said = if app.mouse { "mouse on until you leave; Shift selects text" } else { "mouse off; the terminal selects text" };
    app.toasts.say(said, env);
    vec![Effect::Mouse(app.mouse)]
}

/// In the transcript the chosen turn, else the last answer.
fn copy_answer(app: &mut App, env: &Env) -> Vec<Effect> {
    let conversation = &app.conversation;
    let chosen = conversation.chosen.and_then(|id| conversation.tree.get(id));
    match chosen.or_else(|| conversation.last(Role::Assistant)).map(|n| n.content.clone()).filter(|t| !t.is_empty()) {
        Some(text) => vec![Effect::Copy(text)],
        None => app.toasts.say("nothing to copy yet", env),
    }
}

fn copy_code(app: &mut App, env: &Env) -> Vec<Effect> {
    let code = app.conversation.meant(Role::Assistant).and_then(|n| conversation::last_code(&n.content));
    match code {
        Some(code) => vec![Effect::Copy(code)],
        None => app.toasts.say("there is no code in this answer", env),
    }
}

fn ask_delete(app: &mut App, env: &Env) -> Vec<Effect> {
    if app.conversation.is_empty() {
        return app.toasts.say("nothing to delete yet", env);
    }
    let (id, name) = (app.conversation.id, app.conversation.name());
    app.overlays.push(Overlay::Ask(ask::State::delete(id, &name)));
    Vec::new()
}
