//! One answer: its source, and the lines it has become so far.

use super::highlight::{Coloured, HighlightAnswer, HighlightRequest, Resume};
use super::layout::{Frame, lay, standing_lines};
use super::leaf::{Body, Leaf};
use super::parse::{Before, Kept, options, parse};
use crate::text::HttpUrl;
use crate::tui::theme::Theme;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use ratatui::text::Line;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// Lines of one block of code that are coloured; what is longer is read in an editor.
const COLOURED_LINES_MAX: usize = 5_000;
/// Signs at a line's beginning that may yet become a marker of markdown: they wait for what follows.
const MARKER_CHARS: &str = "-=#*>+_~`:|[]x ";

/// A link's place among the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSpan {
    pub line: usize,
    pub columns: Range<u16>,
    pub url: HttpUrl,
}

/// A document's lines as they stand, shared with it: while they are held, a change of the document copies them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendered {
    pub lines: Rc<Vec<Line<'static>>>,
    /// In the order of their lines.
    links: Rc<Vec<LinkSpan>>,
}

impl Rendered {
    pub fn links_of(&self, line: usize) -> &[LinkSpan] {
        let from = self.links.partition_point(|link| link.line < line);
        let to = self.links.partition_point(|link| link.line <= line);
        self.links.get(from..to).unwrap_or_default()
    }
}

/// Code as it was written, for copying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeBlock {
    pub language: String,
    pub text: String,
}

/// An answer as it grows.
#[derive(Debug, Clone, Default)]
pub struct Document {
    source: String,
    finished: bool,
    version: u64,
    laid: LaidDocument,
    /// Colours of code, by where it begins in the source. They outlive a change of width or theme.
    colours: BTreeMap<usize, Colouring>,
}

#[derive(Debug, Clone, Default)]
struct Colouring {
    lines: Vec<Vec<Coloured>>,
    resume: Option<Box<Resume>>,
    asked: bool,
    hopeless: bool,
    /// Came after its lines were laid out.
    fresh: bool,
}

/// The lines, for one width and theme.
#[derive(Debug, Clone, Default)]
struct LaidDocument {
    version: Option<u64>,
    columns: u16,
    theme_key: u64,
    out: Rendered,
    /// Source before this is laid out for good.
    settled: usize,
    /// What stands behind it: leaves that may change, and the first line of each.
    leaves: Vec<(Leaf, usize)>,
    n_sealed: usize,
    /// Code that is settled, and its first line: its colours may still come.
    codes: Vec<(Leaf, usize)>,
    any_settled: bool,
    has_definitions: bool,
}

impl Document {
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends what the model said.
    pub fn push(&mut self, text: &str) {
        if !text.is_empty() {
            self.source.push_str(text);
            self.version += 1;
        }
    }

