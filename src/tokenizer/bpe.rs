//! Byte-level BPE: merges ranked by the file, on raw bytes.
//!
//! The `tokenizers` crate's BPE is not used: it refuses a file that has a merge whose parts or result are no tokens,
//! where llama.cpp merges texts and looks tokens up at the end, and it keeps each token and merge as strings of their
//! own, three times over. Vocabularies are written in GPT-2's byte alphabet; here they are turned back into bytes
//! once, when they are loaded, so that text never has to be written in it.

use super::index::Index;
use super::merging::{Merging, stretches};
use super::pre::Pre;
use super::vocab::excerpt;
use super::{Strings, TokenizerError, alphabet};
use std::cmp::Reverse;

pub(super) struct Bpe {
    pub(super) pre: Pre,
    /// Each token as bytes; empty where it is none of the alphabet's and so cannot come out of a merge.
    tokens: Strings,
    token_index: Index,
    merges: Merges,
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
    fn new(lines: &Strings) -> Result<Self, TokenizerError> {
        let mut merges = Self { wholes: Strings::default(), left_lens: Vec::new(), index: Index::with_capacity(lines.len()), longest: 0 };
        let mut whole = Vec::new();
        for (rank, line) in lines.iter().enumerate() {
            let (left, right) = parts(line).ok_or_else(|| TokenizerError::Merge { index: rank, text: excerpt(line) })?;
            whole.clear();
            // A part outside the alphabet never meets a text; its line keeps its rank.
            let mut left_len = 0;
            if alphabet::decode_into(left, &mut whole) {
                left_len = whole.len();
                if !alphabet::decode_into(right, &mut whole) {
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
    pub(super) fn new(pre: Pre, texts: &Strings, merges: Option<&Strings>) -> Result<Self, TokenizerError> {
        let merges = Merges::new(merges.ok_or(TokenizerError::Missing { key: "tokenizer.ggml.merges" })?)?;
        let mut tokens = Strings::default();
        let mut token_index = Index::with_capacity(texts.len());
        let mut bytes = Vec::new();
        for (id, text) in texts.iter().enumerate() {
            bytes.clear();
            alphabet::decode_into(text, &mut bytes);
            tokens.push(&bytes);
            if !bytes.is_empty() {
                token_index.insert(token_index.hash(&bytes, 0), id as u32, |other| tokens.get(other as usize) == bytes);
            }
        }
        Ok(Self { pre, tokens, token_index, merges })
    }

    fn token(&self, bytes: &[u8]) -> Option<u32> {
        self.token_index.find(self.token_index.hash(bytes, 0), |id| self.tokens.get(id as usize) == bytes)
    }

    /// Adds the ids of `text`. A token of which `barred` holds is taken as not there.
    pub(super) fn encode(&self, text: &str, barred: &impl Fn(u32) -> bool, ids: &mut Vec<u32>) {
        let token = |bytes: &[u8]| self.token(bytes).filter(|id| !barred(*id));
        let mut merging = Merging::new();
        self.pre.split.each(text, &mut |word| {
            if self.pre.ignore_merges
                && let Some(id) = token(word.as_bytes())
            {
                ids.push(id);
                return;
            }
            for stretch in stretches(word).map(str::as_bytes) {
                let rank = |start: usize, middle: usize, end: usize| self.merges.rank(&stretch[start..end], middle - start).map(Reverse);
                merging.run(std::iter::repeat_n(1, stretch.len()), rank, |start, end| {
                    let symbol = &stretch[start..end];
                    match token(symbol) {
                        Some(id) => ids.push(id),
                        // A merge's result that is no token: byte by byte, so that nothing is lost.
                        None => ids.extend(symbol.chunks(1).filter_map(token)),
                    }
                });
            }
        });
    }
}
