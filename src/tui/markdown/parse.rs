//! Markdown to leaves: the parser's nested events, flattened with a stack of our own, since nesting is hostile too.

use super::inline::{InlineBuilder, is_inline};
use super::leaf::{Body, Container, ContainerKind, Leaf, Runs, Table, TableRow};
use crate::text::Shown;
use crate::tui::theme::Meaning;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::ops::Range;
use std::rc::Rc;

/// Containers deeper than this are not drawn: their leaves stand in the innermost one that is.
const NESTING_MAX: usize = 12;
/// Columns of a table that are kept. No screen shows more.
const TABLE_COLUMNS_MAX: usize = 64;
/// Columns of a fence's language that are shown.
const LANGUAGE_COLUMNS_MAX: usize = 20;
const BULLETS: [&str; 3] = ["•", "◦", "▪"];

/// What a parse of the unsettled text gives.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub leaves: Vec<Kept>,
    /// Start of the last block that stands in nothing, and the number of leaves before it.
    pub last_block: Option<(usize, usize)>,
    /// The text defines addresses for links elsewhere in it.
    pub has_definitions: bool,
}

/// A leaf of this parse.
#[derive(Debug)]
pub(super) enum Kept {
    /// The same as the last parse's leaf of this number.
    Old,
    New(Leaf),
}

/// Leaves of the last parse: what is known not to have changed is not built again.
pub(super) struct Before<'a> {
    pub leaves: &'a [Leaf],
    /// How many of them can no longer change.
    pub n_sealed: usize,
    /// Whether a leaf stands before these, in what is settled.
    pub follows: bool,
}

pub(super) fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES
}

/// Parses `source[from..to]`. `growing`: more text is coming.
pub(super) fn parse(source: &str, from: usize, to: usize, growing: bool, before: &Before<'_>) -> Parsed {
    let text = source.get(from..to).unwrap_or_default();
    let parser = Parser::new_ext(text, options());
    let has_definitions = parser.reference_definitions().iter().next().is_some();
    let mut flattener = Flattener {
        source,
        before,
        parsed: Parsed { has_definitions, ..Parsed::default() },
        containers: Vec::new(),
        lists: Vec::new(),
        n_open: 0,
        last_end: from,
        last_containers: Vec::new(),
        current: None,
    };
    for (event, range) in parser.into_offset_iter() {
        flattener.event(event, from + range.start..from + range.end);
    }
    flattener.finish(growing);
    flattener.parsed
}

struct OpenContainer {
    container: Option<Container>,
    /// Leaves when it was opened: as long as there are no more, its marker is still to be drawn.
    n_leaves: usize,
}

struct List {
    next: Option<u64>,
}

/// The leaf being read.
struct Current {
    range: Range<usize>,
    kind: CurrentKind,
}

enum CurrentKind {
    /// It is as it was: events are skipped up to its end.
    Skipped,
    Text {
        inline: InlineBuilder,
        heading: u8,
    },
    Code {
        language: Shown,
        text: String,
    },
    Table(Box<GrowingTable>),
}

/// A table being read.
struct GrowingTable {
    table: Table,
    /// Whole rows of the last parse that were not met yet.
    known: std::vec::IntoIter<Rc<TableRow>>,
    /// The row being read, if it is known.
    old_row: Option<Rc<TableRow>>,
    row: Vec<Runs>,
    cell: Option<InlineBuilder>,
}

impl GrowingTable {
    fn begin_row(&mut self, is_header: bool) {
        self.row.clear();
        self.old_row = if is_header { None } else { self.known.next() };
    }

    fn begin_cell(&mut self) {
        self.cell = self.old_row.is_none().then(InlineBuilder::default);
    }

    fn end_cell(&mut self) {
        if let Some(cell) = self.cell.take().filter(|_| self.row.len() < self.table.alignments.len()) {
            self.row.push(cell.finish());
        }
    }

