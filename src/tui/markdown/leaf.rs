//! What a document is made of once its nesting is flattened: a list of leaves, each knowing what it stands in.

use crate::text::{HttpUrl, Shown};
use crate::tui::theme::Meaning;
use pulldown_cmark::Alignment;

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
    pub header: Vec<Runs>,
    pub rows: Vec<Vec<Runs>>,
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
