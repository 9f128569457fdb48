//! The question and its ways on a raised surface.

use super::state::State;
use crate::text::Shown;
use crate::tui::paint;
use crate::tui::theme::{Meaning, Theme};
use crate::tui::wrap;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const COLUMNS_MAX: u16 = 76;
/// Air at the left and right of the text.
const MARGIN: u16 = 3;
/// Lines that the words of a template may take.
const WORDS_ROWS_MAX: usize = 5;
const KEYS: &str = "Enter takes it   Esc leaves it as it is";
const CHOSEN: &str = "▎";

/// Columns of the text, on a screen so wide.
fn columns(screen: Rect) -> usize {
    usize::from(screen.width.min(COLUMNS_MAX).saturating_sub(2 * MARGIN)).max(1)
}

fn wrapped(text: &str, columns: usize) -> Vec<String> {
    wrap::wrap(Shown::line(text).as_str(), columns)
}

pub fn view(state: &State, screen: Rect, theme: &Theme, buf: &mut Buffer) {
    let columns = columns(screen);
    let mut words = wrapped(&state.report.what, columns);
    words.truncate(WORDS_ROWS_MAX);
    // The surface keeps its size whatever is chosen.
    let details: Vec<Vec<String>> = state.choices.iter().map(|choice| wrapped(&choice.detail, columns)).collect();
    let n_detail = details.iter().map(Vec::len).max().unwrap_or(0);
    let room = usize::from(screen.height);
    let mut n_rows = words.len() + state.choices.len() + n_detail + 6;
    // On a small screen the air goes first, then what was said before the ways.
    let air = usize::from(n_rows <= room);
    if air == 0 {
        n_rows -= 2;
        words.truncate(words.len().saturating_sub(n_rows.saturating_sub(room)).max(1));
        n_rows = words.len() + state.choices.len() + n_detail + 4;
    }
    let height = u16::try_from(n_rows.min(room)).unwrap_or(screen.height);
    let width = screen.width.min(COLUMNS_MAX);
    let area = Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 3, width, height };
    paint::surface(buf, area, theme);
    let x = area.x + MARGIN.min(area.width);
    let over = |meaning| theme.over(meaning, Meaning::Raised);
    let mut y = area.y + 1;
    let mut line = |at: u16, text: &str, meaning: Meaning, y: &mut u16| {
        if *y + 1 < area.bottom() {
            paint::put(buf, at, *y, area.right(), text, over(meaning));
        }
        *y += 1;
    };
    words.iter().for_each(|text| line(x, text, Meaning::User, &mut y));
    y += air as u16;
    for (at, choice) in state.choices.iter().enumerate() {
        let chosen = at == state.chosen;
        if chosen {
            let mut bar = y;
            line(x - 2.min(x), CHOSEN, Meaning::Accent, &mut bar);
        }
        let meaning = if chosen { Meaning::User } else { Meaning::Text };
        line(x, &format!("{}  {}", at + 1, choice.label), meaning, &mut y);
    }
    y += 1;
    let detail = details.get(state.chosen).map_or(&[][..], Vec::as_slice);
    let mut below = y;
    detail.iter().for_each(|text| line(x, text, Meaning::Dim, &mut below));
    paint::put(buf, x, area.bottom().saturating_sub(2), area.right(), KEYS, over(Meaning::Faint));
}
