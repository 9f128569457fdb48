//! The list on a raised surface with two cells of air.

use super::state::{Align, Mark, Row, State};
use super::update::{Done, hand, has_table};
use crate::text::{Shown, width};
use crate::tui::app::{Class, Layout};
use crate::tui::keymap::Intent;
use crate::tui::paint::{self, piece};
use crate::tui::theme::{Meaning, Theme};
use crate::tui::wrap;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

const COLUMNS_MAX: u16 = 96;
/// Fewer columns at each side show no words of what lies under.
const BESIDE_MIN: u16 = 12;
/// Fewer would show nothing to choose from.
const ROWS_MIN: u16 = 12;
/// Rows besides the list itself: head, air, foot and air.
const AROUND: u16 = 6;
/// Lines of details at most.
const DETAILS_MAX: usize = 4;
/// Where any row has details there is room for two lines of them.
const DETAILS_MIN: usize = 2;
/// Left of the first column, where rows have signs.
const SIGN_COLUMNS: u16 = 2;
/// Between columns.
const GAP: usize = 3;

/// Where a list lies: over the conversation, whose slivers would not be worth seeing beside it, or on the whole of a narrow
/// screen. The gauges stay.
fn place(layout: &Layout, list: &State) -> Rect {
    if layout.class <= Class::Compact {
        return layout.whole;
    }
    let under = layout.transcript_and_title();
    let columns = if under.width >= COLUMNS_MAX + 2 * BESIDE_MIN { COLUMNS_MAX } else { under.width };
    let wanted = u16::try_from(list.rows.len()).unwrap_or(u16::MAX).saturating_add(AROUND + DETAILS_MAX as u16 + 1);
    // What is read rather than chosen from takes all the room there is.
    let read = matches!(list.kind, super::Kind::Help | super::Kind::Keys);
    let most = if read { under.height } else { layout.whole.height.saturating_mul(2) / 3 }.min(under.height.saturating_sub(1));
    let rows = wanted.min(most).max(most.min(ROWS_MIN));
    Rect { x: under.x + (under.width - columns) / 2, y: under.y + (under.height - rows) / 3, width: columns, height: rows }
}

/// Rows of the list in a surface so high.
fn page(class: Class, area: Rect, details: usize) -> usize {
    let around = if class <= Class::Compact { 3 } else { AROUND };
    let details = if details > 0 { details + 1 } else { 0 };
    usize::from(area.height.saturating_sub(around)).saturating_sub(details).max(1)
}

/// Where the parts of a list are.
struct Shape {
    area: Rect,
    /// Without the air around.
    inner: Rect,
    /// Titles and rows.
    table: Rect,
    details: Vec<(String, Meaning)>,
    titled: bool,
    /// The first of the rows that are shown.
    first: usize,
}

impl Shape {
    fn of(list: &State, layout: &Layout) -> Self {
        let class = layout.class;
        let area = place(layout, list);
        let (air_x, air_y) = if class <= Class::Compact { (1, 0) } else { (3, 1) };
        let inner = Rect {
            x: area.x + air_x,
            y: area.y + air_y,
            width: area.width.saturating_sub(air_x * 2),
            height: area.height.saturating_sub(air_y * 2),
        };
        let details = details(list, class, inner);
        let n_page = page(class, area, details.len());
        let table = Rect { y: inner.y + 2, height: u16::try_from(n_page).unwrap_or(u16::MAX), ..inner }.intersection(inner);
        let titled =
            class > Class::Compact && list.columns.iter().any(|c| !c.title.is_empty()) && list.columns.len() > 1 && table.height > 2;
        let mut shape = Self { area, inner, table, details, titled, first: 0 };
        let room = usize::from(shape.rows().height).max(1);
        // Some rows below the chosen one stay in sight.
        let above = list.chosen.saturating_sub(room.saturating_sub(1).saturating_sub(room / 4));
        shape.first = above.min(list.shown.len().saturating_sub(room));
        shape
    }

    /// The table without its titles.
    fn rows(&self) -> Rect {
        let titles = u16::from(self.titled);
        Rect { y: self.table.y + titles, height: self.table.height.saturating_sub(titles), ..self.table }
    }
}