    fn end_row(&mut self) {
        let read = std::mem::take(&mut self.row);
        self.table.rows.push(self.old_row.take().unwrap_or_else(|| Rc::new(TableRow::new(read))));
    }

    fn end_header(&mut self) {
        self.table.header = TableRow::new(std::mem::take(&mut self.row));
    }
}

struct Flattener<'a> {
    source: &'a str,
    before: &'a Before<'a>,
    parsed: Parsed,
    containers: Vec<OpenContainer>,
    lists: Vec<List>,
    /// Open block tags, of any kind.
    n_open: usize,
    last_end: usize,
    last_containers: Vec<Container>,
    current: Option<Current>,
}

impl Flattener<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        if is_inline(&event) {
            self.inline(event, range);
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Rule => {
                self.end_implicit();
                self.block_starts(range.start);
                self.emit(range, Body::Rule);
            }
            Event::Html(_) => self.inline(event, range),
            Event::TaskListMarker(done) => self.mark_task(done),
            _ => {}
        }
    }

    fn inline(&mut self, event: Event<'_>, range: Range<usize>) {
        if self.current.is_none() {
            // Text right inside an item, without a paragraph of its own.
            self.begin(range.start..range.end, true, || CurrentKind::Text { inline: InlineBuilder::default(), heading: 0 });
        }
        let Some(current) = &mut self.current else { return };
        current.range.end = current.range.end.max(range.end);
        match &mut current.kind {
            CurrentKind::Skipped => {}
            CurrentKind::Text { inline, .. } => inline.event(event),
            CurrentKind::Code { text, .. } => {
                if let Event::Text(piece) = event {
                    text.push_str(&piece);
                }
            }
            CurrentKind::Table(table) => {
                if let Some(cell) = &mut table.cell {
                    cell.event(event);
                }
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        let in_table = matches!(tag, Tag::TableHead | Tag::TableRow | Tag::TableCell);
        if !in_table {
            self.end_implicit();
            self.block_starts(range.start);
        }
        self.n_open += 1;
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.begin_text(range, 0),
            Tag::Heading { level, .. } => self.begin_text(range, heading_number(level)),
            Tag::CodeBlock(kind) => self.begin_code(&kind, range),
            Tag::Table(alignments) => self.begin_table(alignments, range),
            Tag::TableHead => self.table(|table| table.begin_row(true)),
            Tag::TableRow => self.table(|table| table.begin_row(false)),
            Tag::TableCell => self.table(GrowingTable::begin_cell),
            Tag::List(first) => self.lists.push(List { next: first }),
            Tag::Item => self.open_item(range.start),
            Tag::BlockQuote(_) => self.open(range.start, ContainerKind::Quote),
            Tag::FootnoteDefinition(label) => {
                let marker = Shown::line(&format!("[^{label}] ")).into();
                self.open(range.start, ContainerKind::Item { marker, meaning: Meaning::Dim });
            }
            _ => {}
        }
    }

    fn begin_text(&mut self, range: Range<usize>, heading: u8) {
        self.begin(range, false, || CurrentKind::Text { inline: InlineBuilder::default(), heading });
    }

    fn begin_code(&mut self, kind: &CodeBlockKind<'_>, range: Range<usize>) {
        let info = match kind {
            CodeBlockKind::Fenced(info) => info.split([' ', ',', '{']).next().unwrap_or_default(),
            CodeBlockKind::Indented => "",
        };
        let language = Shown::line(info).cut(LANGUAGE_COLUMNS_MAX);
        self.begin(range, false, || CurrentKind::Code { language, text: String::new() });
    }

    fn begin_table(&mut self, mut alignments: Vec<pulldown_cmark::Alignment>, range: Range<usize>) {
        alignments.truncate(TABLE_COLUMNS_MAX);
        let table = Table { alignments, header: TableRow::default(), rows: Vec::new() };
        let known = self.known_rows(range.start, &table).into_iter();
        let growing = GrowingTable { table, known, old_row: None, row: Vec::new(), cell: None };
        self.begin(range, false, || CurrentKind::Table(Box::new(growing)));
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        self.n_open = self.n_open.saturating_sub(1);
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock | TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::Table => self.end_current(),
            TagEnd::TableHead => self.table(GrowingTable::end_header),
            TagEnd::TableRow => self.table(GrowingTable::end_row),
            TagEnd::TableCell => self.table(GrowingTable::end_cell),
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::Item | TagEnd::BlockQuote(_) | TagEnd::FootnoteDefinition => self.close(range),
            _ => {}
        }
    }

    /// A block begins. If it stands in nothing, all before it can be settled.
    fn block_starts(&mut self, start: usize) {
        if self.n_open == 0 {
            self.parsed.last_block = Some((start, self.parsed.leaves.len()));
        }
    }

    fn open(&mut self, start: usize, kind: ContainerKind) {
        let n = self.containers.iter().filter(|c| c.container.is_some()).count();
        let container = (n < NESTING_MAX).then_some(Container { start, kind });
        self.containers.push(OpenContainer { container, n_leaves: self.parsed.leaves.len() });
    }

    fn open_item(&mut self, start: usize) {
        let depth = self.lists.len().saturating_sub(1);
        let marker = match self.lists.last_mut().and_then(|list| list.next.as_mut()) {
            // Room for two digits, so that the tenth item stands under the ninth.
            Some(number) => {
                let marker = format!("{number:>2}. ");
                *number = number.saturating_add(1);
                marker
            }
            None => format!("{} ", BULLETS[depth % BULLETS.len()]),
        };
        self.open(start, ContainerKind::Item { marker, meaning: Meaning::Dim });
    }

    /// A box, ticked or not, in place of the bullet.
    fn mark_task(&mut self, done: bool) {
        if let Some(Container { kind: ContainerKind::Item { marker, meaning }, .. }) =
            self.containers.last_mut().and_then(|open| open.container.as_mut())
        {
            *marker = if done { "☑ " } else { "☐ " }.to_owned();
            *meaning = if done { Meaning::Good } else { Meaning::Dim };
        }
    }

    /// The end of an item or a quote. One without any text still shows its sign.
    fn close(&mut self, range: Range<usize>) {
        self.end_implicit();
        let empty = self.containers.last().is_some_and(|open| open.n_leaves == self.parsed.leaves.len() && open.container.is_some());
        if empty {
            self.emit(range, Body::Text { runs: Runs::default(), heading: 0 });
        }
        self.containers.pop();
    }

    /// Begins a leaf, unless it is known from the last parse.
    fn begin(&mut self, range: Range<usize>, open_end: bool, kind: impl FnOnce() -> CurrentKind) {
        let i = self.parsed.leaves.len();
        let sealed = self.before.leaves.get(i).filter(|_| i < self.before.n_sealed);
        let same = sealed.is_some_and(|old| old.start == range.start && (open_end || old.end == range.end));
        let kind = if same { CurrentKind::Skipped } else { kind() };
        self.current = Some(Current { range, kind });
    }

    fn table(&mut self, f: impl FnOnce(&mut GrowingTable)) {
        if let Some(Current { kind: CurrentKind::Table(table), .. }) = &mut self.current {
            f(table);
        }
    }

    /// Rows of the last parse's table that are whole: all but the last, as a row is a line.
    fn known_rows(&self, start: usize, table: &Table) -> Vec<Rc<TableRow>> {
        match self.before.leaves.get(self.parsed.leaves.len()) {
            Some(Leaf { start: old_start, body: Body::Table(old), .. }) if *old_start == start && old.alignments == table.alignments => {
                old.rows.split_last().map_or_else(Vec::new, |(_, whole)| whole.to_vec())
            }
            _ => Vec::new(),
        }
    }

    /// Ends text that stands right inside an item, where a block or the item's end shows that it is over.
    fn end_implicit(&mut self) {
        if self.current.is_some() {
            self.end_current();
        }
    }

    fn end_current(&mut self) {
        let Some(Current { range, kind }) = self.current.take() else { return };
        let body = match kind {
            CurrentKind::Skipped => {
                let i = self.parsed.leaves.len();
                if let Some(old) = self.before.leaves.get(i) {
                    self.last_end = self.text_end(old.start..old.end);
                    self.last_containers = old.containers.clone();
                }
                self.parsed.leaves.push(Kept::Old);
                return;
            }
            CurrentKind::Text { inline, heading } => Body::Text { runs: inline.finish(), heading },
            CurrentKind::Code { language, text } => Body::Code { language, lines: self.code_lines(range.start, &text) },
            CurrentKind::Table(growing) => Body::Table(growing.table),
        };
        self.emit(range, body);
    }

    /// Code keeps its lines; the last line break ends the last line. Lines known from the last parse, all whole but the
    /// last of them, are not sanitized again.
    fn code_lines(&self, start: usize, text: &str) -> Vec<Shown> {
        let known = match self.before.leaves.get(self.parsed.leaves.len()) {
            Some(Leaf { start: old_start, body: Body::Code { lines, .. }, .. }) if *old_start == start => lines.as_slice(),
            _ => &[],
        };
        let known = known.split_last().map_or(known, |(_, whole)| whole);
        let text = text.strip_suffix('\n').unwrap_or(text);
        let more = text.split('\n').skip(known.len()).map(|line| Shown::line(line.strip_suffix('\r').unwrap_or(line)));
        known.iter().cloned().chain(more).collect()
    }

    fn emit(&mut self, range: Range<usize>, body: Body) {
        let i = self.parsed.leaves.len();
        let containers: Vec<Container> = self.containers.iter().filter_map(|open| open.container.clone()).collect();
        let n_opened = self.containers.iter().filter(|open| open.n_leaves == i && open.container.is_some()).count();
        let shared = containers.iter().zip(&self.last_containers).take_while(|(a, b)| a.start == b.start);
        let n_shared = shared.count();
        let end = self.text_end(range.clone());
        let leaf = Leaf {
            start: range.start,
            end: range.end,
            gap: self.gap(i, range.start, &containers),
            n_shared,
            n_opened,
            containers: containers.clone(),
            body,
        };
        self.last_end = end;
        self.last_containers = containers;
        self.parsed.leaves.push(Kept::New(leaf));
    }

    /// The end of a range without the white space and line breaks it ends with.
    fn text_end(&self, range: Range<usize>) -> usize {
        range.start + self.source.get(range).unwrap_or_default().trim_end().len()
    }

    /// An empty line goes before what stands in nothing, and inside lists and quotes where the source has one: looking
    /// only at what is around, so that a later line never moves an earlier one.
    fn gap(&self, i: usize, start: usize, containers: &[Container]) -> bool {
        if i == 0 && !self.before.follows {
            return false;
        }
        let stands_in_same = match (containers.first(), self.last_containers.first()) {
            (Some(own), Some(last)) => own.start == last.start || self.same_list(last.start),
            _ => false,
        };
        let between = self.source.get(self.last_end..start).unwrap_or_default();
        !stands_in_same || between.matches('\n').count() >= 2
    }

    /// Whether the leaf before stands in the list that is still open.
    fn same_list(&self, last_start: usize) -> bool {
        !self.lists.is_empty() && self.parsed.last_block.is_some_and(|(start, _)| last_start >= start)
    }

    fn finish(&mut self, growing: bool) {
        self.end_current();
        if growing && let Some(Kept::New(Leaf { body: Body::Text { runs, .. }, .. })) = self.parsed.leaves.last_mut() {
            super::inline::close_open_markers(runs);
        }
    }
}

fn heading_number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}
