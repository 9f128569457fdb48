//! The palette: everything that can be done, from the tables of keys and commands.

use crate::tui::app::{App, Focus};
use crate::tui::commands::COMMANDS;
use crate::tui::keymap::{Intent, Offer, ROWS};
use crate::tui::screens::list::{Align, Column, Kind, Pick, Row, State};

const COLUMNS: &[Column] = &[
    Column { title: "what", align: Align::Left, drop: 0 },
    Column { title: "command", align: Align::Left, drop: 2 },
    Column { title: "key", align: Align::Right, drop: 1 },
];

pub fn open(app: &mut App) {
    let acts = ROWS.iter().filter(|r| r.offer == Offer::Act && r.intent != Intent::Palette).map(|r| {
        let command = COMMANDS.iter().find(|c| c.help == r.help).map(|c| format!("/{}", c.name)).unwrap_or_default();
        Row::new(Pick::Intent(r.intent), vec![r.help.to_owned(), command, app.keymap.hint(r.intent)])
    });
    let only = COMMANDS
        .iter()
        .filter(|c| !ROWS.iter().any(|r| r.help == c.help && r.offer == Offer::Act))
        .map(|c| Row::new(Pick::Command(c.name), vec![c.help.to_owned(), format!("/{}", c.name), String::new()]));
    let rows = acts.chain(only).collect();
    app.open(State::new(Kind::Palette, "do", COLUMNS.to_vec(), rows));
}

/// A command that needs a word was put into the prompt: the keys go there.
pub fn after(app: &mut App) {
    app.focus = Focus::Prompt;
}