/// A click takes the row it is on, as Enter takes the chosen one; beside the list it closes it.
pub fn click(list: &mut State, layout: &Layout, at: Position) -> Done {
    let shape = Shape::of(list, layout);
    let rows = shape.rows();
    if !shape.area.contains(at) {
        return Done::Close;
    }
    let row = shape.first + usize::from(at.y.saturating_sub(rows.y));
    if !rows.contains(at) || list.shown.get(row).is_none_or(|found| list.rows[found.row].is_heading()) {
        return Done::Stay;
    }
    list.chosen = row;
    hand(list, Intent::Take)
}

pub fn view(list: &State, layout: &Layout, theme: &Theme, buf: &mut Buffer) -> Option<Position> {
    let class = layout.class;
    let shape = Shape::of(list, layout);
    let Shape { area, inner, .. } = shape;
    if area.is_empty() {
        return None;
    }
    if class <= Class::Compact {
        paint::clear(buf, area, theme.style(Meaning::Raised));
    } else {
        paint::surface(buf, area, theme);
    }
    let cursor = head(list, inner, theme, buf);
    rows(list, class, &shape, theme, buf);
    let foot_y = inner.bottom().saturating_sub(1);
    let first = foot_y.saturating_sub(u16::try_from(shape.details.len()).unwrap_or(0) + 1);
    for (y, (line, meaning)) in (first..).zip(&shape.details) {
        paint::put(buf, inner.x, y, inner.right(), line, theme.over(*meaning, Meaning::Raised));
    }
    if inner.height > 2 {
        paint::put(buf, inner.x, foot_y, inner.right(), &foot(list), theme.over(Meaning::Faint, Meaning::Raised));
    }
    cursor
}

/// What it is, the filter as typed, the count.
fn head(list: &State, inner: Rect, theme: &Theme, buf: &mut Buffer) -> Option<Position> {
    let over = |meaning| theme.over(meaning, Meaning::Raised);
    let x = paint::put(buf, inner.x, inner.y, inner.right(), &list.title, over(Meaning::Dim));
    let x = paint::put(buf, x + 3, inner.y, inner.right(), &list.filter, over(Meaning::User));
    let (shown, all) = list.counts();
    let count = if shown == all { format!("{all}") } else { format!("{shown} of {all}") };
    let count = if list.table { format!("{count} · letters act") } else { count };
    let columns = u16::try_from(width(&count)).unwrap_or(0);
    let right = inner.right().saturating_sub(columns);
    if right > x + 1 {
        paint::put(buf, right, inner.y, inner.right(), &count, over(Meaning::Faint));
    }
    (!list.table).then_some(Position { x: x.min(inner.right().saturating_sub(1)), y: inner.y })
}

/// What stands under the list about the chosen row.
fn details(list: &State, class: Class, inner: Rect) -> Vec<(String, Meaning)> {
    // Head, titles, foot, three rows of air, and as many of the list as there are, up to four, come first.
    let around = if class <= Class::Compact { 4 } else { 6 };
    let room = usize::from(inner.height).saturating_sub(around + list.rows.len().clamp(1, 4));
    let wrapped = |row: &Row| -> Vec<(String, Meaning)> {
        let sentences = row.details.iter().enumerate();
        let lines = sentences.flat_map(|(at, text)| {
            let meaning = if at == 0 { Meaning::Text } else { Meaning::Dim };
            wrap::wrap(Shown::line(text).as_str(), usize::from(inner.width)).into_iter().map(move |l| (l, meaning))
        });
        lines.collect()
    };
    let mut lines = list.chosen_row().map(wrapped).unwrap_or_default();
    // As much room for every row, so that the list does not move under the choice.
    let most = list.rows.iter().map(|r| r.details.len()).max().unwrap_or(0);
    let most = most.max(lines.len()).max(if most > 0 { DETAILS_MIN } else { 0 }).min(DETAILS_MAX).min(room);
    lines.truncate(most);
    lines.resize(most, (String::new(), Meaning::Dim));
    lines
}

