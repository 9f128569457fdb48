//! White-space vocabularies: BPE within words, white space dropped.

use super::bpe::Bpe;
use super::kind::{Algorithm, Barred};
use super::pre::{Pre, Spelling};
use super::split::is_newer;
use super::vocab::Vocab;
use super::{Strings, TokenizerError};

pub(super) struct Words {
    bpe: Bpe,
    lowercase: bool,
}

impl Words {
    pub(super) fn new(vocab: &Vocab, texts: Strings, pre: Pre) -> Result<Self, TokenizerError> {
        // The pre-tokenizer of this name keeps the case unless the file says otherwise.
        let lowercase = vocab.lowercase.unwrap_or(pre.spelling != Spelling::Misread);
        Ok(Self { bpe: Bpe::new(pre, texts, vocab.merges.as_ref())?, lowercase })
    }
}

/// As llama.cpp's table has it: of a lower case of several characters only the first, and none for newer characters.
fn lower(c: char) -> char {
    if is_newer(c) { c } else { c.to_lowercase().next().unwrap_or(c) }
}

impl Algorithm for Words {
    fn encode(&self, text: &str, first: bool, barred: Barred<'_>, ids: &mut Vec<u32>) {
        for word in text.split_whitespace() {
            if self.lowercase {
                self.bpe.encode(&word.chars().map(lower).collect::<String>(), first, barred, ids);
            } else {
                self.bpe.encode(word, first, barred, ids);
            }
        }
    }
}
