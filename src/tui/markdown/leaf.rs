//! What a document is made of once its nesting is flattened: a list of leaves, each knowing what it stands in.

use crate::text::{HttpUrl, Shown, width};
use crate::tui::theme::Meaning;
use pulldown_cmark::Alignment;
use std::rc::Rc;

/// The backticks around code where no surface sets it apart.
const CODE_SIGN_COLUMNS: usize = 2;

/// How a piece of running text is set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Look {
    pub strong: bool,
    pub emphasis: bool,
    pub struck: bool,
    pub code: bool,
    /// The address after a link's text.
    pub target: bool,
    /// Index into the leaf's links.
    pub link: Option<usize>,
}

/// A piece of running text of one look. `\n` alone is a line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub text: Shown,
    pub look: Look,
}

/// Running text and where its links lead.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Runs {
    pub runs: Vec<Run>,
    pub links: Vec<HttpUrl>,
}

/// Something that holds leaves and stands at their left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    /// Where it begins in the source, which tells it from its neighbours.
    pub start: usize,
    pub kind: ContainerKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ContainerKind {
    Quote,
    /// Its sign, drawn before the first leaf; spaces of the same width before the others.
    Item {
        marker: String,
        meaning: Meaning,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    Text {
        runs: Runs,
        /// 0: a paragraph; 1 to 6: a heading.
        heading: u8,
    },
    Code {
        language: Shown,
        lines: Vec<Shown>,
    },
    Table(Table),
    Rule,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    pub alignments: Vec<Alignment>,
    pub header: TableRow,
    /// Shared with the table as it was before it grew.
    pub rows: Vec<Rc<TableRow>>,
}

/// A row, measured once: a growing table lays out only what is new.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TableRow {
    pub cells: Vec<Runs>,
    measures: Vec<Measure>,
}

/// What a cell takes where nothing limits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Measure {
    columns: usize,
    /// The same where code has its signs around it.
    columns_with_signs: usize,
    n_lines: usize,
}

impl TableRow {
    pub(super) fn new(cells: Vec<Runs>) -> Self {
        let measures = cells.iter().map(Measure::of).collect();
        Self { cells, measures }
    }

    /// Columns of a cell; none where there is no such cell.
    pub(super) fn columns(&self, cell: usize, with_signs: bool) -> usize {
        self.measures.get(cell).map_or(0, |m| if with_signs { m.columns_with_signs } else { m.columns })
    }

    /// Whether a cell takes more than one line in columns so wide.
    pub(super) fn wraps(&self, widths: &[usize], with_signs: bool) -> bool {
        let wraps =
            |(at, measure): (usize, &Measure)| measure.n_lines > 1 || self.columns(at, with_signs) > widths.get(at).copied().unwrap_or(0);
        self.measures.iter().enumerate().any(wraps)
    }
}

impl Measure {
    fn of(runs: &Runs) -> Self {
        let (mut out, mut line) = (Self { n_lines: 1, ..Self::default() }, (0, 0));
        for run in &runs.runs {
            if run.text.as_str() == "\n" {
                line = (0, 0);
                out.n_lines += 1;
                continue;
            }
            let columns = width(run.text.as_str());
            line = (line.0 + columns, line.1 + columns + if run.look.code { CODE_SIGN_COLUMNS } else { 0 });
            out.columns = out.columns.max(line.0);
            out.columns_with_signs = out.columns_with_signs.max(line.1);
        }
        out
    }
}

/// A leaf of the flattened document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    /// Byte range in the source, as the parser tells it.
    pub start: usize,
    pub end: usize,
    /// Outermost first.
    pub containers: Vec<Container>,
    /// How many of the innermost containers this is the first leaf of: their markers are drawn before it.
    pub n_opened: usize,
    /// An empty line before it.
    pub gap: bool,
    /// How many containers that empty line shares with the leaf before: a quote's bar goes through.
    pub n_shared: usize,
    pub body: Body,
}
