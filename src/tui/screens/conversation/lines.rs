//! A turn's lines as they are drawn.

use crate::tui::markdown::{LinkSpan, Rendered};
use ratatui::text::{Line, Span};

/// A line with what stands beside it.
#[derive(Debug, Clone, Default)]
pub struct TurnLine {
    pub line: Line<'static>,
    /// The accent bar of what a person said.
    pub bar: bool,
    /// At the right edge: the time.
    pub right: Option<Span<'static>>,
    /// It stands for what was thought, open or folded.
    pub fold: bool,
}

/// All lines of a turn. Those of an answer's text may be thousands: they are the document's own, not copied.
#[derive(Debug, Default)]
pub struct TurnLines {
    pub head: Vec<TurnLine>,
    pub body: Rendered,
    /// Behind the body's last line, while the answer grows.
    pub cursor: Option<Span<'static>>,
    pub tail: Vec<TurnLine>,
}

/// One line of a turn.
#[derive(Debug, Clone, Copy)]
pub struct LineView<'a> {
    pub line: &'a Line<'static>,
    pub cursor: Option<&'a Span<'static>>,
    pub bar: bool,
    pub right: Option<&'a Span<'static>>,
    pub fold: bool,
    pub links: &'a [LinkSpan],
}

impl TurnLines {
    pub fn len(&self) -> usize {
        self.head.len() + self.body.lines.len() + self.tail.len()
    }

    pub fn get(&self, n: usize) -> Option<LineView<'_>> {
        if let Some(own) = self.head.get(n) {
            return Some(own.view());
        }
        let n = n - self.head.len();
        let Some(line) = self.body.lines.get(n) else {
            return self.tail.get(n - self.body.lines.len()).map(TurnLine::view);
        };
        let cursor = self.cursor.as_ref().filter(|_| n + 1 == self.body.lines.len());
        Some(LineView { line, cursor, bar: false, right: None, fold: false, links: self.body.links_of(n) })
    }

    pub fn iter(&self) -> impl Iterator<Item = LineView<'_>> {
        (0..self.len()).filter_map(|n| self.get(n))
    }
}

impl TurnLine {
    fn view(&self) -> LineView<'_> {
        LineView { line: &self.line, cursor: None, bar: self.bar, right: self.right.as_ref(), fold: self.fold, links: &[] }
    }
}
