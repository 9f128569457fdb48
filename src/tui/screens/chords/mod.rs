//! What may follow the leader, after a moment of waiting.

use crate::tui::app::App;
use crate::tui::keymap::LEADER;
use crate::tui::paint;
use crate::tui::theme::{Meaning, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of one entry that shows most of its help.
const ENTRY_COLUMNS: u16 = 38;
const KEY_COLUMNS: u16 = 8;
const NARROW_KEY_COLUMNS: u16 = 7;
/// In columns narrower than this an action's name says more than the beginning of its help.
const HELP_COLUMNS_MIN: u16 = 28;
/// Head, air below it, air at the end.
const AROUND: u16 = 3;

pub fn view(app: &App, theme: &Theme, buf: &mut Buffer) {
    let layout = app.layout();
    let chords = app.keymap.after_leader();
    let screen = Rect { height: layout.rule.y, ..layout.transcript_and_title() };
    let n = u16::try_from(chords.len()).unwrap_or(u16::MAX);
    let room = screen.height.saturating_sub(AROUND).max(1);
    // Rather short helps than keys that do not show.
    let n_columns = (screen.width / ENTRY_COLUMNS).clamp(1, 3).max(n.div_ceil(room));
    let n_rows = n.div_ceil(n_columns);
    let height = n_rows.saturating_add(AROUND).min(screen.height);
    let area = Rect { x: screen.x, y: screen.bottom() - height, width: screen.width, height };
    if area.is_empty() {
        return;
    }
    paint::clear(buf, area, theme.style(Meaning::Raised));
    if !theme.has_surfaces() && area.y > screen.y {
        paint::rule(buf, Rect { y: area.y - 1, height: 1, ..area }, theme);
    }
    let over = |meaning| theme.over(meaning, Meaning::Raised);
    let margin = layout.class.margin();
    let title = format!("{} then", LEADER.shown());
    paint::put(buf, area.x + margin.min(area.width), area.y, area.right(), &title, over(Meaning::Dim));
    let columns = screen.width.saturating_sub(margin * 2) / n_columns;
    for (at, (chord, intent)) in chords.iter().enumerate() {
        let at = u16::try_from(at).unwrap_or(u16::MAX);
        let (column, row) = (at / n_rows.max(1), at % n_rows.max(1));
        let (x, y) = (area.x + margin + column * columns, area.y + 2 + row);
        if y >= area.bottom() {
            continue;
        }
        let right = (x + columns).saturating_sub(2).min(area.right());
        paint::put(buf, x, y, right, &chord.shown(), over(Meaning::Accent));
        let row = intent.row();
        let narrow = columns < HELP_COLUMNS_MIN;
        let help = if narrow { row.id.replace('_', " ") } else { row.help.to_owned() };
        paint::put(buf, x + if narrow { NARROW_KEY_COLUMNS } else { KEY_COLUMNS }, y, right, &help, over(Meaning::Text));
    }
}
