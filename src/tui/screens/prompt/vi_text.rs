//! Places in the prompt's text, in characters, as the vi mode needs them.

use super::state::State;
use tui_textarea::CursorMove;

/// Line and character, from 0.
pub type Cursor = (usize, usize);

pub fn cursor(state: &State) -> Cursor {
    let cursor = state.area.cursor();
    (cursor.0, cursor.1)
}

/// The editor keeps what lies beyond the text within it.
pub fn jump(state: &mut State, to: Cursor) {
    let clamp = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    state.area.move_cursor(CursorMove::Jump(clamp(to.0), clamp(to.1)));
}

/// The cursor's line.
pub fn line(state: &State) -> &str {
    state.area.lines().get(cursor(state).0).map_or("", String::as_str)
}

/// A character to the side, never into another line.
pub fn side(state: &mut State, right: bool) {
    let (column, n_chars) = (cursor(state).1, line(state).chars().count());
    if right && column < n_chars {
        state.area.move_cursor(CursorMove::Forward);
    } else if !right && column > 0 {
        state.area.move_cursor(CursorMove::Back);
    }
}

pub fn first_letter(state: &mut State) {
    let (row, _) = cursor(state);
    let column = line(state).chars().take_while(|c| c.is_whitespace()).count();
    jump(state, (row, column));
}

pub fn is_on_letter(state: &State) -> bool {
    line(state).chars().nth(cursor(state).1).is_some_and(|c| !c.is_whitespace())
}

/// In normal mode the cursor stands on a character where there is one.
pub fn onto_character(state: &mut State) {
    let ((row, column), n_chars) = (cursor(state), line(state).chars().count());
    if n_chars > 0 && column >= n_chars {
        jump(state, (row, n_chars - 1));
    }
}

/// The text from one place to another, which is not in it.
pub fn between(state: &State, start: Cursor, end: Cursor) -> String {
    let lines = state.area.lines();
    let piece = |row: usize| -> String {
        let from = if row == start.0 { start.1 } else { 0 };
        let until = if row == end.0 { end.1 } else { usize::MAX };
        lines[row].chars().take(until).skip(from).collect()
    };
    (start.0..=end.0.min(lines.len() - 1)).map(piece).collect::<Vec<_>>().join("\n")
}
