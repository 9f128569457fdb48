//! What happens, routed to the screen it belongs to.

use super::{Action, App, Armed, Effect, Env, Focus, Level, Overlay, Read, ReadAnswer, Size, click, keys, layout};
use crate::history::HistoryEvent;
use crate::protocol::{Command, Event};
use crate::tui::keymap::Intent;
use crate::tui::screens::{conversation, conversations, facts, gauges, list, models, prompt, settings};
use ratatui::layout::Position;

/// How long a second press counts, and how long the leader waits before it shows what may follow.
const QUIT_MS: u64 = 2_000;
const ESCAPE_MS: u64 = 600;
pub const LEADER_MS: u64 = 400;
/// Gauges of a machine that nobody uses and nobody touches are read no longer than this: an idle screen draws nothing.
const AWAKE_MS: u64 = 5_000;
/// Lines a notch of the wheel moves.
const WHEEL_LINES: isize = 3;

/// Changes the state by what happened; says what shall follow.
pub fn update(app: &mut App, action: Action, env: &Env) -> Vec<Effect> {
    if stirs(&action) {
        app.awake_until_ms = Some(env.now_ms + AWAKE_MS);
    }
    let mut effects = match action {
        Action::Started => started(app),
        Action::Key(chord) => keys::key(app, chord, env),
        Action::Paste(text) => keys::paste(app, &text),
        Action::Resize(size) => resize(app, size),
        Action::Focused(looked_at) => {
            app.looked_at = Some(looked_at);
            Vec::new()
        }
        Action::Wheel { up } => wheel(app, up),
        Action::Click { column, row } => click::click(app, Position { x: column, y: row }, env),
        Action::Tick => Vec::new(),
        Action::Engine(event) => engine(app, event, env),
        Action::History(event) => history(app, event, env),
        Action::NotStored(report) => {
            app.not_stored = true;
            app.toasts.report(&report, env)
        }
        Action::Read(answer) => read(app, answer, env),
        Action::Machine(machine) => {
            app.gauges.machine(*machine, env);
            Vec::new()
        }
        Action::Shelf(entries) => {
            models::shelf(app, entries);
            Vec::new()
        }
        Action::Coloured(answer) => {
            app.conversation.kept.coloured(*answer);
            Vec::new()
        }
        Action::ColourRefused(request) => {
            app.conversation.kept.refused(&request);
            return Vec::new();
        }
        Action::Edited(Ok(text)) => {
            app.prompt.chips.clear();
            app.prompt.set(text.trim_end_matches('\n'));
            back(app)
        }
        Action::Edited(Err(report)) => {
            app.toasts.report(&report, env);
            back(app)
        }
        Action::Doctor(text) => {
            facts::report(app, "this machine", &text);
            Vec::new()
        }
        Action::Setting { name, value } => settings::set(app, name, &value, env),
        Action::Said(text) => app.toasts.say(text, env),
        Action::Failed(report) => app.toasts.report(&report, env),
        Action::Resumed => back(app),
    };
    effects.extend(settle(app, env));
    effects
}

/// Whether something happens that a person did or waits for: then the gauges are worth a look.
fn stirs(action: &Action) -> bool {
    match action {
        Action::Started
        | Action::Key(_)
        | Action::Paste(_)
        | Action::Resize(_)
        | Action::Focused(true)
        | Action::Wheel { .. }
        | Action::Click { .. }
        | Action::Engine(_)
        | Action::Edited(_)
        | Action::Resumed => true,
        Action::Focused(false)
        | Action::Tick
        | Action::History(_)
        | Action::NotStored(_)
        | Action::Read(_)
        | Action::Machine(_)
        | Action::Shelf(_)
        | Action::Coloured(_)
        | Action::ColourRefused(_)
        | Action::Doctor(_)
        | Action::Setting { .. }
        | Action::Said(_)
        | Action::Failed(_) => false,
    }
}

/// The first frame stands. What was looked at last is read; a model is loaded once it is known which.
fn started(app: &mut App) -> Vec<Effect> {
    let mut effects = vec![Effect::Read(Read::Newest), Effect::Read(Read::Prompts), Effect::ScanShelf];
    if app.models.chosen_at_start {
        effects.extend(models::load_wanted(app));
    }
    effects
}

/// The terminal was another program's, and is taken as it was at the start: with the mouse as it was then.
fn back(app: &App) -> Vec<Effect> {
    vec![Effect::Mouse(app.mouse), Effect::Redraw]
}

/// Everything is drawn anew even where the size is the same again: between two frames the window may have been another
/// one, and the terminal has cut off what stood there.
fn resize(app: &mut App, size: Size) -> Vec<Effect> {
    app.size = size;
    let panel = app.layout().level >= Level::Panel;
    if app.focus == Focus::Panel && !panel {
        app.focus = Focus::Prompt;
    }
    vec![Effect::Redraw]
}

