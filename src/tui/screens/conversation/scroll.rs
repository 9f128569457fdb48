//! Where the reader is. Text that grows never moves a reader who went up.

use super::state::Scroll;
use super::transcript::{Block, blocks, n_lines};
use crate::protocol::NodeId;
use crate::tui::app::App;

/// The first line on the screen, counted over all turns.
pub fn top_line(scroll: Scroll, blocks: &[Block], height: usize) -> usize {
    let last_top = n_lines(blocks).saturating_sub(height);
    match scroll {
        Scroll::Follow => last_top,
        Scroll::At { node, line } => {
            let before: usize = blocks.iter().take_while(|b| b.node != node).map(|b| b.lines.len()).sum();
            let within = blocks.iter().find(|b| b.node == node).map_or(0, |b| line.min(b.lines.len().saturating_sub(1)));
            (before + within).min(last_top)
        }
    }
}

/// The turn a line belongs to, and which of its lines it is.
fn place(blocks: &[Block], line: usize) -> Option<(NodeId, usize)> {
    let mut left = line;
    for block in blocks {
        if left < block.lines.len() {
            return Some((block.node, left));
        }
        left -= block.lines.len();
    }
    None
}

fn height(app: &App) -> usize {
    usize::from(app.layout().transcript.height)
}

fn go(app: &mut App, blocks: &[Block], top: usize) {
    let last_top = n_lines(blocks).saturating_sub(height(app));
    app.conversation.scroll = match place(blocks, top).filter(|_| top < last_top) {
        Some((node, line)) => Scroll::At { node, line },
        None => Scroll::Follow,
    };
}

pub fn lines(app: &mut App, by: isize) {
    let blocks = blocks(app);
    let top = top_line(app.conversation.scroll, &blocks, height(app)).saturating_add_signed(by);
    go(app, &blocks, top);
    keep_choice_in_view(app, &blocks);
}

/// A page keeps two lines of the one before it.
pub fn pages(app: &mut App, by: f32) {
    let page = height(app).saturating_sub(2).max(1) as f32;
    lines(app, (page * by).round() as isize);
}

pub fn top(app: &mut App) {
    let blocks = blocks(app);
    go(app, &blocks, 0);
    keep_choice_in_view(app, &blocks);
}

pub fn bottom(app: &mut App) {
    app.conversation.scroll = Scroll::Follow;
    let blocks = blocks(app);
    keep_choice_in_view(app, &blocks);
}

/// To a line of all lines, a little below the top.
pub fn to_line(app: &mut App, line: usize) {
    let blocks = blocks(app);
    let top = top_line(app.conversation.scroll, &blocks, height(app));
    let margin = 2;
    if line < top || line >= top + height(app).saturating_sub(margin) {
        go(app, &blocks, line.saturating_sub(margin));
    }
}

/// The turn before or after the chosen one.
pub fn turn(app: &mut App, forward: bool) {
    let blocks = blocks(app);
    let at = app.conversation.chosen.and_then(|id| blocks.iter().position(|b| b.node == id));
    let next = match at {
        None => blocks.len().saturating_sub(1),
        Some(at) if forward => (at + 1).min(blocks.len().saturating_sub(1)),
        Some(at) => at.saturating_sub(1),
    };
    let Some(node) = blocks.get(next).map(|b| b.node) else { return };
    app.conversation.chosen = Some(node);
    let first: usize = blocks.iter().take(next).map(|b| b.lines.len()).sum();
    let top = top_line(app.conversation.scroll, &blocks, height(app));
    let whole = first >= top && first + blocks[next].lines.len() <= top + height(app);
    if !whole {
        go(app, &blocks, first);
    }
}

/// The turn in a row of the screen, and whether that row is its fold.
pub fn turn_at(app: &App, row: usize) -> Option<(NodeId, bool)> {
    let blocks = blocks(app);
    let (node, line) = place(&blocks, top_line(app.conversation.scroll, &blocks, height(app)) + row)?;
    let block = blocks.iter().find(|b| b.node == node)?;
    Some((node, block.lines.get(line).is_some_and(|line| line.fold)))
}

/// The last turn that begins on the screen, when the transcript gets the keys.
pub fn first_choice(app: &App) -> Option<NodeId> {
    let blocks = blocks(app);
    let top = top_line(app.conversation.scroll, &blocks, height(app));
    let bottom = (top + height(app)).saturating_sub(1);
    place(&blocks, bottom.min(n_lines(&blocks).saturating_sub(1))).map(|(node, _)| node)
}

/// A choice that left the screen goes to the turn nearest to where it was.
fn keep_choice_in_view(app: &mut App, blocks: &[Block]) {
    let Some(chosen) = app.conversation.chosen else { return };
    let top = top_line(app.conversation.scroll, blocks, height(app));
    let first: usize = blocks.iter().take_while(|b| b.node != chosen).map(|b| b.lines.len()).sum();
    let n = blocks.iter().find(|b| b.node == chosen).map_or(0, |b| b.lines.len());
    let bottom = top + height(app);
    if first + n <= top {
        app.conversation.chosen = place(blocks, top).map(|(node, _)| node);
    } else if first >= bottom {
        app.conversation.chosen = place(blocks, bottom.saturating_sub(1)).map(|(node, _)| node);
    }
}
