//! Keys of a list.

use super::state::{Kind, Pick, State};
use crate::tui::keymap::Intent;

/// What a key came to, for the list's owner to carry out.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// Nothing but the list changed.
    Stay,
    /// Another row is chosen: the theme chooser shows it at once.
    Chosen,
    Close,
    Take(Pick),
    /// A letter of the table that means something to this list alone.
    Letter(Intent, Pick),
    /// Not for a list.
    Pass,
}

/// A longer filter finds nothing that a shorter one would not.
pub const FILTER_CHARS_MAX: usize = 200;

/// A character typed: it filters.
pub fn typed(state: &mut State, text: &str) -> Done {
    if state.table {
        return Done::Stay;
    }
    let room = FILTER_CHARS_MAX.saturating_sub(state.filter.chars().count());
    state.filter.extend(text.chars().filter(|c| !c.is_control()).take(room));
    state.refilter();
    Done::Chosen
}

pub fn hand(state: &mut State, intent: Intent) -> Done {
    let page = state.page.max(1) as isize;
    match intent {
        Intent::ListUp => state.step(-1),
        Intent::ListDown => state.step(1),
        Intent::ListPageUp | Intent::ScrollUp => state.step(-page),
        Intent::ListPageDown | Intent::ScrollDown => state.step(page),
        Intent::ScrollTop => state.step(isize::MIN / 2),
        Intent::ScrollBottom => state.step(isize::MAX / 2),
        Intent::DeleteLeft if !state.table => edit(state, |f| {
            f.pop();
        }),
        Intent::DeleteWordLeft if !state.table => edit(state, |f| {
            let kept = f.trim_end().rfind(' ').map_or(0, |at| at.saturating_add(1));
            f.truncate(kept);
        }),
        Intent::DeleteToStart if !state.table => edit(state, String::clear),
        Intent::ListTable => state.table = has_table(state.kind) && !state.table,
        Intent::Sort => sort(state, true),
        Intent::SortBack => sort(state, false),
        Intent::Take => return take(state),
        Intent::Back => return back(state),
        Intent::Interrupt => return Done::Close,
        Intent::Star | Intent::Delete | Intent::Unload | Intent::Details if state.table => return letter(state, intent),
        Intent::DeleteLeft | Intent::DeleteWordLeft | Intent::DeleteToStart => {}
        _ => return Done::Pass,
    }
    Done::Chosen
}

/// Lists whose letters do something.
pub fn has_table(kind: Kind) -> bool {
    match kind {
        Kind::Models | Kind::RegenerateWith | Kind::Conversations | Kind::Facts | Kind::Context => true,
        Kind::Found | Kind::Palette | Kind::Help | Kind::Keys | Kind::Settings | Kind::Themes | Kind::Prompts | Kind::Turns => false,
    }
}

fn edit(state: &mut State, change: impl Fn(&mut String)) {
    change(&mut state.filter);
    state.refilter();
}

/// The same column the other way round, or the next one.
fn sort(state: &mut State, next: bool) {
    let n_columns = state.columns.len().max(1);
    state.sort = match (state.sort, next) {
        (None, true) => Some((0, false)),
        (None, false) => Some((0, true)),
        (Some((column, _)), true) if column + 1 == n_columns => None,
        (Some((column, _)), true) => Some((column + 1, false)),
        (Some((column, descending)), false) => Some((column, !descending)),
    };
    state.refilter();
}

fn take(state: &State) -> Done {
    match state.chosen_row() {
        None => Done::Stay,
        Some(row) if row.is_heading() => Done::Stay,
        Some(row) => Done::Take(row.pick.clone()),
    }
}

fn letter(state: &State, intent: Intent) -> Done {
    state.chosen_row().map_or(Done::Stay, |row| Done::Letter(intent, row.pick.clone()))
}

/// Escape: letters back to the filter, then the filter goes, then the list.
fn back(state: &mut State) -> Done {
    if state.table {
        state.table = false;
    } else if !state.filter.is_empty() {
        edit(state, String::clear);
    } else {
        return Done::Close;
    }
    Done::Chosen
}
