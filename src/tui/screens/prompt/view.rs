//! The prompt on the screen, and the menu over it.

use super::complete::Menu;
use crate::tui::app::{App, Focus, Layout};
use crate::tui::paint;
use crate::tui::theme::{Meaning, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::Widget;
use tui_textarea::CursorMove;

/// Rows of the menu at most: more would cover what is read while typing.
const MENU_ROWS_MAX: u16 = 8;

/// Draws the prompt; says where the terminal's cursor belongs, if the prompt has the keys.
pub fn view(app: &App, theme: &Theme, buf: &mut Buffer) -> Option<Position> {
    let layout = app.layout();
    let area = layout.prompt;
    if area.is_empty() {
        return None;
    }
    let margin = layout.class.margin();
    let has_keys = app.focus == Focus::Prompt && app.overlays.is_empty();
    let sign = if has_keys { Meaning::Accent } else { Meaning::Faint };
    paint::put(buf, area.x + margin - 2, area.y, area.right(), "›", theme.style(sign));
    let text = Rect { x: area.x.saturating_add(margin), width: layout.prompt_columns().max(1), ..area }.intersection(layout.whole);
    let mut editor = app.prompt.area.clone();
    // Laid out one line high, it scrolled to the cursor; here it shows as much before the cursor as there is room for.
    let cursor = editor.cursor();
    editor.scroll((i16::MIN + 1, 0));
    editor.move_cursor(CursorMove::Jump(clamp(cursor.0), clamp(cursor.1)));
    editor.set_style(theme.style(Meaning::User));
    (&editor).render(text, buf);
    chips(app, theme, text, buf);
    if let Some(menu) = app.prompt.menu.as_ref().filter(|_| has_keys) {
        view_menu(menu, theme, &layout, buf);
    }
    let at = editor.screen_cursor();
    let top = usize::from(editor.scroll_offset().0);
    let column = u16::try_from(at.col).unwrap_or(u16::MAX).min(text.width.saturating_sub(1));
    let row = u16::try_from(at.row.saturating_sub(top)).unwrap_or(u16::MAX).min(text.height.saturating_sub(1));
    has_keys.then_some(Position { x: text.x + column, y: text.y + row })
}

fn clamp(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// Chips stand out a little: they are one thing, not text.
fn chips(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    for y in area.top()..area.bottom() {
        let cells: Vec<&str> = (area.left()..area.right()).map(|x| buf.cell((x, y)).map_or(" ", |c| c.symbol())).collect();
        let line = cells.concat();
        for chip in &app.prompt.chips {
            // A label is ASCII, so bytes before it are columns where the rest is too; elsewhere it stays plain.
            let Some(at) = line.find(&chip.label).filter(|at| line[..*at].is_ascii()) else { continue };
            for x in at..at + chip.label.len() {
                if let Some(cell) = u16::try_from(x).ok().and_then(|x| buf.cell_mut((area.x.saturating_add(x), y))) {
                    cell.set_style(theme.style(Meaning::Dim));
                }
            }
        }
    }
}

fn view_menu(menu: &Menu, theme: &Theme, layout: &Layout, buf: &mut Buffer) {
    let n =
        u16::try_from(menu.candidates.len()).unwrap_or(u16::MAX).min(MENU_ROWS_MAX).min(layout.rule.y.saturating_sub(layout.title.height));
    if n == 0 {
        return;
    }
    let margin = layout.class.margin();
    let columns = layout.prompt.width.saturating_sub(margin.saturating_sub(2)).min(84);
    let area = Rect { x: margin.saturating_sub(2), y: layout.rule.y - n, width: columns, height: n };
    paint::clear(buf, area, theme.style(Meaning::Raised));
    if !theme.has_surfaces() && area.y > 0 {
        paint::rule(buf, Rect { y: area.y - 1, height: 1, ..area }, theme);
    }
    let first = menu.chosen.saturating_sub(usize::from(n) - 1);
    let names = menu.candidates.iter().map(|c| c.shown.chars().count()).max().unwrap_or(0).min(usize::from(columns) / 2);
    for (at, candidate) in menu.candidates.iter().enumerate().skip(first).take(usize::from(n)) {
        let y = area.y + u16::try_from(at - first).unwrap_or(0);
        let row = Rect { y, height: 1, ..area };
        let chosen = at == menu.chosen;
        if chosen {
            paint::clear(buf, row, theme.style(Meaning::Pick));
            paint::set(buf, area.x, y, "▎", theme.over(Meaning::Accent, Meaning::Pick));
        }
        let over = |meaning| theme.over(meaning, if chosen { Meaning::Pick } else { Meaning::Raised });
        let x = area.x + 2;
        paint::put(
            buf,
            x,
            y,
            x.saturating_add(u16::try_from(names).unwrap_or(u16::MAX)).min(area.right()),
            &candidate.shown,
            over(Meaning::Text),
        );
        let help = x.saturating_add(u16::try_from(names + 3).unwrap_or(u16::MAX));
        paint::put(buf, help, y, area.right().saturating_sub(1), &candidate.help, over(Meaning::Dim));
    }
}
