//! Editing.

use super::chips;
use super::state::State;
use super::{vi, vi_text};
use crate::text::Shown;
use crate::tui::keymap::Intent;
use tui_textarea::CursorMove;

/// A character typed.
pub fn typed(state: &mut State, c: char) {
    state.recalled = None;
    state.offer = None;
    vi::remember(state);
    state.area.insert_char(c);
}

/// A paste: a chip where it is long. What stands in the editor is what is seen, so that nothing hidden is sent by
/// accident; a chip is sent as it was.
pub fn paste(state: &mut State, text: &str) {
    let end = (0..=text.len().min(chips::PASTE_BYTES_MAX)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let text = text[..end].replace("\r\n", "\n").replace('\r', "\n");
    state.recalled = None;
    state.offer = None;
    vi::remember(state);
    if chips::is_long(&text) {
        let chip = chips::chip(text, &state.chips);
        state.area.insert_str(&chip.label);
        state.chips.push(chip);
    } else {
        state.area.insert_str(Shown::block(&text).as_str());
    }
}

/// Whether an intent belongs to the editor.
pub fn is_edit(intent: Intent) -> bool {
    movement(intent).is_some()
        || matches!(
            intent,
            Intent::Newline
                | Intent::Up
                | Intent::Down
                | Intent::DeleteLeft
                | Intent::DeleteRight
                | Intent::DeleteWordLeft
                | Intent::DeleteWordRight
                | Intent::DeleteToStart
                | Intent::DeleteToEnd
                | Intent::Yank
                | Intent::UndoEdit
                | Intent::RedoEdit
        )
}

fn movement(intent: Intent) -> Option<CursorMove> {
    Some(match intent {
        Intent::CharLeft => CursorMove::Back,
        Intent::CharRight => CursorMove::Forward,
        Intent::WordLeft => CursorMove::WordBack,
        Intent::WordRight => CursorMove::WordForward,
        Intent::LineStart => CursorMove::Head,
        Intent::LineEnd => CursorMove::End,
        _ => return None,
    })
}

pub fn hand(state: &mut State, intent: Intent) {
    if let Some(go) = movement(intent) {
        return state.area.move_cursor(go);
    }
    match intent {
        Intent::Up if state.at_edge(true) => return state.recall(true),
        Intent::Down if state.at_edge(false) => return state.recall(false),
        Intent::Up => return state.area.move_cursor(CursorMove::Up),
        Intent::Down => return state.area.move_cursor(CursorMove::Down),
        _ => vi::remember(state),
    }
    match intent {
        Intent::Newline => state.area.insert_newline(),
        Intent::DeleteLeft if delete_chip(state, true) => {}
        Intent::DeleteLeft => drop(state.area.delete_char()),
        Intent::DeleteRight if delete_chip(state, false) => {}
        Intent::DeleteRight => drop(state.area.delete_next_char()),
        Intent::DeleteWordLeft if delete_chip(state, true) => {}
        Intent::DeleteWordLeft => drop(state.area.delete_word()),
        Intent::DeleteWordRight if delete_chip(state, false) => {}
        Intent::DeleteWordRight => drop(state.area.delete_next_word()),
        Intent::DeleteToStart => drop(state.area.delete_line_by_head()),
        Intent::DeleteToEnd => drop(state.area.delete_line_by_end()),
        Intent::Yank => drop(state.area.paste()),
        Intent::UndoEdit => drop(state.area.undo()),
        Intent::RedoEdit => drop(state.area.redo()),
        _ => {}
    }
    state.recalled = None;
}

/// The chip that the cursor stands in, or at on the side that is deleted, goes as a whole: half of its label would be
/// sent as text. False where there is none.
fn delete_chip(state: &mut State, left: bool) -> bool {
    let (row, column) = vi_text::cursor(state);
    let Some((begin, chip)) = chips::at_cursor(vi_text::line(state), column, &state.chips) else { return false };
    let n_chars = chip.label.chars().count();
    let is_met = if left { begin < column } else { column < begin + n_chars };
    if is_met {
        vi_text::jump(state, (row, begin));
        state.area.delete_str(n_chars);
    }
    is_met
}

/// Opens the chip with this label, wherever the cursor is.
pub fn open_chip_named(state: &mut State, label: &str) {
    let places =
        state.area.lines().iter().enumerate().filter_map(|(row, line)| line.find(label).map(|at| (row, line[..at].chars().count())));
    let Some(place) = places.into_iter().next() else { return };
    vi_text::jump(state, place);
    open_chip(state);
}

/// Opens the chip at the cursor into text; false where there is none.
pub fn open_chip(state: &mut State) -> bool {
    let (row, column) = vi_text::cursor(state);
    let Some((begin, chip)) = chips::at_cursor(vi_text::line(state), column, &state.chips) else { return false };
    let (n_chars, text) = (chip.label.chars().count(), Shown::block(&chip.text));
    vi_text::jump(state, (row, begin));
    state.area.delete_str(n_chars);
    state.area.insert_str(text.as_str());
    true
}
