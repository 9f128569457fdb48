//! A list as data.

use super::filter::{self, Match};
use crate::protocol::{ConversationId, ModelRef, NodeId};
use crate::tui::keymap::Intent;
use std::sync::Arc;

/// Which list this is. One of each kind is open at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Models,
    /// Models to answer once more with.
    RegenerateWith,
    Conversations,
    /// What a search through all conversations found.
    Found,
    Palette,
    Help,
    Keys,
    Settings,
    Themes,
    /// What was typed before.
    Prompts,
    /// Turns of this conversation, to edit one.
    Turns,
    /// What was asked of a file or a prompt; rows are copied.
    Facts,
    /// What takes how much of the context.
    Context,
}

/// What taking a row means.
#[derive(Debug, Clone, PartialEq)]
pub enum Pick {
    /// A heading or a fact: nothing to take.
    Nothing,
    Intent(Intent),
    /// A slash command, by name.
    Command(&'static str),
    Model(ModelRef),
    Conversation(ConversationId),
    Found(ConversationId, NodeId),
    Turn(NodeId),
    Theme(String),
    Prompt(String),
    Setting(&'static str),
    /// A text to copy; rows that mean the same text share it.
    Copy(Arc<str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub title: &'static str,
    pub align: Align,
    /// Columns that are dropped first on a narrow screen have the higher number; 0 always stays.
    pub drop: u8,
}

/// A state told by a sign of one column, never by colour alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mark {
    #[default]
    None,
    /// What is used now.
    Current,
    Star,
    /// Cannot be taken.
    Bad,
}

/// One row. Texts may be anyone's: the view makes them `text::Shown`.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub pick: Pick,
    pub mark: Mark,
    /// As many as the list has columns.
    pub cells: Vec<String>,
    /// Sentences below the list while this row is chosen.
    pub details: Vec<String>,
    /// Numbers to sort by, for columns whose text does not sort; else the cell's text counts.
    pub sort: Vec<(usize, u64)>,
}

impl Row {
    pub fn new(pick: Pick, cells: Vec<String>) -> Self {
        Self { pick, mark: Mark::None, cells, details: Vec::new(), sort: Vec::new() }
    }

    /// A line between rows: never chosen.
    pub fn heading(text: &str) -> Self {
        Self::new(Pick::Nothing, vec![text.to_owned()])
    }

    pub fn is_heading(&self) -> bool {
        self.pick == Pick::Nothing
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub kind: Kind,
    pub title: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    pub filter: String,
    /// Rows that match, best first.
    pub shown: Vec<Match>,
    /// An index into `shown`.
    pub chosen: usize,
    /// Letters act on the table instead of filtering.
    pub table: bool,
    /// Column and direction.
    pub sort: Option<(usize, bool)>,
    /// Said while there are no rows: "no model found yet".
    pub empty: &'static str,
    /// Rows that fitted when the list was last laid out: what a page is.
    pub page: usize,
}

/// A page before the list was laid out once.
const PAGE_DEFAULT: usize = 10;

impl State {
    pub fn new(kind: Kind, title: impl Into<String>, columns: Vec<Column>, rows: Vec<Row>) -> Self {
        let mut state = Self {
            kind,
            title: title.into(),
            columns,
            rows,
            filter: String::new(),
            shown: Vec::new(),
            chosen: 0,
            table: false,
            sort: None,
            empty: "nothing here yet",
            page: PAGE_DEFAULT,
        };
        state.refilter();
        state
    }

    pub fn empty(mut self, empty: &'static str) -> Self {
        self.empty = empty;
        self
    }

    pub fn choose(mut self, is_it: impl Fn(&Pick) -> bool) -> Self {
        self.go_to(is_it);
        self
    }

    pub fn go_to(&mut self, is_it: impl Fn(&Pick) -> bool) {
        self.chosen = self.shown.iter().position(|m| is_it(&self.rows[m.row].pick)).unwrap_or(self.chosen);
    }

    pub fn chosen_row(&self) -> Option<&Row> {
        self.shown.get(self.chosen).map(|m| &self.rows[m.row])
    }

    /// The rows that are meant by "14 of 212": headings do not count.
    pub fn counts(&self) -> (usize, usize) {
        let real = |row: &Row| !row.is_heading();
        (self.shown.iter().filter(|m| real(&self.rows[m.row])).count(), self.rows.iter().filter(|r| real(r)).count())
    }

    /// Matches the rows anew; the choice goes to the best match.
    pub fn refilter(&mut self) {
        self.shown = filter::matches(&self.rows, &self.filter, self.sort);
        self.chosen = 0;
        self.settle(true);
    }

    /// New rows from the same source: the choice stays with its row.
    pub fn replace(&mut self, rows: Vec<Row>) {
        let chosen = self.chosen_row().map(|row| row.pick.clone());
        self.rows = rows;
        self.refilter();
        if let Some(at) = chosen.and_then(|pick| self.shown.iter().position(|m| self.rows[m.row].pick == pick)) {
            self.chosen = at;
        }
    }

    /// Moves by rows; headings are stepped over.
    pub fn step(&mut self, by: isize) {
        let last = self.shown.len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(by).min(last);
        self.settle(by >= 0);
    }

    /// Leaves a heading, in the direction gone if there is a row, else back.
    fn settle(&mut self, forward: bool) {
        let is_row = |at: &usize| self.shown.get(*at).is_some_and(|m| !self.rows[m.row].is_heading());
        let (below, above) = ((self.chosen..self.shown.len()).find(is_row), (0..=self.chosen).rev().find(is_row));
        let found = if forward { below.or(above) } else { above.or(below) };
        self.chosen = found.unwrap_or(0);
    }
}
