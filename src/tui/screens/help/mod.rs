//! Help, made from the tables: the keys of where one is, all keys, the commands.

use crate::tui::app::{App, Focus, Overlay};
use crate::tui::commands::COMMANDS;
use crate::tui::keymap::{Context, Intent, Keymap, ROWS};
use crate::tui::screens::gauges::{GAUGES, Gauge};
use crate::tui::screens::list::{self, Align, Column, Kind, Pick, Row, State};

const COLUMNS: &[Column] = &[Column { title: "", align: Align::Left, drop: 0 }, Column { title: "", align: Align::Left, drop: 0 }];

/// Keys of where I am first, then those of everywhere, then the commands.
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
        rows.extend(keys(&app.keymap, *context));
    }
    rows.push(Row::heading("commands"));
    rows.extend(COMMANDS.iter().map(|c| {
        let line = format!("/{} {}", c.name, c.args).trim_end().to_owned();
        Row::new(Pick::Command(c.name), vec![line, c.help.to_owned()])
    }));
    rows.extend(gauges());
    rows.extend(terminal_notes());
    app.open(State::new(Kind::Help, "help", COLUMNS.to_vec(), rows));
}

pub fn open_keys(app: &mut App) {
    let rows = Context::ALL.iter().flat_map(|c| keys(&app.keymap, *c)).collect();
    app.open(State::new(Kind::Keys, "keys", COLUMNS.to_vec(), rows));
}

fn keys(keymap: &Keymap, context: Context) -> Vec<Row> {
    let mut rows = vec![Row::heading(context.title())];
    for row in ROWS {
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
    std::iter::once(Row::heading("gauges")).chain(GAUGES.iter().map(row)).collect()
}

/// What only shows outside this program: settings of tmux that let every key through.
fn terminal_notes() -> Vec<Row> {
    let note = |what: &str, why: &str| Row::new(Pick::Intent(Intent::Help), vec![what.to_owned(), why.to_owned()]);
    vec![
        Row::heading("in tmux 3.5 and later"),
        note("set -g extended-keys on", "Shift+Enter and Ctrl+Enter arrive apart from Enter"),
        note("set -g extended-keys-format csi-u", "in the form ingle reads"),
        note("set -g focus-events on", "the bell rings only while nobody looks"),
    ]
}
