//! Styled text into rows of at most so many columns.

use crate::text::width;
use ratatui::style::Style;
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;

/// A piece of a row: clean text of one style, maybe part of a link.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece<'a> {
    pub text: Cow<'a, str>,
    pub style: Style,
    pub link: Option<usize>,
}

impl<'a> Piece<'a> {
    pub(super) fn new(text: impl Into<Cow<'a, str>>, style: Style) -> Self {
        Self { text: text.into(), style, link: None }
    }
}

/// One row of pieces.
pub(super) type Row = Vec<Piece<'static>>;

pub(super) fn row_width(row: &[Piece<'_>]) -> usize {
    row.iter().map(|piece| width(&piece.text)).sum()
}

/// One grapheme on its way into a row.
struct Cell<'a> {
    text: &'a str,
    columns: usize,
    piece: usize,
}

impl<'a> Cell<'a> {
    /// A grapheme wider than a whole row can only be hinted at.
    fn new(text: &'a str, piece: usize, room: usize) -> Self {
        match width(text) {
            columns if columns <= room => Self { text, columns, piece },
            _ => Self { text: "…", columns: 1, piece },
        }
    }
}

/// Signs that never begin a row, and signs that never end one, among wide text (the commonest of UAX 14's CL, CP, NS, OP).
const NEVER_FIRST: &str = "、。，．・：；？！）］｝」』】〉》〕ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ";
const NEVER_LAST: &str = "（［｛「『【〈《〔";

/// Breaks at spaces, behind hyphens and between wide characters; inside a word only where it is longer than a row. A
/// `\n` always breaks.
pub(super) fn wrap(pieces: &[Piece<'_>], columns: usize) -> Vec<Row> {
    let columns = columns.max(1);
    let cells: Vec<Cell<'_>> =
        pieces.iter().enumerate().flat_map(|(piece, p)| p.text.graphemes(true).map(move |text| Cell::new(text, piece, columns))).collect();
    let mut rows = Vec::new();
    let mut start = 0;
    // Where the row may end, and the columns up to where the one being filled now is.
    let (mut may_break, mut used, mut i) = (0, 0, 0);
    while let Some(cell) = cells.get(i) {
        if cell.text == "\n" {
            rows.push(row(&cells[start..i], pieces));
            (start, may_break, used, i) = (i + 1, i + 1, 0, i + 1);
            continue;
        }
        if used + cell.columns > columns && i > start {
            let end = match (cell.text == " ", may_break > start) {
                (true, _) => i,
                (false, true) => may_break,
                (false, false) => i,
            };
            rows.push(row(&cells[start..end], pieces));
            start = end;
            while cells.get(start).is_some_and(|c| c.text == " ") {
                start += 1;
            }
            i = i.max(start);
            used = cells.get(start..i).unwrap_or_default().iter().map(|c| c.columns).sum();
            may_break = start;
            continue;
        }
        used += cell.columns;
        i += 1;
        if cells.get(i).is_some_and(|next| breaks_between(&cells[i - 1], next, i - 1 > start)) {
            may_break = i;
        }
    }
    rows.push(row(cells.get(start..).unwrap_or_default(), pieces));
    rows
}

/// Whether a row may end between two graphemes.
fn breaks_between(left: &Cell<'_>, right: &Cell<'_>, in_word: bool) -> bool {
    let first = |cell: &Cell<'_>| cell.text.chars().next().unwrap_or(' ');
    let (l, r) = (first(left), first(right));
    match (left.text, right.text) {
        (" ", " ") => false,
        (" ", _) => true,
        // `-5` and `--flag` stay whole, `well-known` may break.
        ("-", _) => in_word && r.is_alphabetic(),
        _ => (left.columns == 2 || right.columns == 2) && !NEVER_FIRST.contains(r) && !NEVER_LAST.contains(l) && r != ' ' && !is_closing(r),
    }
}

fn is_closing(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '}' | '"' | '\'' | '”' | '’' | '»')
}

/// Cells back into pieces, without the spaces at the end.
fn row(cells: &[Cell<'_>], pieces: &[Piece<'_>]) -> Row {
    let n = cells.iter().rposition(|c| c.text != " ").map_or(0, |last| last + 1);
    join(&cells[..n], pieces)
}

fn join(cells: &[Cell<'_>], pieces: &[Piece<'_>]) -> Row {
    let mut row: Row = Vec::new();
    let mut last = None;
    for cell in cells {
        if last == Some(cell.piece)
            && let Some(piece) = row.last_mut()
        {
            piece.text.to_mut().push_str(cell.text);
            continue;
        }
        let piece = &pieces[cell.piece];
        row.push(Piece { text: Cow::Owned(cell.text.to_owned()), style: piece.style, link: piece.link });
        last = Some(cell.piece);
    }
    row
}

/// Rows of exactly these columns but for the last: for code, where a space is as good as a letter. The first row may be
/// narrower.
pub(super) fn cut(pieces: &[Piece<'_>], first_columns: usize, columns: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut cells: Vec<Cell<'_>> = Vec::new();
    let columns = columns.max(1);
    let (mut used, mut room) = (0, first_columns.max(1));
    for (piece, p) in pieces.iter().enumerate() {
        for text in p.text.graphemes(true) {
            let cell = Cell::new(text, piece, columns);
            if used + cell.columns > room && !cells.is_empty() {
                rows.push(join(&cells, pieces));
                cells.clear();
                (used, room) = (0, columns);
            }
            used += cell.columns;
            cells.push(cell);
        }
    }
    rows.push(join(&cells, pieces));
    rows
}
