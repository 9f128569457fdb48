//! The question on a raised surface.

use super::state::State;
use crate::text::Shown;
use crate::tui::paint;
use crate::tui::theme::{Meaning, Theme};
use crate::tui::wrap;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const COLUMNS_MAX: u16 = 64;

pub fn view(ask: &State, screen: Rect, theme: &Theme, buf: &mut Buffer) {
    let columns = screen.width.min(COLUMNS_MAX);
    let lines = wrap::wrap(Shown::line(&ask.question).as_str(), usize::from(columns.saturating_sub(6)));
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(4).min(screen.height);
    let (x, y) = ((screen.width - columns) / 2, (screen.height - rows) / 3);
    let area = Rect { x: screen.x + x, y: screen.y + y, width: columns, height: rows };
    paint::surface(buf, area, theme);
    let x = area.x + 3.min(area.width);
    let over = |meaning| theme.over(meaning, Meaning::Raised);
    for (line, y) in lines.iter().zip(area.y + 1..area.bottom()) {
        paint::put(buf, x, y, area.right(), line, over(Meaning::User));
    }
    let keys = format!("y {}   n keeps it", ask.yes);
    paint::put(buf, x, area.bottom().saturating_sub(2), area.right(), &keys, over(Meaning::Dim));
}
