//! BPE: merges ranked by the file.
//!
//! The `tokenizers` crate's BPE is not used: it refuses a file that has a merge whose parts or result are no tokens,
//! where llama.cpp merges texts and looks tokens up at the end, and it keeps each token and merge as strings of their
//! own, three times over. Most vocabularies are written in GPT-2's byte alphabet; they are turned back into bytes once,
//! when they are loaded, so that text never has to be written in it.

use super::index::Index;
use super::kind::{Algorithm, Barred};
use super::merging::{Merging, stretches};
use super::pre::{Pre, Spelling, Whole};
use super::split::each_word;
use super::vocab::excerpt;
use super::{Strings, TokenizerError, alphabet, blanks};
use std::borrow::Cow;
use std::cmp::Reverse;

pub(super) struct Bpe {
    pre: Pre,
    /// Each token as bytes; empty where it is none of the alphabet's and so cannot come out of a merge.
    tokens: Strings,
    token_index: Index,
    merges: Merges,
    /// The token of each byte, for what merges leave that is no token.
    bytes: Vec<Option<u32>>,
}

/// Adds the bytes that a token's or a merge's text stands for; false (and nothing added) if there are none.
fn spell(spelling: Spelling, text: &[u8], out: &mut Vec<u8>) -> bool {
    if spelling == Spelling::Bytes {
        return alphabet::decode_into(text, out);
    }
    out.extend_from_slice(text);
    true
}

/// The rank of each pair of byte strings.
struct Merges {
    /// Both parts of each merge, one behind the other.
    wholes: Strings,
    left_lens: Vec<u32>,
    index: Index,
    longest: usize,
}

impl Merges {
    fn new(spelling: Spelling, lines: &Strings) -> Result<Self, TokenizerError> {
        let mut merges = Self { wholes: Strings::default(), left_lens: Vec::new(), index: Index::with_capacity(lines.len()), longest: 0 };
        let mut whole = Vec::new();
        for (rank, line) in lines.iter().enumerate() {
            let (left, right) = parts(line).ok_or_else(|| TokenizerError::Merge { index: rank, text: excerpt(line) })?;
            whole.clear();
            // A part outside the alphabet never meets a text; its line keeps its rank.
            let mut left_len = 0;
            if spell(spelling, left, &mut whole) {
                left_len = whole.len();
                if !spell(spelling, right, &mut whole) {
                    whole.clear();
                }
            }
            merges.wholes.push(&whole);
            merges.left_lens.push(left_len as u32);
            if !whole.is_empty() {
                merges.longest = merges.longest.max(whole.len());
                merges.add(rank as u32);
            }
        }
        Ok(merges)
    }

    fn add(&mut self, rank: u32) {
        let (whole, left_len) = (self.wholes.get(rank as usize), self.left_lens[rank as usize]);
        let hash = self.index.hash(whole, left_len);
        let (wholes, left_lens) = (&self.wholes, &self.left_lens);
        self.index.insert(hash, rank, |other| left_lens[other as usize] == left_len && wholes.get(other as usize) == whole);
    }

    fn rank(&self, whole: &[u8], left_len: usize) -> Option<u32> {
        if whole.len() > self.longest {
            return None;
        }
        let left_len = left_len as u32;
        let same = |rank: u32| self.left_lens[rank as usize] == left_len && self.wholes.get(rank as usize) == whole;
        self.index.find(self.index.hash(whole, left_len), same)
    }
}

/// "LEFT RIGHT": the left part is at least one byte, even if that is a blank.
fn parts(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = 1 + line.get(1..)?.iter().position(|b| *b == b' ')?;
    let (left, right) = (line.get(..blank)?, line.get(blank + 1..)?);
    (!right.is_empty()).then_some((left, right))
}

impl Bpe {
    /// `texts`: every token as the file has it.
    pub(super) fn new(pre: Pre, texts: Strings, merges: Option<&Strings>) -> Result<Self, TokenizerError> {
        let merges = Merges::new(pre.spelling, merges.ok_or(TokenizerError::Missing { key: "tokenizer.ggml.merges" })?)?;
        let mut tokens = Strings::default();
        let mut token_index = Index::with_capacity(texts.len());
        let mut bytes = Vec::new();
        for (id, text) in texts.iter().enumerate() {
            bytes.clear();
            spell(pre.spelling, text, &mut bytes);
            tokens.push(&bytes);
            if !bytes.is_empty() {
                token_index.insert(token_index.hash(&bytes, 0), id as u32, |other| tokens.get(other as usize) == bytes);
            }
        }
        let mut bpe = Self { pre, tokens, token_index, merges, bytes: Vec::new() };
        bpe.bytes = (0..=u8::MAX).map(|byte| bpe.byte(byte)).collect();
        Ok(bpe)
    }

    fn byte(&self, byte: u8) -> Option<u32> {
        match self.pre.spelling {
            Spelling::Bytes => self.token(&[byte]),
            _ => self.token(format!("<0x{byte:02X}>").as_bytes()),
        }
    }

    fn token(&self, bytes: &[u8]) -> Option<u32> {
        self.token_index.find(self.token_index.hash(bytes, 0), |id| self.tokens.get(id as usize) == bytes)
    }

    /// Whether a word is looked up before any merge.
    fn is_whole(&self, word: &str) -> bool {
        match self.pre.whole {
            Whole::None => false,
            Whole::Newlines => word.bytes().all(|b| b == b'\n'),
            Whole::All => true,
        }
    }

    /// Adds the ids of a stretch of a word.
    fn merge(&self, stretch: &str, merging: &mut Merging<Reverse<u32>>, barred: Barred<'_>, ids: &mut Vec<u32>) {
        let bytes = stretch.as_bytes();
        let allowed = |id: &u32| !barred(*id);
        let rank = |start: usize, middle: usize, end: usize| self.merges.rank(&bytes[start..end], middle - start).map(Reverse);
        let by_bytes = self.pre.spelling == Spelling::Bytes;
        let mut start = 0;
        let ends = (1..=bytes.len()).filter(|end| by_bytes || stretch.is_char_boundary(*end));
        let lens = ends.map(|end| end - std::mem::replace(&mut start, end));
        merging.run(lens, rank, |start, end| match self.token(&bytes[start..end]).filter(allowed) {
            Some(id) => ids.push(id),
            // No token: byte by byte, so that nothing is lost.
            None => ids.extend(bytes[start..end].iter().filter_map(|b| self.bytes[usize::from(*b)].filter(allowed))),
        });
    }
}

impl Algorithm for Bpe {
    fn encode(&self, text: &str, _first: bool, barred: Barred<'_>, ids: &mut Vec<u32>) {
        let text = match self.pre.spelling {
            Spelling::Blanks => Cow::Owned(blanks::escape(text)),
            _ => Cow::Borrowed(text),
        };
        let mut merging = Merging::new();
        each_word(self.pre.stages, &text, &mut |word| {
            let whole = self.is_whole(word).then(|| self.token(word.as_bytes())).flatten();
            match whole.filter(|id| !barred(*id)) {
                Some(id) => ids.push(id),
                None => stretches(word).for_each(|stretch| self.merge(stretch, &mut merging, barred, ids)),
            }
        });
    }
}
