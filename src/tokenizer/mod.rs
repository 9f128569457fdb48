//! Text to ids and back.
//!
//! Begin with [`Tokenizer`]: `new` checks a [`Vocab`] (plain data that the caller read out of a file) and builds what
//! encoding needs; `encode` turns text into ids, `decode` ids into bytes. A model's own output goes through an
//! [`Assembler`], which makes whole characters of tokens' bytes and watches for stop strings.
//!
//! What the ids must be is llama.cpp's answer for the same file (src/llama-vocab.cpp, src/unicode.cpp), compared in
//! tests/golden. The ways there are this room's own: splitters without regular expressions, one hash look-up a
//! candidate pair, and one pass over the text wherever many tokens are looked for, so that no input takes more than
//! n log n.
//!
//! To add a pre-tokenizer: a row in `pre`, and, if nobody has its expression yet, that in `split`'s expressions. To add a
//! kind of vocabulary: a row in `kind` and a file beside `unigram`.
//!
//! This room reads no file and knows no chat format: which text may hold control tokens is `prompt`'s business, which
//! hands them over as [`Part`]s.

mod alphabet;
mod assembler;
mod attributes;
mod automaton;
mod blanks;
mod bpe;
mod charsmap;
mod decode;
mod dna;
mod encode;
mod error;
mod index;
mod kind;
mod lattice;
mod merging;
mod plamo;
mod pre;
mod queue;
mod rwkv;
mod special;
mod split;
mod spm;
mod strings;
mod unigram;
mod vocab;
mod words;

#[cfg(test)]
mod tests;

pub use assembler::{Assembled, Assembler};
pub use encode::{Part, Tokenizer};
pub use error::TokenizerError;
pub use strings::Strings;
pub use vocab::{SpecialIds, TokenType, Vocab};
