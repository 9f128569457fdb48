//! The turns that are shown, as lines. They are wrapped once and kept until something they show changes: a long
//! conversation costs a frame no more than its last turn.

use super::lines::TurnLines;
use super::state::State;
use super::turn::{self, Look};
use crate::history::{Cut, Node, Status};
use crate::protocol::NodeId;
use crate::tui::app::App;
use crate::tui::markdown::{Documents, HighlightAnswer, HighlightRequest, Rendered, TEXT_COLUMNS_MAX};
use crate::tui::theme::Theme;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use uuid::Uuid;

/// All that a turn's lines depend on besides its own text, which only grows while its status stays.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    columns: u16,
    theme: u64,
    n_content: usize,
    n_thinking: usize,
    status: Status,
    unfolded: bool,
    last: bool,
    sibling: (usize, usize),
    thought: Option<super::Thought>,
    utc_offset_s: i32,
    compact: bool,
}

type Lines = Rc<TurnLines>;

#[derive(Debug, Default)]
pub struct Kept {
    turns: RefCell<HashMap<NodeId, (Key, Lines)>>,
    documents: RefCell<Documents>,
}

impl Kept {
    /// Code on the screen that wants colours.
    pub fn highlight_requests(&self) -> Vec<HighlightRequest> {
        self.documents.borrow_mut().highlight_requests()
    }

    /// A request that found no room: it is made again.
    pub fn refused(&self, request: &HighlightRequest) {
        self.documents.borrow_mut().refused(request);
    }

    /// Colours came: the turn is drawn anew.
    pub fn coloured(&self, answer: HighlightAnswer) {
        self.turns.borrow_mut().remove(&NodeId(Uuid::from_u128(answer.document)));
        self.documents.borrow_mut().coloured(answer);
    }

    /// An answer's text as lines, at most so many columns wide.
    fn document(&self, node: &Node, text: &str, columns: u16, theme: &Theme) -> Rendered {
        let finished = node.status != Status::Streaming;
        let mut documents = self.documents.borrow_mut();
        documents.get(node.id.0.as_u128(), text, finished).rendered(columns, theme)
    }
}

/// One turn's lines.
#[derive(Debug, Clone)]
pub struct Block {
    pub node: NodeId,
    pub lines: Lines,
}

/// Columns between the margins; running text takes fewer on wide screens, tables and code may take all.
pub fn columns(app: &App) -> u16 {
    let layout = app.layout();
    let margins = layout.class.margin().saturating_mul(2);
    layout.transcript.width.saturating_sub(margins).max(1)
}

/// All turns from the first to the tip, a line of air between them.
pub fn blocks(app: &App) -> Vec<Block> {
    let conversation = &app.conversation;
    let path = conversation.path();
    let columns = columns(app);
    let (n, cut) = (path.len(), conversation.tree.cut(&path));
    let mut out = Vec::with_capacity(n + 1);
    for (at, node) in path.into_iter().enumerate() {
        out.extend(cut.filter(|cut| cut.n_before == at).map(|cut| cut_block(app, &cut, columns)));
        out.push(block(app, conversation, node, columns, at + 1 == n));
    }
    out
}

/// The line behind which the model sees the conversation.
fn cut_block(app: &App, cut: &Cut<'_>, columns: u16) -> Block {
    let unfolded = app.conversation.unfolded.contains(&cut.node.id);
    let lines = turn::cut_lines(cut, unfolded, app.theme(), columns.min(TEXT_COLUMNS_MAX));
    Block { node: cut.node.id, lines: Rc::new(lines) }
}

fn block(app: &App, conversation: &State, node: &Node, columns: u16, last: bool) -> Block {
    let siblings = conversation.tree.siblings(node.id);
    let at = siblings.iter().position(|s| *s == node.id).unwrap_or(0);
    let key = Key {
        columns,
        theme: app.theme().key(),
        n_content: node.content.len(),
        n_thinking: node.thinking.as_ref().map_or(0, String::len),
        status: node.status,
        unfolded: conversation.unfolded.contains(&node.id),
        last,
        sibling: (at, siblings.len()),
        thought: conversation.thought(node),
        utc_offset_s: app.utc_offset_s,
        compact: app.layout().class <= crate::tui::app::Class::Compact,
    };
    if let Some((_, lines)) = conversation.kept.turns.borrow().get(&node.id).filter(|(kept, _)| *kept == key) {
        return Block { node: node.id, lines: Rc::clone(lines) };
    }
    // Before its text grows nobody else may hold its lines: then they are not copied.
    conversation.kept.turns.borrow_mut().remove(&node.id);
    let look = Look {
        theme: app.theme(),
        columns: columns.min(TEXT_COLUMNS_MAX),
        unfolded: key.unfolded,
        last,
        sibling: key.sibling,
        thought: key.thought,
        utc_offset_s: key.utc_offset_s,
        compact: key.compact,
        keymap: &app.keymap,
        motion: app.preferences.motion,
        document: &|text| conversation.kept.document(node, text, columns, app.theme()),
    };
    let lines = Rc::new(turn::lines(node, &look));
    conversation.kept.turns.borrow_mut().insert(node.id, (key, Rc::clone(&lines)));
    Block { node: node.id, lines }
}

/// Lines of all turns together.
pub fn n_lines(blocks: &[Block]) -> usize {
    blocks.iter().map(|b| b.lines.len()).sum()
}
