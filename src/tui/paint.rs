//! Text into cells. Everything that a screen writes itself goes through here, and so through `text::Shown`.

use super::theme::{Meaning, Theme};
use crate::text::{Shown, width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

/// A piece of a row.
pub type Piece = (String, Meaning);

pub fn piece(text: impl Into<String>, meaning: Meaning) -> Piece {
    (text.into(), meaning)
}

/// Writes one line, cut where the area ends; returns the column behind it.
pub fn put(buf: &mut Buffer, x: u16, y: u16, right: u16, text: &str, style: Style) -> u16 {
    let area = buf.area;
    if y < area.y || y >= area.bottom() || x < area.x || x >= right.min(area.right()) {
        return x;
    }
    let room = usize::from(right.min(area.right()) - x);
    let shown = Shown::line(text).cut(room);
    buf.set_stringn(x, y, shown.as_str(), room, style).0
}

/// Pieces from the left, others right-aligned. The right ones are left out before the left ones are cut into.
pub fn row(buf: &mut Buffer, area: Rect, left: &[Piece], right: &[Piece], theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let columns = |pieces: &[Piece]| pieces.iter().map(|(t, _)| width(Shown::line(t).as_str())).sum::<usize>();
    let mut x = area.x;
    for (text, meaning) in left {
        x = put(buf, x, area.y, area.right(), text, theme.style(*meaning));
    }
    let taken = u16::try_from(columns(right)).unwrap_or(u16::MAX);
    let gap = u16::from(x > area.x);
    if taken > 0 && x.saturating_add(taken).saturating_add(gap) <= area.right() {
        let mut x = area.right() - taken;
        for (text, meaning) in right {
            x = put(buf, x, area.y, area.right(), text, theme.style(*meaning));
        }
    }
}

pub fn centred(buf: &mut Buffer, area: Rect, pieces: &[Piece], theme: &Theme) {
    let columns: usize = pieces.iter().map(|(t, _)| width(Shown::line(t).as_str())).sum();
    let columns = u16::try_from(columns).unwrap_or(u16::MAX).min(area.width);
    let inset = (area.width - columns) / 2;
    row(buf, Rect { x: area.x + inset, width: area.width - inset, ..area }, pieces, &[], theme);
}

/// A thin line across.
pub fn rule(buf: &mut Buffer, area: Rect, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    for x in area.left()..area.right() {
        set(buf, x, area.y, "─", theme.style(Meaning::Rule));
    }
}

/// One cell, where there is one.
pub fn set(buf: &mut Buffer, x: u16, y: u16, symbol: &str, style: Style) {
    if let Some(cell) = buf.cell_mut((x, y)) {
        cell.set_symbol(symbol).set_style(style);
    }
}

/// Makes cells part of a link, where there is a number for it.
pub fn link(buf: &mut Buffer, y: u16, columns: std::ops::Range<u16>, mark: Modifier) {
    for x in columns {
        if let Some(cell) = buf.cell_mut((x, y)) {
            cell.modifier |= mark;
        }
    }
}

/// What lies over the rest. Where a theme cannot show that by its ground, thin lines do, on the rows of air above and below.
pub fn surface(buf: &mut Buffer, area: Rect, theme: &Theme) {
    clear(buf, area, theme.style(Meaning::Raised));
    if !theme.has_surfaces() && area.height > 2 {
        let line = Rect { x: area.x + 1, width: area.width.saturating_sub(1), height: 1, ..area };
        rule(buf, line, theme);
        rule(buf, Rect { y: area.bottom() - 1, ..line }, theme);
    }
}

/// Everything under it is gone.
pub fn clear(buf: &mut Buffer, area: Rect, style: Style) {
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }
}

/// Underlines single characters of a text that stands at `x`: what a filter matched.
pub fn mark(buf: &mut Buffer, x: u16, y: u16, right: u16, text: &str, marked: &[usize]) {
    let mut column = 0usize;
    for (at, c) in text.chars().enumerate() {
        let columns = width(c.encode_utf8(&mut [0; 4]));
        let place = u16::try_from(column).ok().and_then(|c| x.checked_add(c)).filter(|x| *x < right);
        if let Some(x) = place.filter(|_| marked.contains(&at))
            && let Some(cell) = buf.cell_mut((x, y))
        {
            cell.set_style(Style::new().add_modifier(Modifier::UNDERLINED | Modifier::BOLD));
        }
        column += columns;
    }
}