    /// No more text will come.
    pub fn finish(&mut self) {
        if !self.finished {
            self.finished = true;
            self.version += 1;
            // Addresses defined at the end make links of what stands above: once, now that all is known.
            if self.laid.has_definitions {
                self.laid = LaidDocument::default();
            }
        }
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// The document as lines of at most `columns`.
    pub fn lines(&mut self, columns: u16, theme: &Theme) -> &[Line<'static>] {
        if self.laid.columns != columns || self.laid.theme_key != theme.key() {
            self.laid = LaidDocument { columns, theme_key: theme.key(), ..LaidDocument::default() };
        }
        if self.laid.version != Some(self.version) {
            let frame = Frame { columns: usize::from(columns), theme };
            self.recolour_settled(frame);
            self.advance(frame);
            self.laid.version = Some(self.version);
        }
        &self.laid.out.lines
    }

    /// The same lines to keep, with their links.
    pub fn rendered(&mut self, columns: u16, theme: &Theme) -> Rendered {
        self.lines(columns, theme);
        self.laid.out.clone()
    }

    /// Where links lead, for the lines last asked for.
    pub fn links(&self) -> &[LinkSpan] {
        &self.laid.out.links
    }

    /// All code in it, as it was written.
    pub fn code_blocks(&self) -> Vec<CodeBlock> {
        let mut blocks: Vec<CodeBlock> = Vec::new();
        let mut inside = false;
        for event in Parser::new_ext(&self.source, options()) {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(info) => info.split_whitespace().next().unwrap_or_default().to_owned(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    blocks.push(CodeBlock { language, text: String::new() });
                    inside = true;
                }
                Event::End(TagEnd::CodeBlock) => inside = false,
                Event::Text(text) if inside => {
                    if let Some(block) = blocks.last_mut() {
                        block.text.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        blocks
    }

    /// Parses what is not settled, keeps what did not change, lays out the rest.
    fn advance(&mut self, frame: Frame<'_>) {
        let growing = !self.finished;
        let to = if growing { shown_end(&self.source) } else { self.source.len() };
        let to = to.max(self.laid.settled);
        let old: Vec<(Leaf, usize)> = std::mem::take(&mut self.laid.leaves);
        let (old_leaves, old_lines): (Vec<Leaf>, Vec<usize>) = old.into_iter().unzip();
        let before = Before { leaves: &old_leaves, n_sealed: self.laid.n_sealed, follows: self.laid.any_settled };
        let parsed = parse(&self.source, self.laid.settled, to, growing, &before);
        self.laid.has_definitions |= parsed.has_definitions;
        let mut old = old_leaves.into_iter().zip(old_lines);
        let mut same = true;
        for kept in parsed.leaves {
            let previous = old.next();
            let (mut standing, mut first) = (0, None);
            let leaf = match (kept, previous) {
                (Kept::Old, Some((leaf, line))) if same && !self.is_fresh(&leaf) => {
                    self.laid.leaves.push((leaf, line));
                    continue;
                }
                (Kept::New(leaf), Some((previous, line))) if same && leaf == previous && !self.is_fresh(&leaf) => {
                    self.laid.leaves.push((leaf, line));
                    continue;
                }
                (Kept::Old, Some((leaf, line))) => {
                    self.cut_once(&mut same, line);
                    leaf
                }
                (Kept::New(leaf), Some((previous, line))) => {
                    if same {
                        standing = self.standing(&previous, &leaf, frame);
                    }
                    let kept = if standing > 0 { standing + usize::from(leaf.gap) } else { 0 };
                    first = Some(line);
                    self.cut_once(&mut same, line + kept);
                    leaf
                }
                (Kept::New(leaf), None) => leaf,
                (Kept::Old, None) => continue,
            };
            same = false;
            let first = first.filter(|_| standing > 0).unwrap_or(self.laid.out.lines.len());
            self.append(leaf, first, standing, frame);
        }
        if let Some((_, line)) = old.next() {
            self.cut_once(&mut same, line);
        }
        self.settle(parsed.last_block, to, growing);
    }

    /// Drops the lines from the first leaf that changed on.
    fn cut_once(&mut self, same: &mut bool, line: usize) {
        if std::mem::take(same) {
            Rc::make_mut(&mut self.laid.out.lines).truncate(line);
            let kept = self.laid.out.links.partition_point(|link| link.line < line);
            Rc::make_mut(&mut self.laid.out.links).truncate(kept);
        }
    }

    /// Lines of code that need not be laid out again: none if their colours are new.
    fn standing(&self, old: &Leaf, new: &Leaf, frame: Frame<'_>) -> usize {
        if self.is_fresh(new) { 0 } else { standing_lines(old, new, frame) }
    }

    /// Lays a leaf out at the end of the lines. Its own first line is `first`, since `standing` of them are there.
    fn append(&mut self, leaf: Leaf, first: usize, standing: usize, frame: Frame<'_>) {
        let n = self.laid.out.lines.len();
        let laid = lay(&leaf, frame, self.colours_of(&leaf), standing);
        let links = laid.links.into_iter().map(|(line, columns, url)| LinkSpan { line: n + line, columns, url });
        Rc::make_mut(&mut self.laid.out.links).extend(links);
        Rc::make_mut(&mut self.laid.out.lines).extend(laid.lines);
        if let Some(colouring) = self.colours.get_mut(&leaf.start) {
            colouring.fresh = false;
        }
        self.laid.leaves.push((leaf, first));
    }

    /// What stands before the last block can no longer change, once that block's first line is whole: until then the
    /// line may yet turn out to continue what is before it.
    fn settle(&mut self, last_block: Option<(usize, usize)>, to: usize, growing: bool) {
        let is_whole = |start: usize| self.source.get(start..to).is_some_and(|text| text.contains('\n'));
        self.laid.n_sealed = self.laid.leaves.iter().rposition(|(leaf, _)| is_whole(leaf.start)).unwrap_or(0);
        let Some((start, n_leaves)) = last_block.filter(|(start, n)| growing && *n > 0 && is_whole(*start)) else { return };
        // From the line's beginning: the parser must see the indentation, and nothing of the block before.
        let line = self.source.get(..start).and_then(|s| s.rfind('\n')).map_or(0, |at| at + 1);
        if !self.source.get(line..start).is_some_and(|text| text.trim().is_empty()) {
            return;
        }
        self.laid.settled = line;
        let settled = self.laid.leaves.drain(..n_leaves.min(self.laid.leaves.len()));
        self.laid.codes.extend(settled.filter(|(leaf, _)| matches!(leaf.body, Body::Code { .. })));
        self.laid.n_sealed = self.laid.n_sealed.saturating_sub(n_leaves);
        self.laid.any_settled = true;
    }

    fn is_fresh(&self, leaf: &Leaf) -> bool {
        self.colours.get(&leaf.start).is_some_and(|colouring| colouring.fresh)
    }

    fn colours_of(&self, leaf: &Leaf) -> &[Vec<Coloured>] {
        self.colours.get(&leaf.start).map(|colouring| colouring.lines.as_slice()).unwrap_or_default()
    }

    /// Colours that came late change no line's place.
    fn recolour_settled(&mut self, frame: Frame<'_>) {
        let codes = std::mem::take(&mut self.laid.codes);
        for (leaf, first) in &codes {
            if !self.is_fresh(leaf) {
                continue;
            }
            let laid = lay(leaf, frame, self.colours_of(leaf), 0);
            for (line, coloured) in Rc::make_mut(&mut self.laid.out.lines).iter_mut().skip(*first).zip(laid.lines) {
                *line = coloured;
            }
            if let Some(colouring) = self.colours.get_mut(&leaf.start) {
                colouring.fresh = false;
            }
        }
        self.laid.codes = codes;
    }

    /// Lines of code that are whole and have no colours yet, once for each. `document` comes back with the answer.
    pub fn highlight_requests(&mut self, document: u128) -> Vec<HighlightRequest> {
        let mut requests = Vec::new();
        let n = self.laid.leaves.len();
        let unsettled = self.laid.leaves.iter().enumerate().map(|(i, (leaf, _))| (leaf, i + 1 == n && !self.finished));
        for (leaf, growing) in self.laid.codes.iter().map(|(leaf, _)| (leaf, false)).chain(unsettled) {
            let Body::Code { language, lines } = &leaf.body else { continue };
            if language.is_empty() {
                continue;
            }
            let colouring = self.colours.entry(leaf.start).or_default();
            let first = colouring.lines.len();
            let whole = lines.len().saturating_sub(usize::from(growing)).min(COLOURED_LINES_MAX);
            if colouring.asked || colouring.hopeless || first >= whole {
                continue;
            }
            colouring.asked = true;
            requests.push(HighlightRequest {
                document,
                code: leaf.start,
                language: language.as_str().to_owned(),
                first_line: first,
                lines: lines.iter().take(whole).skip(first).map(|line| line.as_str().to_owned()).collect(),
                resume: colouring.resume.take(),
            });
        }
        requests
    }

    /// The request found no room: it will be made again.
    pub fn refused(&mut self, request: &HighlightRequest) {
        if let Some(colouring) = self.colours.get_mut(&request.code) {
            colouring.asked = false;
            colouring.resume = request.resume.clone();
        }
    }

    /// Colours came.
    pub fn coloured(&mut self, answer: HighlightAnswer) {
        let Some(colouring) = self.colours.get_mut(&answer.code).filter(|c| c.lines.len() == answer.first_line) else { return };
        colouring.lines.extend(answer.lines);
        colouring.hopeless = answer.resume.is_none();
        colouring.resume = answer.resume;
        colouring.asked = false;
        colouring.fresh = true;
        self.version += 1;
    }
}

/// Up to where a growing source is shown. A line that begins like a marker waits until it is clear what it is, and so
/// do the first lines of a table: nothing is drawn that the next letter makes untrue.
fn shown_end(source: &str) -> usize {
    let start = source.rfind('\n').map_or(0, |at| at + 1);
    let last = source.get(start..).unwrap_or_default();
    if let Some(held) = table_start(source) {
        return held;
    }
    let number = last.trim().trim_end_matches(['.', ')']);
    let is_number = !number.is_empty() && number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit());
    if !last.is_empty() && (is_number || last.chars().all(|c| MARKER_CHARS.contains(c))) { start } else { source.len() }
}

/// Where a table's header begins, as long as the line under it is not whole.
fn table_start(source: &str) -> Option<usize> {
    let mut lines = source.trim_end_matches('\n').rsplit('\n').take_while(|line| line.trim_start().starts_with('|'));
    let last = lines.next()?;
    let breaks = source.len() - source.trim_end_matches('\n').len();
    let end = source.len() - breaks;
    match (lines.next(), lines.next(), breaks) {
        (None, _, 0 | 1) => Some(end - last.len()),
        (Some(header), None, 0) if last.chars().all(|c| "|-: ".contains(c)) => Some(end - last.len() - 1 - header.len()),
        _ => None,
    }
}
