//! What models have read of conversations, kept on disk so that they go on after a restart without reading it again.
//!
//! A sequence is kept in pieces, each a file of its own: some hundred tokens with their keys and values, and, for layers that
//! keep states or windows, what they were at its end. A file's name says the place it goes on from and the place it leads to.
//! A [`Place`] is a hash of everything that decides what a model makes of ids (its file, its template, its plan, the types of
//! its cache, the version of ingle) and of all ids up to there: what lies under another name cannot be taken for it, branches
//! of a conversation share the pieces before they part, and an answer adds only its own. [`Store`] finds, writes and evicts
//! files, [`Saver`] does so on a thread of its own. A file that is cut, damaged or lies is not used ([`file`]).

mod file;
mod place;
mod saver;
mod store;
#[cfg(test)]
mod tests;

pub use file::{Head, Piece, file_bytes};
pub use place::Place;
pub use saver::{Saver, Work};
pub use store::Store;

use std::path::PathBuf;

/// Where states are kept, and how many bytes they may take together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatesOptions {
    pub folder: PathBuf,
    pub bytes_max: u64,
}
