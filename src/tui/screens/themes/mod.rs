//! Choosing colours: each theme is tried on as it is chosen, and kept on Enter.

#[cfg(test)]
mod tests;

use crate::protocol::Report;
use crate::tui::app::{App, Effect, Env};
use crate::tui::screens::list::{Align, Column, Kind, Mark, Pick, Row, State};

pub fn open(app: &mut App) {
    let current = app.theme().name().to_owned();
    let row = |name: &str| Row {
        mark: if name == current { Mark::Current } else { Mark::None },
        ..Row::new(Pick::Theme(name.to_owned()), vec![name.to_owned()])
    };
    let rows = app.themes.iter().map(|t| row(t.name())).collect();
    let columns = vec![Column { title: "theme", align: Align::Left, drop: 0 }];
    app.theme_before = Some(app.theme);
    app.open(State::new(Kind::Themes, "themes", columns, rows).choose(|p| *p == Pick::Theme(current.clone())));
}

/// Shows everything in the chosen theme.
pub fn preview(app: &mut App) {
    let chosen = app.list(Kind::Themes).and_then(|l| l.chosen_row()).map(|r| r.pick.clone());
    if let Some(Pick::Theme(name)) = chosen {
        wear(app, &name);
    }
}

/// Closed without taking one: as it was.
pub fn restore(app: &mut App) {
    if let Some(before) = app.theme_before.take() {
        app.theme = before;
    }
}

/// Worn from now on, and kept. What is wrong in its file is told.
pub fn take(app: &mut App, name: &str, env: &Env) -> Vec<Effect> {
    app.theme_before = None;
    if wear(app, name) {
        let name = app.theme().name().to_owned();
        if let Some(problem) = app.theme_problems.get(&name) {
            app.toasts.report(problem, env);
        }
        if name == app.preferences.theme {
            return Vec::new();
        }
        app.preferences.theme.clone_from(&name);
        return vec![Effect::Keep { name: "theme", value: name }];
    }
    let names: Vec<&str> = app.themes.iter().map(|t| t.name()).collect();
    let report = Report::new(format!("there is no theme {name}"), format!("There are {}", names.join(", ")));
    app.toasts.report(&report, env)
}

fn wear(app: &mut App, name: &str) -> bool {
    let found = app.themes.iter().position(|t| t.name().eq_ignore_ascii_case(name));
    app.theme = found.unwrap_or(app.theme);
    found.is_some()
}
