//! The prompt on the screen, and the menu over it.

use super::complete::Menu;
use crate::tui::app::{App, Focus, Layout};
use crate::tui::paint;
use crate::tui::theme::{Meaning, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::Widget;
use std::ops::Range;
use tui_textarea::{CursorMove, TextArea};

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
    let text = text_area(&layout);
    let mut editor = scrolled(app);
    editor.set_style(theme.style(Meaning::User));
    (&editor).render(text, buf);
    for (columns, y, _) in chips(app, text, buf) {
        let place = Rect { x: columns.start, y, width: columns.len() as u16, height: 1 };
        buf.set_style(place, theme.style(Meaning::Dim));
    }
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

fn text_area(layout: &Layout) -> Rect {
    let area = layout.prompt;
    let margin = layout.class.margin();
    Rect { x: area.x.saturating_add(margin), width: layout.prompt_columns().max(1), ..area }.intersection(layout.whole)
}

/// The editor as it is drawn. Laid out one line high, it scrolled to the cursor; here it shows as much before the cursor as
/// there is room for.
fn scrolled(app: &App) -> TextArea<'static> {
    let mut editor = app.prompt.area.clone();
    let cursor = editor.cursor();
    editor.scroll((i16::MIN + 1, 0));
    editor.move_cursor(CursorMove::Jump(clamp(cursor.0), clamp(cursor.1)));
    editor
}

/// Chips stand out a little: they are one thing, not text. Their columns, row and number where the editor has drawn them.
fn chips(app: &App, area: Rect, buf: &Buffer) -> Vec<(Range<u16>, u16, usize)> {
    let mut found = Vec::new();
    for y in area.top()..area.bottom() {
        let cells: Vec<&str> = (area.left()..area.right()).map(|x| buf.cell((x, y)).map_or(" ", |c| c.symbol())).collect();
        let line = cells.concat();
        for (number, chip) in app.prompt.chips.iter().enumerate() {
            // A label is ASCII, so bytes before it are columns where the rest is too; elsewhere it stays plain.
            let Some(at) = line.find(&chip.label).filter(|at| line[..*at].is_ascii()) else { continue };
            let column = |bytes: usize| area.x.saturating_add(clamp(bytes)).min(area.right());
            found.push((column(at)..column(at + chip.label.len()), y, number));
        }
    }
    found
}

/// The label of the chip that is drawn there.
pub fn chip_at(app: &App, at: Position) -> Option<String> {
    let area = text_area(&app.layout());
    if app.prompt.chips.is_empty() || !area.contains(at) {
        return None;
    }
    let mut buf = Buffer::empty(area);
    (&scrolled(app)).render(area, &mut buf);
    let chips = chips(app, area, &buf);
    let (.., number) = chips.into_iter().find(|(columns, y, _)| *y == at.y && columns.contains(&at.x))?;
    app.prompt.chips.get(number).map(|chip| chip.label.clone())
}

/// Where the menu lies, and the first of its candidates that is shown.
fn menu_place(menu: &Menu, layout: &Layout) -> (Rect, usize) {
    let room = layout.rule.y.saturating_sub(layout.title.height);
    let n = clamp(menu.candidates.len()).min(MENU_ROWS_MAX).min(room);
    let margin = layout.class.margin();
    let columns = layout.prompt.width.saturating_sub(margin.saturating_sub(2)).min(84);
    let area = Rect { x: margin.saturating_sub(2), y: layout.rule.y - n, width: columns, height: n };
    (area, menu.chosen.saturating_sub(usize::from(n).saturating_sub(1)))
}

/// The candidate in a row of the screen.
pub fn menu_row(menu: &Menu, layout: &Layout, at: Position) -> Option<usize> {
    let (area, first) = menu_place(menu, layout);
    area.contains(at).then(|| first + usize::from(at.y - area.y))
}

fn view_menu(menu: &Menu, theme: &Theme, layout: &Layout, buf: &mut Buffer) {
    let (area, first) = menu_place(menu, layout);
    if area.is_empty() {
        return;
    }
    paint::clear(buf, area, theme.style(Meaning::Raised));
    let (columns, n) = (area.width, area.height);
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