fn wheel(app: &mut App, up: bool) -> Vec<Effect> {
    let by = if up { -WHEEL_LINES } else { WHEEL_LINES };
    match app.overlays.last_mut() {
        Some(Overlay::List(list)) => list.step(by.signum()),
        Some(Overlay::Ask(_) | Overlay::Choose(_)) => {}
        None => conversation::scroll::lines(app, by),
    }
    Vec::new()
}

fn engine(app: &mut App, event: Event, env: &Env) -> Vec<Effect> {
    let answer = |app: &App, job| conversation::answer::is_running(app, job);
    let summary = |app: &App, job| conversation::compact::is_running(app, job);
    match event {
        Event::Queued { job, ahead } if answer(app, job) => app.gauges.queued(ahead),
        Event::LoadProgress { job, fraction } => models::progress(app, job, fraction),
        Event::Loaded { job, model, facts, load_ms } => return models::loaded(app, job, model, facts, load_ms, env),
        Event::PrefillProgress { job, done, total, reused, rate } if answer(app, job) => {
            app.gauges.prefill(gauges::Prefill { done, total, reused, rate }, env);
        }
        Event::Drafted { job, drafted, accepted } if answer(app, job) => app.gauges.drafted(drafted, accepted, env),
        Event::Tokens { job, channel, text, tokens } if answer(app, job) => {
            return conversation::answer::tokens(app, channel, text, tokens, env);
        }
        Event::Ledger { model, ledger } => {
            if app.models.current.as_ref().is_some_and(|c| c.id == model) {
                app.gauges.ledger(Some(ledger), env);
            }
        }
        Event::Tokens { job, channel, text, tokens } if summary(app, job) => {
            conversation::compact::tokens(app, channel, &text, tokens.len());
        }
        Event::Finished { job, reason, .. } if summary(app, job) => return conversation::compact::finished(app, reason, env),
        Event::Failed { job, report, .. } if summary(app, job) => return conversation::compact::failed(app, &report, env),
        Event::Finished { job, reason, statistics } if answer(app, job) => {
            return conversation::answer::finished(app, reason, statistics, env);
        }
        Event::Failed { job, report, model_lost } => {
            models::forget_lost(app, model_lost, env);
            facts::failed(app, job);
            return if answer(app, job) {
                conversation::answer::failed(app, report, env)
            } else if models::is_loading(app, job) {
                models::load_failed(app, report, env)
            } else {
                app.toasts.report(&report, env)
            };
        }
        Event::Described { job, description } => facts::described(app, job, &description),
        Event::Rendered { job, text, ids } => return facts::rendered(app, job, text, ids),
        Event::Tokenized { job, answer } => facts::tokenized(app, job, answer),
        // Of jobs that nobody waits for any more, or that only a command line asks for.
        Event::Queued { .. }
        | Event::PrefillProgress { .. }
        | Event::Drafted { .. }
        | Event::Tokens { .. }
        | Event::Finished { .. }
        | Event::Scored { .. } => {}
    }
    Vec::new()
}

fn history(app: &mut App, event: HistoryEvent, env: &Env) -> Vec<Effect> {
    match event {
        HistoryEvent::Stored(receipt) => {
            conversations::stored(app, &receipt, env);
            conversation::send::stored(app, &receipt, env)
        }
        HistoryEvent::Refused { receipt, report } => {
            conversation::send::refused(app, &receipt);
            app.toasts.report(&report, env)
        }
        HistoryEvent::Stalled(report) | HistoryEvent::Note(report) => app.toasts.report(&report, env),
        HistoryEvent::Flowing => app.toasts.say("the disk takes messages again; nothing was lost", env),
    }
}

fn read(app: &mut App, answer: ReadAnswer, env: &Env) -> Vec<Effect> {
    match answer {
        ReadAnswer::Newest { conversation, model } => {
            let untouched = app.conversation.is_empty() && app.prompt.is_empty() && !app.conversation.is_busy();
            if let Some(conversation) = conversation.filter(|_| untouched) {
                conversations::show(app, *conversation, env);
            }
            if app.models.chosen_at_start {
                return Vec::new();
            }
            app.models.wanted = model.unwrap_or(crate::protocol::ModelRef::Guide);
            models::load_wanted(app)
        }
        ReadAnswer::Conversation(conversation) => {
            conversations::show(app, *conversation, env);
            Vec::new()
        }
        ReadAnswer::Conversations(rows) => {
            conversations::fill(app, rows, env);
            Vec::new()
        }
        ReadAnswer::Search { words, hits } => {
            conversations::found(app, &words, hits, env);
            Vec::new()
        }
        ReadAnswer::Tokens { node, ids } => facts::stored_tokens(app, node, ids),
        ReadAnswer::Prompts(before) => {
            let typed = std::mem::take(&mut app.prompt.before);
            app.prompt.before = typed.into_iter().chain(before).take(prompt::RECALL_MAX).collect();
            Vec::new()
        }
    }
}

