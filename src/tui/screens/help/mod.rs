//! Help, made from the tables: the keys of where one is, all keys, the commands.

use crate::tui::app::{App, Focus, Overlay};
use crate::tui::commands::COMMANDS;
use crate::tui::keymap::{Context, Intent, Keymap, Offer, ROWS};
use crate::tui::screens::gauges::{GAUGES, Gauge};
use crate::tui::screens::list::{self, Align, Column, Kind, Pick, Row, State};
use crate::tui::screens::prompt::vi;

const COLUMNS: &[Column] = &[Column { title: "", align: Align::Left, drop: 0 }, Column { title: "", align: Align::Left, drop: 0 }];

const REST: &str = "The machine is read while an answer or a load runs and for 5 s after a key. To watch it longer go to the panel \
                    with Tab, or give the gauges the whole screen";

/// Keys of where I am first, then those of everywhere, then the commands; how text is edited comes last, since hands know it
/// from the shell.
pub fn open(app: &mut App) {
    let here: &[Context] = match (app.overlays.last(), app.focus) {
        (Some(Overlay::List(list)), _) if list::has_table(list.kind) => &[Context::List, Context::Table],
        (Some(_), _) => &[Context::List],
        (None, Focus::Prompt) => &[Context::Prompt],
        (None, Focus::Transcript) => &[Context::Transcript],
        (None, Focus::Panel) => &[Context::Panel],
    };
    let mut rows = Vec::new();
    for context in here.iter().chain(&[Context::Everywhere]) {
        section(&mut rows, context.title(), keys(&app.keymap, *context, |offer| offer != Offer::Edit));
    }
    section(&mut rows, "commands", commands());
    section(&mut rows, "gauges", gauges());
    section(&mut rows, "editing", here.iter().flat_map(|c| keys(&app.keymap, *c, |offer| offer == Offer::Edit)).collect());
    section(&mut rows, VI, vi(app));
    section(&mut rows, "in tmux 3.5 and later", terminal_notes());
    app.open(State::new(Kind::Help, "help", COLUMNS.to_vec(), rows));
}

pub fn open_keys(app: &mut App) {
    let mut rows = Vec::new();
    for context in Context::ALL {
        section(&mut rows, context.title(), keys(&app.keymap, *context, |_| true));
    }
    section(&mut rows, VI, vi(app));
    app.open(State::new(Kind::Keys, "keys", COLUMNS.to_vec(), rows));
}

const VI: &str = "prompt, after Esc";

/// The keys of vi, where a person wishes for them.
fn vi(app: &App) -> Vec<Row> {
    let row = |key: &vi::Key| Row::new(Pick::Intent(Intent::ToPrompt), vec![key.keys.to_owned(), key.help.to_owned()]);
    let wished = app.prompt.vi.iter().flat_map(|_| vi::KEYS);
    wished.map(row).collect()
}

fn section(rows: &mut Vec<Row>, title: &str, more: Vec<Row>) {
    if more.is_empty() {
        return;
    }
    if !rows.is_empty() {
        rows.push(Row::heading(""));
    }
    rows.push(Row::heading(title));
    rows.extend(more);
}

fn commands() -> Vec<Row> {
    let rows = COMMANDS.iter().map(|c| {
        let line = format!("/{} {}", c.name, c.args).trim_end().to_owned();
        Row::new(Pick::Command(c.name), vec![line, c.help.to_owned()])
    });
    rows.collect()
}

fn keys(keymap: &Keymap, context: Context, kept: impl Fn(Offer) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for row in ROWS.iter().filter(|r| kept(r.offer)) {
        let sequences = keymap.sequences(context, row.intent);
        if !sequences.is_empty() {
            let keys: Vec<String> = sequences.iter().map(|s| s.shown()).collect();
            let two = keys.iter().take(2).cloned().collect::<Vec<_>>().join("  ");
            let details = vec![format!("{}: {}", row.help, keys.join(", "))];
            rows.push(Row { details, ..Row::new(Pick::Intent(row.intent), vec![two, row.help.to_owned()]) });
        }
    }
    rows
}

/// What each figure of the status line means.
fn gauges() -> Vec<Row> {
    let row = |g: &Gauge| {
        let unit = if g.unit.is_empty() { String::new() } else { format!("  {}", g.unit) };
        Row::new(Pick::Intent(Intent::Gauges), vec![format!("{}{unit}", g.name), g.meaning.to_owned()])
    };
    let note = |what: &str, why: &str, more: &str| {
        let row = Row::new(Pick::Intent(Intent::Gauges), vec![what.to_owned(), why.to_owned()]);
        Row { details: vec![more.to_owned()], ..row }
    };
    let notes =
        [note("–", "Unknown", "–: not measured yet, or this machine does not tell"), note("at rest, faint", "Not read any more", REST)];
    GAUGES.iter().map(row).chain(notes).collect()
}

/// What only shows outside this program: settings of tmux that let every key through.
fn terminal_notes() -> Vec<Row> {
    let note = |what: &str, why: &str| Row::new(Pick::Intent(Intent::Help), vec![what.to_owned(), why.to_owned()]);
    vec![
        note("set -g extended-keys on", "Shift+Enter and Ctrl+Enter arrive apart from Enter"),
        note("set -g extended-keys-format csi-u", "in the form ingle reads"),
        note("set -g focus-events on", "the bell rings only while nobody looks"),
    ]
}
