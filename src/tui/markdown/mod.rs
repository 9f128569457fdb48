//! A model's answer, rendered while it streams.
//!
//! [`Document`] takes text as it comes and gives styled lines for a width and a theme. Blocks of markdown that can no
//! longer change are laid out once; only the block being written is parsed again, and of that only what changed is laid
//! out again. Nothing above it ever moves. Code is coloured later and elsewhere: [`Document::highlight_requests`] gives
//! plain data for the [`Highlighter`]'s thread, whose answers come back through [`Document::coloured`].
//!
//! The text is hostile. Whatever becomes a line went through `text::Shown`, after the parser, which turns entities into
//! the characters they name.

mod document;
mod highlight;
mod inline;
mod layout;
mod leaf;
mod parse;
mod scopes;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod wrap;

pub use document::{CodeBlock, Document, LinkSpan, Rendered};
pub use highlight::{Coloured, HighlightAnswer, HighlightRequest, Highlighter};
pub use store::Documents;

/// Running text is at most this wide, on wide screens too; tables and code may use more.
pub const TEXT_COLUMNS_MAX: u16 = 88;
