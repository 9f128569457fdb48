//! Keys: which context has them, what they ask for there, and text where they ask for nothing.

use super::{App, Armed, Effect, Env, Focus, Overlay};
use crate::tui::keymap::{Chord, Context, Intent, Key, LEADER, Sequence};
use crate::tui::screens::{ask, choose, conversation, list, prompt};

pub fn key(app: &mut App, chord: Chord, env: &Env) -> Vec<Effect> {
    let leader = app.leader_ms.take().is_some();
    app.leader_shown = false;
    if !leader && chord == LEADER {
        app.leader_ms = Some(env.now_ms);
        return Vec::new();
    }
    let sequence = Sequence { leader, chord };
    let intent = app.keymap.find(&contexts(app), sequence);
    if leader {
        // An unknown chord, Escape among them, ends the leader and does nothing else.
        return intent.map_or_else(Vec::new, |intent| app.perform(intent, env));
    }
    if !matches!(intent, Some(Intent::Interrupt | Intent::Back | Intent::DeleteForwardOrQuit)) {
        app.armed = None;
    }
    if let Some(Overlay::Choose(question)) = app.overlays.last_mut() {
        let done = choose::hand(question, chord, intent);
        return chosen(app, done, env);
    }
    if let Some(Overlay::Ask(_)) = app.overlays.last() {
        return asked(app, chord, intent, env);
    }
    if app.conversation.find.as_ref().is_some_and(|f| f.typing) && app.overlays.is_empty() {
        return conversation::find::key(app, chord, intent, env);
    }
    if let Some(effects) = in_vi(app, chord, intent) {
        return effects;
    }
    match (intent, chord.typed()) {
        (Some(intent), _) => app.perform(intent, env),
        (None, Some(c)) => typed(app, c, env),
        (None, None) => Vec::new(),
    }
}

/// Keys that the prompt's vi mode takes; none where they mean what they mean elsewhere.
fn in_vi(app: &mut App, chord: Chord, intent: Option<Intent>) -> Option<Vec<Effect>> {
    if app.focus != Focus::Prompt || !app.overlays.is_empty() {
        return None;
    }
    let normal = app.prompt.vi.as_ref()?.normal;
    let prompt = &mut app.prompt;
    match (intent, chord) {
        (Some(Intent::Back), _) => return prompt::vi::escape(prompt).then(Vec::new),
        _ if !normal => return None,
        (_, REDO) => prompt::vi::redo(prompt),
        (Some(Intent::DeleteLeft), _) => prompt::vi::key(prompt, 'h'),
        _ => match chord.typed() {
            Some('?') if prompt.is_empty() => return None,
            // What begins a message begins one here too.
            Some('/' | '#') if prompt.is_empty() => {
                prompt::vi::forget(prompt);
                return None;
            }
            Some(' ') => prompt::vi::key(prompt, 'l'),
            Some(c) => prompt::vi::key(prompt, c),
            None => {
                prompt::vi::drop_pending(prompt);
                return None;
            }
        },
    }
    Some(Vec::new())
}

/// As in vi; what was typed before is searched by the leader's chord.
const REDO: Chord = Chord { key: Key::Char('r'), ctrl: true, alt: false, shift: false };

/// The contexts that have the keys now, the narrowest first.
pub fn contexts(app: &App) -> Vec<Context> {
    match app.overlays.last() {
        Some(Overlay::List(list)) if list.table => return vec![Context::Table, Context::List, Context::Everywhere],
        Some(Overlay::List(_)) => return vec![Context::List, Context::Everywhere],
        Some(Overlay::Choose(_)) => return vec![Context::List, Context::Everywhere],
        Some(Overlay::Ask(_)) => return vec![Context::Everywhere],
        None => {}
    }
    let mut out = Vec::new();
    match app.focus {
        Focus::Prompt => {
            out.extend(app.prompt.menu.as_ref().map(|_| Context::Menu));
            out.extend(app.prompt.is_empty().then_some(Context::EmptyPrompt));
            out.push(Context::Prompt);
        }
        Focus::Transcript => out.push(Context::Transcript),
        Focus::Panel => out.push(Context::Panel),
    }
    out.push(Context::Everywhere);
    out
}

fn typed(app: &mut App, c: char, env: &Env) -> Vec<Effect> {
    if let Some(Overlay::List(list)) = app.overlays.last_mut() {
        // The list that a first # opens gives way to a second one: that is text.
        if c == '#' && list.kind == list::Kind::Conversations && list.filter.is_empty() && !list.table && app.prompt.is_empty() {
            app.overlays.clear();
            app.focus = Focus::Prompt;
            prompt::typed(&mut app.prompt, c);
            return Vec::new();
        }
        let done = list::typed(list, c.encode_utf8(&mut [0; 4]));
        return super::pick::done(app, done, env);
    }
    if app.focus == Focus::Prompt {
        // The first character may open something instead of being text.
        if c == '#' && app.prompt.is_empty() {
            return app.perform(Intent::Conversations, env);
        }
        prompt::typed(&mut app.prompt, c);
    }
    Vec::new()
}

pub fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    app.armed = None;
    match app.overlays.last_mut() {
        Some(Overlay::List(list)) => drop(list::typed(list, text.lines().next().unwrap_or_default())),
        Some(Overlay::Ask(_) | Overlay::Choose(_)) => {}
        None => {
            app.focus = Focus::Prompt;
            prompt::paste(&mut app.prompt, text);
        }
    }
    Vec::new()
}

fn asked(app: &mut App, chord: Chord, intent: Option<Intent>, env: &Env) -> Vec<Effect> {
    let answer = match (chord.typed().and_then(ask::typed), intent) {
        (Some(answer), _) => answer,
        (None, Some(Intent::Back | Intent::Interrupt)) => false,
        _ => return Vec::new(),
    };
    match app.overlays.pop() {
        Some(Overlay::Ask(question)) if answer => super::pick::answered(app, question.answer, env),
        _ => Vec::new(),
    }
}

fn chosen(app: &mut App, done: choose::Done, env: &Env) -> Vec<Effect> {
    if done == choose::Done::Stay {
        return Vec::new();
    }
    match (app.overlays.pop(), done) {
        (Some(Overlay::Choose(question)), choose::Done::Take(way)) => conversation::ways::take(app, question.report, way, env),
        _ => Vec::new(),
    }
}

impl App {
    /// "\ Enter" makes a new line in every terminal: the backslash goes.
    pub(super) fn is_escaped_enter(&self) -> bool {
        self.prompt.char_before_cursor() == Some('\\')
    }

    /// Whether Escape was pressed a moment ago with nothing to do.
    pub(super) fn escape_again(&mut self, env: &Env) -> bool {
        let again = self.is_armed(Armed::Escape, env);
        if again {
            self.armed = None;
        } else {
            self.arm(Armed::Escape, env);
        }
        again
    }
}
