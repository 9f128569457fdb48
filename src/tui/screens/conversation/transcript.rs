//! The turns that are shown, as lines. They are wrapped once and kept until something they show changes: a long
//! conversation costs a frame no more than its last turn.

use super::state::State;
use super::turn::{self, Look, TurnLine};
use crate::history::{Node, Status};
use crate::protocol::NodeId;
use crate::tui::app::App;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Running text is at most so wide: longer lines are hard to read, on wide screens too.
pub const TEXT_COLUMNS_MAX: u16 = 88;

/// All that a turn's lines depend on besides its own text, which only grows while its status stays.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    columns: u16,
    theme: usize,
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

type Lines = Rc<Vec<TurnLine>>;

#[derive(Debug, Default)]
pub struct Kept {
    turns: RefCell<HashMap<NodeId, (Key, Lines)>>,
}

/// One turn's lines.
#[derive(Debug, Clone)]
pub struct Block {
    pub node: NodeId,
    pub lines: Lines,
}

/// Columns of running text in an area so wide.
pub fn text_columns(app: &App) -> u16 {
    let layout = app.layout();
    let margins = layout.class.margin().saturating_mul(2);
    layout.transcript.width.saturating_sub(margins).clamp(1, TEXT_COLUMNS_MAX)
}

/// All turns from the first to the tip, a line of air between them.
pub fn blocks(app: &App) -> Vec<Block> {
    let conversation = &app.conversation;
    let path = conversation.path();
    let columns = text_columns(app);
    let n = path.len();
    path.into_iter().enumerate().map(|(at, node)| block(app, conversation, node, columns, at + 1 == n)).collect()
}

fn block(app: &App, conversation: &State, node: &Node, columns: u16, last: bool) -> Block {
    let siblings = conversation.tree.siblings(node.id);
    let at = siblings.iter().position(|s| *s == node.id).unwrap_or(0);
    let key = Key {
        columns,
        theme: app.theme,
        n_content: node.content.len(),
        n_thinking: node.thinking.as_ref().map_or(0, String::len),
        status: node.status,
        unfolded: conversation.unfolded.contains(&node.id),
        last,
        sibling: (at, siblings.len()),
        thought: conversation.thoughts.get(&node.id).copied(),
        utc_offset_s: app.utc_offset_s,
        compact: app.layout().class <= crate::tui::app::Class::Compact,
    };
    if let Some((_, lines)) = conversation.kept.turns.borrow().get(&node.id).filter(|(kept, _)| *kept == key) {
        return Block { node: node.id, lines: Rc::clone(lines) };
    }
    let look = Look {
        theme: app.theme(),
        columns,
        unfolded: key.unfolded,
        last,
        sibling: key.sibling,
        thought: key.thought,
        utc_offset_s: key.utc_offset_s,
        compact: key.compact,
        keymap: &app.keymap,
        motion: app.preferences.motion,
    };
    let lines = Rc::new(turn::lines(node, &look));
    conversation.kept.turns.borrow_mut().insert(node.id, (key, Rc::clone(&lines)));
    Block { node: node.id, lines }
}

/// Lines of all turns together.
pub fn n_lines(blocks: &[Block]) -> usize {
    blocks.iter().map(|b| b.lines.len()).sum()
}
