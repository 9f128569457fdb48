//! What stands in the prompt.

use super::chips::{self, Chip};
use super::complete::Menu;
use super::vi::{self, Vi};
use crate::config::Editing;
use crate::protocol::NodeId;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;
use tui_textarea::{CursorMove, TextArea, WrapMode};

/// Messages that Up can bring back. The history keeps all of them; a hand goes back a few dozen.
pub const RECALL_MAX: usize = 2_000;
/// Edits that can be undone.
const UNDO_MAX: usize = 500;
/// Columns of a tab.
const TAB_COLUMNS: u8 = 4;

#[derive(Debug, Clone)]
pub struct State {
    pub area: TextArea<'static>,
    pub chips: Vec<Chip>,
    /// What was typed before, newest first.
    pub before: Vec<String>,
    /// Which of `before` is shown, and what stood here when that began.
    pub recalled: Option<(usize, String)>,
    pub menu: Option<Menu>,
    /// The menu was closed by hand; it stays away until the text changes.
    pub menu_closed: bool,
    /// The text that `menu` was made for.
    pub completed: String,
    /// The node under which this text is kept on disk until it is sent.
    pub unsent: Option<NodeId>,
    /// The text as it was last given to the history.
    pub saved: String,
    /// Of the three questions an empty conversation offers, the chosen one.
    pub offer: Option<usize>,
    /// Absent: the keys of readline alone.
    pub vi: Option<Vi>,
    /// Lines it takes on the screen at the width it was laid out for.
    pub n_rows: usize,
    width: u16,
}

impl Default for State {
    fn default() -> Self {
        Self {
            area: fresh(Vec::new()),
            chips: Vec::new(),
            before: Vec::new(),
            recalled: None,
            menu: None,
            menu_closed: false,
            completed: String::new(),
            unsent: None,
            saved: String::new(),
            offer: None,
            vi: None,
            n_rows: 1,
            width: 0,
        }
    }
}

fn fresh(lines: Vec<String>) -> TextArea<'static> {
    let mut area = TextArea::new(lines);
    area.set_wrap_mode(WrapMode::WordOrGlyph);
    area.set_cursor_line_style(Style::default());
    area.set_cursor_style(Style::default());
    area.set_max_histories(UNDO_MAX);
    area.set_tab_length(TAB_COLUMNS);
    area
}

impl State {
    pub fn new(editing: Editing) -> Self {
        Self { vi: (editing == Editing::Vi).then(Vi::default), ..Self::default() }
    }

    /// As it stands, chips as labels.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// As it is sent.
    pub fn message(&self) -> String {
        chips::expand(&self.text(), &self.chips)
    }

    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Replaces everything; the cursor goes to the end.
    pub fn set(&mut self, text: &str) {
        let yank = self.area.yank_text();
        self.area = fresh(text.split('\n').map(str::to_owned).collect());
        self.area.set_yank_text(yank);
        self.area.move_cursor(CursorMove::Bottom);
        self.area.move_cursor(CursorMove::End);
        self.menu = None;
        self.lay_out(self.width);
    }

    /// After the text was sent or thrown away.
    pub fn clear(&mut self) {
        self.set("");
        self.chips.clear();
        self.recalled = None;
        self.offer = None;
        vi::forget(self);
    }

    /// Puts a text in front of what Up brings back.
    pub fn remember(&mut self, text: &str) {
        if self.before.first().map(String::as_str) != Some(text) && !text.trim().is_empty() {
            self.before.insert(0, text.to_owned());
            self.before.truncate(RECALL_MAX);
        }
    }

    /// Tells the editor how wide it is, since Up and Down move by lines as they stand on the screen. The editor learns
    /// that only by being drawn, so it is, into nothing.
    pub fn lay_out(&mut self, width: u16) {
        self.width = width;
        let place = Rect::new(0, 0, width.max(1), 1);
        (&self.area).render(place, &mut Buffer::empty(place));
        self.settle();
    }

    /// After each change: counts the lines anew.
    pub fn settle(&mut self) {
        let mut probe = self.area.clone();
        probe.move_cursor(CursorMove::Bottom);
        probe.move_cursor(CursorMove::End);
        self.n_rows = probe.screen_cursor().row + 1;
    }

    /// Whether the cursor is on the first or the last line as the screen shows them.
    pub fn at_edge(&self, first: bool) -> bool {
        let mut probe = self.area.clone();
        let before = probe.screen_cursor().row;
        probe.move_cursor(if first { CursorMove::Up } else { CursorMove::Down });
        probe.screen_cursor().row == before
    }

    /// Up and Down through what was typed before. The text that stood here comes back at the near end.
    pub fn recall(&mut self, older: bool) {
        let at = match (&self.recalled, older) {
            (None, false) => return,
            (None, true) => 0,
            (Some((at, _)), true) => at + 1,
            (Some((0, _)), false) => {
                let (_, kept) = self.recalled.take().unwrap_or_default();
                return self.set(&kept);
            }
            (Some((at, _)), false) => at - 1,
        };
        let Some(text) = self.before.get(at).cloned() else { return };
        let kept = self.recalled.take().map_or_else(|| self.text(), |(_, kept)| kept);
        self.set(&text);
        self.recalled = Some((at, kept));
    }

    /// The word before the cursor, for "\ Enter".
    pub fn char_before_cursor(&self) -> Option<char> {
        let cursor = self.area.cursor();
        self.area.lines().get(cursor.0)?.chars().nth(cursor.1.checked_sub(1)?)
    }
}
