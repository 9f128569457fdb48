//! Conversations on disk.
//!
//! Begin with [`Write`], all that can be changed, and [`HistoryEvent`], all that is told back. A conversation is a
//! [`Tree`] of [`Node`]s: siblings are alternatives, nothing is removed but by an explicit delete.

mod rows;
mod tree;
mod write;

pub use rows::{ConversationRow, Hit, Interrupted, ModelLabel, Node, Status};
pub use tree::{Conversation, Tree};
pub use write::{End, HistoryEvent, ModelRecord, NewNode, Receipt, Write};

use std::time::Duration;

/// A streaming answer is on disk at the latest so long after it was generated: at least four times a second, with room
/// for the sync itself (p99 20 ms).
pub const FLUSH: Duration = Duration::from_millis(200);
/// Unsent text is on disk at the latest so long after it was typed.
pub const FLUSH_UNSENT: Duration = Duration::from_secs(1);
/// Marks around what a search found, in a [`Hit`]'s snippet. Control characters, so that no message's text is taken
/// for them once it is `text::Shown`.
pub const FOUND_START: char = '\u{1}';
pub const FOUND_END: char = '\u{2}';
