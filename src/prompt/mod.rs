//! Messages to token ids.

mod vocabulary;

pub use vocabulary::read_vocab;