fn foot(list: &State) -> String {
    let take = match list.kind {
        super::Kind::Models => "Enter load",
        super::Kind::RegenerateWith => "Enter answer",
        super::Kind::Conversations | super::Kind::Found => "Enter open",
        super::Kind::Palette | super::Kind::Help | super::Kind::Keys => "Enter do",
        super::Kind::Settings | super::Kind::Turns | super::Kind::Prompts => "Enter edit",
        super::Kind::Themes => "Enter keep",
        super::Kind::Facts => "Enter copy",
        super::Kind::Context => "Enter go there",
    };
    let table = match (has_table(list.kind), list.table, list.kind) {
        (false, ..) => "",
        (true, false, _) => "   Tab letters",
        (true, true, super::Kind::Conversations) => "   * star   d delete   s S sort   Tab filter",
        (true, true, super::Kind::Models | super::Kind::RegenerateWith) => "   i details   u unload   s S sort   Tab filter",
        (true, true, _) => "   s S sort   Tab filter",
    };
    format!("{take}{table}   Esc close")
}

/// Widths of the columns that are drawn; a dropped one has none.
fn widths(list: &State, room: usize) -> Vec<Option<usize>> {
    let cell = |row: &Row, at: usize| row.cells.get(at).map_or(0, |t| width(Shown::line(t).as_str()));
    let natural = |at: usize| {
        let rows = list.rows.iter().filter(|r| !r.is_heading()).map(|r| cell(r, at)).max().unwrap_or(0);
        rows.max(width(list.columns[at].title))
    };
    let mut widths: Vec<Option<usize>> = (0..list.columns.len()).map(|at| Some(natural(at))).collect();
    let total = |widths: &[Option<usize>]| {
        let kept: Vec<usize> = widths.iter().flatten().copied().collect();
        kept.iter().sum::<usize>() + GAP * kept.len().saturating_sub(1)
    };
    // A name of so many columns can still be told from others.
    let name_min = 24.min(room);
    while total(&widths).saturating_sub(widths[0].unwrap_or(0)) + name_min.min(widths[0].unwrap_or(0)) > room {
        let last =
            (0..widths.len()).filter(|at| widths[*at].is_some() && list.columns[*at].drop > 0).max_by_key(|at| list.columns[*at].drop);
        match last {
            Some(at) => widths[at] = None,
            None => break,
        }
    }
    let spread = list.columns.iter().any(|c| c.align == Align::Right);
    if let Some(first) = widths[0].as_mut().filter(|_| !spread && list.columns.len() > 1) {
        // A name and what it means: the meaning is the longer part.
        *first = (*first).min(room * 2 / 5);
    }
    let over = total(&widths).saturating_sub(room);
    if over > 0 {
        // The widest column gives way, so that a long help text is cut before a short name.
        if let Some(widest) = (0..widths.len()).filter(|at| widths[*at].is_some()).max_by_key(|at| widths[*at]) {
            widths[widest] = widths[widest].map(|w| w.saturating_sub(over).max(1));
        }
    }
    // The first column takes what is left, so that the others stand at the right edge.
    let left = room.saturating_sub(total(&widths));
    if let Some(first) = widths[0].as_mut().filter(|_| spread) {
        *first += left;
    }
    widths
}