/// After everything: what depends on the rest is brought up to date.
fn settle(app: &mut App, env: &Env) -> Vec<Effect> {
    app.toasts.expire(env.now_ms);
    app.leader_shown = app.leader_ms.is_some_and(|since| since + LEADER_MS <= env.now_ms);
    app.armed = app.armed.filter(|(_, until)| *until > env.now_ms);
    app.gauges.refresh_if_due(env);
    prompt::settle(app);
    let mut effects = prompt::save_typed(app, env);
    if !app.conversation.is_empty() && app.layout().level != Level::Full {
        // Laid out here, so that drawing finds everything ready.
        conversation::transcript::blocks(app);
        let wanted = app.conversation.kept.highlight_requests();
        effects.extend(wanted.into_iter().map(|r| Effect::Highlight(Box::new(r))));
    }
    let title = app.conversation.name();
    if title != app.title {
        app.title.clone_from(&title);
        effects.push(Effect::Title(title));
    }
    app.awake_until_ms = app.awake_until_ms.filter(|until| *until > env.now_ms);
    let watch = app.is_watched();
    if watch != app.watching {
        app.watching = watch;
        effects.push(Effect::Watch(watch));
    }
    effects
}

impl App {
    /// When something changes by itself: the loop sends a `Tick` then.
    pub fn wake_at_ms(&self) -> Option<u64> {
        let leader = self.leader_ms.map(|since| since + LEADER_MS).filter(|_| !self.leader_shown);
        let armed = self.armed.map(|(_, until)| until);
        let rest = self.awake_until_ms.filter(|_| self.watching);
        [leader, armed, rest, self.toasts.wake_at_ms(), self.gauges.wake_at_ms()].into_iter().flatten().min()
    }

    /// Whether the machine's figures are worth reading: while an answer is computed, and where they are seen while
    /// something happened a moment ago or the person asks to watch them, by giving them the keys or the whole screen.
    fn is_watched(&self) -> bool {
        let level = self.layout().level;
        let seen = level > Level::Line && self.looked_at != Some(false);
        let asked = level == Level::Full || self.focus == Focus::Panel;
        self.conversation.running.is_some() || seen && (asked || self.awake_until_ms.is_some() || self.models.loading.is_some())
    }

    pub fn layout(&self) -> layout::Layout {
        layout::Layout::new(self.size, self.level, u16::try_from(self.prompt.n_rows).unwrap_or(u16::MAX))
    }

    pub(super) fn arm(&mut self, what: Armed, env: &Env) {
        let within_ms = if what == Armed::Quit { QUIT_MS } else { ESCAPE_MS };
        self.armed = Some((what, env.now_ms + within_ms));
    }

    pub(super) fn is_armed(&self, what: Armed, env: &Env) -> bool {
        self.armed.is_some_and(|(armed, until)| armed == what && until > env.now_ms)
    }

    /// The person leaves: text not sent is kept, the answer that runs ends here as stopped.
    pub(super) fn quit(&mut self, env: &Env) -> Vec<Effect> {
        let mut effects = prompt::save_typed(self, env);
        if let Some(running) = &self.conversation.running {
            let (node, target) = (running.node, running.job);
            effects.push(Effect::Send(Command::Cancel { job: self.job(), target }));
            let end = crate::history::End::Finished(crate::protocol::FinishReason::Cancelled);
            effects.push(Effect::Store(crate::history::Write::End { node, end, statistics: None }));
        }
        effects.push(Effect::Quit);
        effects
    }

    /// Words into the filter of the list that was just opened.
    pub fn filter_top(&mut self, words: &str) {
        if let Some(Overlay::List(list)) = self.overlays.last_mut() {
            list.filter = words.to_owned();
            list.refilter();
        }
    }

    /// Opens a list; another of its kind, and what lay over it, closes.
    pub fn open(&mut self, list: list::State) {
        if let Some(at) = self.overlays.iter().position(|o| matches!(o, Overlay::List(open) if open.kind == list.kind)) {
            self.overlays.truncate(at);
        }
        self.overlays.push(Overlay::List(list));
    }

    pub fn set_level(&mut self, level: Level, env: &Env) -> Vec<Effect> {
        if !layout::levels(self.size).contains(&level) {
            return self.toasts.say("there is no room for that; a larger window shows it", env);
        }
        self.level = Some(level);
        if self.focus == Focus::Panel && level < Level::Panel {
            self.focus = Focus::Prompt;
        }
        Vec::new()
    }

    /// The intents of a key that is not text; used by tests to say what they mean.
    pub fn does(&mut self, intent: Intent, env: &Env) -> Vec<Effect> {
        let mut effects = self.perform(intent, env);
        effects.extend(settle(self, env));
        effects
    }
}
