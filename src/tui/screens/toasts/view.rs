//! Toasts over the lower right of the conversation.

use super::state::{State, Tone};
use crate::text::{Shown, width};
use crate::tui::paint;
use crate::tui::theme::{Meaning, Theme};
use crate::tui::wrap;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const COLUMNS_MAX: u16 = 60;
/// A toast is a sentence, not a page.
const LINES_MAX: usize = 6;

pub fn view(toasts: &State, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let mut bottom = area.bottom();
    let columns = area.width.min(COLUMNS_MAX);
    if columns < 8 {
        return;
    }
    for toast in toasts.toasts.iter().rev() {
        let room = usize::from(columns) - 4;
        let mut lines = lines(&toast.text, Meaning::Text, room);
        lines.extend(lines_of_remedy(&toast.remedy, room));
        lines.truncate(LINES_MAX);
        let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        if rows > bottom.saturating_sub(area.y) {
            return;
        }
        let taken = lines.iter().map(|(l, _)| width(l)).max().unwrap_or(0);
        let taken = u16::try_from(taken).unwrap_or(columns).saturating_add(4).min(columns);
        let inset = u16::from(area.width > COLUMNS_MAX) * 2;
        let place = Rect { x: area.right().saturating_sub(taken + inset), y: bottom - rows, width: taken, height: rows };
        paint::clear(buf, place, theme.style(Meaning::Raised));
        let tone = if toast.tone == Tone::Bad { Meaning::Bad } else { Meaning::Accent };
        for ((line, meaning), y) in lines.iter().zip(place.top()..) {
            paint::set(buf, place.x, y, "▎", theme.over(tone, Meaning::Raised));
            paint::put(buf, place.x + 2, y, place.right(), line, theme.over(*meaning, Meaning::Raised));
        }
        bottom = place.y.saturating_sub(1);
    }
}

fn lines(text: &str, meaning: Meaning, columns: usize) -> Vec<(String, Meaning)> {
    wrap::wrap(Shown::line(text).as_str(), columns).into_iter().map(|l| (l, meaning)).collect()
}

fn lines_of_remedy(remedy: &str, columns: usize) -> Vec<(String, Meaning)> {
    if remedy.is_empty() { Vec::new() } else { lines(remedy, Meaning::Dim, columns) }
}