fn rows(list: &State, class: Class, shape: &Shape, theme: &Theme, buf: &mut Buffer) {
    let area = shape.table;
    let sign_columns = if list.rows.iter().any(|r| r.mark != Mark::None) { SIGN_COLUMNS } else { 0 };
    let texts = Rect { x: area.x + sign_columns.min(area.width), width: area.width.saturating_sub(sign_columns), ..area };
    let widths = widths(list, usize::from(texts.width));
    if shape.titled {
        let titles: Vec<String> = list.columns.iter().map(|c| c.title.to_owned()).collect();
        cells(list, &titles, &widths, Rect { height: 1, ..texts }, |_| theme.over(Meaning::Faint, Meaning::Raised), buf);
    }
    let Rect { mut y, height, .. } = shape.rows();
    if list.shown.is_empty() {
        let text = if list.rows.is_empty() { list.empty } else { "nothing matches" };
        paint::put(buf, area.x, y, area.right(), text, theme.over(Meaning::Faint, Meaning::Raised));
    }
    for (at, found) in list.shown.iter().enumerate().skip(shape.first).take(usize::from(height).max(1)) {
        let row = &list.rows[found.row];
        let place = Rect { y, height: 1, ..area };
        let chosen = at == list.chosen && !row.is_heading();
        let under = if chosen { Meaning::Pick } else { Meaning::Raised };
        if chosen {
            let before = area.x.min(if class > Class::Compact { 2 } else { 1 });
            let wide = Rect { x: area.x - before, width: area.width + before + 1, ..place };
            paint::clear(buf, wide, theme.style(Meaning::Pick));
            paint::set(buf, wide.x, y, "▎", theme.over(Meaning::Accent, Meaning::Pick));
        }
        if row.is_heading() {
            let title = row.cells.first().map(String::as_str).unwrap_or_default();
            paint::row(buf, place, &[piece(title, Meaning::Accent)], &[], theme);
            restyle(buf, place, theme);
        } else {
            let style = |at: usize| theme.over(cell_meaning(list, row, at), under);
            let starts = cells(list, &row.cells, &widths, Rect { y, height: 1, ..texts }, style, buf);
            marks(row, &found.marks, &starts, y, buf);
            sign(row, area, y, theme, under, buf);
        }
        y += 1;
    }
}

/// `paint::row` writes on the plain ground; on the raised one its background is kept.
fn restyle(buf: &mut Buffer, area: Rect, theme: &Theme) {
    if let Some(ground) = theme.style(Meaning::Raised).bg {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, area.y)) {
                cell.set_bg(ground);
            }
        }
    }
}

fn cell_meaning(list: &State, row: &Row, at: usize) -> Meaning {
    match (row.mark, at) {
        (Mark::Bad, _) => Meaning::Faint,
        (_, 0) => Meaning::Text,
        (_, 1) if list.columns.len() == 2 => Meaning::Dim,
        _ => Meaning::Dim,
    }
}

/// What is used now, starred or broken, by a sign at the row's left.
fn sign(row: &Row, area: Rect, y: u16, theme: &Theme, under: Meaning, buf: &mut Buffer) {
    let (sign, meaning) = match row.mark {
        Mark::None => return,
        Mark::Current => ("●", Meaning::Good),
        Mark::Star => ("★", Meaning::Dim),
        Mark::Bad => ("✗", Meaning::Bad),
    };
    paint::set(buf, area.x, y, sign, theme.over(meaning, under));
}

/// Draws a row's cells; returns where each text begins and ends.
fn cells(
    list: &State,
    texts: &[String],
    widths: &[Option<usize>],
    area: Rect,
    style: impl Fn(usize) -> ratatui::style::Style,
    buf: &mut Buffer,
) -> Vec<Option<(u16, u16)>> {
    let mut x = area.x;
    let mut out = Vec::with_capacity(texts.len());
    for (at, column) in list.columns.iter().enumerate() {
        let Some(columns) = widths[at] else {
            out.push(None);
            continue;
        };
        let columns = u16::try_from(columns).unwrap_or(u16::MAX);
        let right = x.saturating_add(columns).min(area.right());
        let text = texts.get(at).map(String::as_str).unwrap_or_default();
        let taken = u16::try_from(width(Shown::line(text).as_str())).unwrap_or(u16::MAX);
        let start = match column.align {
            Align::Left => x,
            Align::Right => right.saturating_sub(taken.min(columns)).max(x),
        };
        paint::put(buf, start, area.y, right, text, style(at));
        out.push(Some((start, right)));
        x = right.saturating_add(GAP as u16);
    }
    out
}

fn marks(row: &Row, marks: &[(usize, usize)], starts: &[Option<(u16, u16)>], y: u16, buf: &mut Buffer) {
    for (at, text) in row.cells.iter().enumerate() {
        let marked: Vec<usize> = marks.iter().filter(|(cell, _)| *cell == at).map(|(_, c)| *c).collect();
        if let Some(Some((start, right))) = starts.get(at).filter(|_| !marked.is_empty()) {
            paint::mark(buf, *start, y, *right, Shown::line(text).as_str(), &marked);
        }
    }
}
