//! Tables without outer lines: columns that line up, a dim header, cells that wrap where there is no room.

use super::layout::{Frame, pieces};
use super::leaf::{Runs, Table};
use super::wrap::{Piece, Row, row_width, wrap};
use crate::text::HttpUrl;
use crate::tui::theme::Meaning;
use pulldown_cmark::Alignment;
use ratatui::style::{Modifier, Style};
use std::rc::Rc;

/// Air at a table's left.
const INDENT: usize = 2;
/// Between columns.
const GAP: usize = 3;
/// A column narrower than this breaks every word: then rows are told one under the other.
const COLUMN_MIN: usize = 7;

/// How a table lies: the columns' widths, absent where rows are told one under the other.
#[derive(PartialEq)]
struct Shape {
    widths: Option<Vec<usize>>,
    indent: usize,
    has_header: bool,
    /// Rows of several lines need air between them to be told apart.
    airy: bool,
}

impl Shape {
    fn of(table: &Table, room: usize, frame: Frame<'_>) -> Self {
        let with_signs = !frame.theme.has_surfaces();
        let all = || table.rows.iter().map(Rc::as_ref).chain([&table.header]);
        let natural: Vec<usize> =
            (0..table.alignments.len()).map(|at| all().map(|row| row.columns(at, with_signs)).max().unwrap_or(0)).collect();
        let indent = if room > 40 { INDENT } else { 0 };
        let widths = shrink(&natural, room.saturating_sub(indent));
        let wraps = |widths: &Vec<usize>| table.rows.iter().any(|row| row.wraps(widths, with_signs));
        let has_header = (0..table.header.cells.len()).any(|at| table.header.columns(at, with_signs) > 0);
        Self { airy: widths.as_ref().is_some_and(wraps), widths, indent, has_header }
    }
}

/// How many lines of a growing table stand as they are: header and whole rows, where each is one line and no column has
/// become wider.
pub(super) fn standing_lines(old: &Table, new: &Table, room: usize, frame: Frame<'_>) -> usize {
    let (shape, with_signs) = (Shape::of(old, room, frame), !frame.theme.has_surfaces());
    let Some(widths) = shape.widths.as_ref().filter(|_| !shape.airy) else { return 0 };
    let n = old.rows.len().saturating_sub(1);
    let same = old.header == new.header && old.rows.iter().take(n).eq(new.rows.iter().take(n));
    if !same || new.header.wraps(widths, with_signs) || shape != Shape::of(new, room, frame) {
        return 0;
    }
    n + usize::from(shape.has_header)
}

/// Rows of a table, and where its links lead. `skip`: so many lines are left out, since they stand already.
pub(super) fn lay(table: &Table, room: usize, base: Style, frame: Frame<'_>, skip: usize) -> (Vec<Row>, Vec<HttpUrl>) {
    let mut links = Vec::new();
    let dim = frame.theme.style(Meaning::Dim);
    let shape = Shape::of(table, room, frame);
    // What stands is whole lines: the header's one and one for each row.
    let n_rows = skip.saturating_sub(usize::from(shape.has_header));
    let header = cells(&table.header.cells, dim, frame, &mut links);
    let rows: Vec<Vec<Cell<'_>>> = table.rows.iter().skip(n_rows).map(|row| cells(&row.cells, base, frame, &mut links)).collect();
    let out = match &shape.widths {
        Some(widths) => grid(table, (skip == 0 && shape.has_header).then_some(&header), &rows, widths, &shape),
        None => records(&header, &rows, room),
    };
    (out, links)
}

type Cell<'a> = Vec<Piece<'a>>;

/// A row's cells. Links are numbered over the whole table.
fn cells<'a>(row: &'a [Runs], base: Style, frame: Frame<'_>, links: &mut Vec<HttpUrl>) -> Vec<Cell<'a>> {
    let cell = |runs: &'a Runs| {
        let offset = links.len();
        links.extend(runs.links.iter().cloned());
        let mut pieces = pieces(runs, base, frame);
        for piece in &mut pieces {
            piece.link = piece.link.map(|link| link + offset);
        }
        pieces
    };
    row.iter().map(cell).collect()
}

/// Widths that fit: the widest columns give way first, all to the same width. `None` if words would be cut to pieces.
fn shrink(natural: &[usize], room: usize) -> Option<Vec<usize>> {
    let room = room.checked_sub(GAP * natural.len().saturating_sub(1))?;
    let fits = |most: usize| natural.iter().map(|w| (*w).min(most)).sum::<usize>() <= room;
    let widest = natural.iter().copied().max().unwrap_or(0);
    if fits(widest) {
        return Some(natural.to_vec());
    }
    let most = (COLUMN_MIN..widest).rev().find(|most| fits(*most))?;
    let mut widths: Vec<usize> = natural.iter().map(|w| (*w).min(most)).collect();
    let mut left = room - widths.iter().sum::<usize>();
    for (width, natural) in widths.iter_mut().zip(natural) {
        let more = (natural - *width).min(left).min(1);
        *width += more;
        left -= more;
    }
    Some(widths)
}

fn grid(table: &Table, header: Option<&Vec<Cell<'_>>>, rows: &[Vec<Cell<'_>>], widths: &[usize], shape: &Shape) -> Vec<Row> {
    let mut out = Vec::new();
    if let Some(header) = header {
        grid_row(header, table, widths, shape.indent, &mut out);
    }
    for (i, row) in rows.iter().enumerate() {
        if shape.airy && i > 0 {
            out.push(Vec::new());
        }
        grid_row(row, table, widths, shape.indent, &mut out);
    }
    out
}

fn grid_row(row: &[Cell<'_>], table: &Table, widths: &[usize], indent: usize, out: &mut Vec<Row>) {
    let wrapped: Vec<Vec<Row>> = row.iter().zip(widths).map(|(cell, width)| wrap(cell, *width)).collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..height {
        let mut built: Row = Vec::new();
        // Air that is not yet written: none is at a row's end.
        let mut air = indent;
        for (i, width) in widths.iter().enumerate() {
            let content = wrapped.get(i).and_then(|rows| rows.get(line)).cloned().unwrap_or_default();
            let left = width.saturating_sub(row_width(&content));
            let before = match table.alignments.get(i) {
                Some(Alignment::Right) => left,
                Some(Alignment::Center) => left / 2,
                _ => 0,
            };
            air += before;
            if !content.is_empty() {
                built.push(Piece::new(" ".repeat(air), Style::new()));
                built.extend(content);
                air = 0;
            } else {
                air += width - left;
            }
            air += left - before + GAP;
        }
        built.retain(|piece| !piece.text.is_empty());
        out.push(built);
    }
}

/// For narrow screens: each row as lines of `header value`.
fn records(header: &[Cell<'_>], rows: &[Vec<Cell<'_>>], room: usize) -> Vec<Row> {
    let mut out: Vec<Row> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        if i > 0 {
            out.push(Vec::new());
        }
        for (at, cell) in row.iter().enumerate() {
            let mut line: Cell<'_> = header.get(at).cloned().unwrap_or_default();
            let dim = line.first().map(|piece| piece.style).unwrap_or_default();
            if !line.is_empty() {
                line.push(Piece::new("  ", dim));
            }
            if at == 0 {
                line.extend(cell.iter().cloned().map(|piece| Piece { style: piece.style.add_modifier(Modifier::BOLD), ..piece }));
            } else {
                line.extend(cell.iter().cloned());
            }
            out.extend(wrap(&line, room));
        }
    }
    out
}
