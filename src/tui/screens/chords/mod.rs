//! What may follow the leader, after a moment of waiting.

use crate::tui::app::App;
use crate::tui::keymap::{LEADER, ROWS};
use crate::tui::paint;
use crate::tui::theme::{Meaning, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of one entry: key, and the help cut to what is left.
const ENTRY_COLUMNS: u16 = 46;
const KEY_COLUMNS: u16 = 9;

pub fn view(app: &App, theme: &Theme, buf: &mut Buffer) {
    let layout = app.layout();
    let chords = app.keymap.after_leader();
    let screen = Rect { height: layout.rule.y, ..layout.transcript_and_title() };
    let n_columns = (screen.width / ENTRY_COLUMNS).max(1);
    let n_rows = u16::try_from(chords.len()).unwrap_or(u16::MAX).div_ceil(n_columns);
    let height = n_rows.saturating_add(3).min(screen.height);
    let area = Rect { x: screen.x, y: screen.bottom() - height, width: screen.width, height };
    if area.is_empty() {
        return;
    }
    paint::clear(buf, area, theme.style(Meaning::Raised));
    let over = |meaning| paint::over(theme, meaning, Meaning::Raised);
    let margin = layout.class.margin();
    let title = format!("{} then", LEADER.shown());
    paint::put(buf, area.x + margin.min(area.width), area.y, area.right(), &title, over(Meaning::Dim));
    let columns = screen.width.saturating_sub(margin * 2) / n_columns;
    for (at, (chord, intent)) in chords.iter().enumerate() {
        let at = u16::try_from(at).unwrap_or(u16::MAX);
        let (column, row) = (at / n_rows.max(1), at % n_rows.max(1));
        let (x, y) = (area.x + margin + column * columns, area.y + 2 + row);
        if y + 1 > area.bottom() {
            continue;
        }
        let right = (x + columns).saturating_sub(2).min(area.right());
        paint::put(buf, x, y, right, &chord.shown(), over(Meaning::Accent));
        let help = ROWS.iter().find(|r| r.intent == *intent).map(|r| r.help).unwrap_or_default();
        paint::put(buf, x + KEY_COLUMNS, y, right, help, over(Meaning::Text));
    }
}
