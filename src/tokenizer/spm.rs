//! SentencePiece-style BPE: the pair that makes the token with the highest score is joined first.

use super::Strings;
use super::blanks::{self, BLANK};
use super::index::Index;
use super::kind::{Algorithm, Barred};
use super::merging::{Merging, stretches};
use super::vocab::Vocab;

pub(super) struct Spm {
    texts: Strings,
    index: Index,
    scores: Vec<Score>,
    longest: usize,
    /// The token of each byte, for text that no token has.
    bytes: Vec<Option<u32>>,
    unk: Option<u32>,
    add_space_prefix: bool,
}

/// A score that can be ordered: not-a-number comes last, the two zeros are one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Score(f32);

impl Score {
    fn new(score: f32) -> Self {
        Self(if score.is_nan() { f32::NEG_INFINITY } else { score + 0.0 })
    }
}

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Spm {
    pub(super) fn new(vocab: &Vocab, texts: Strings) -> Self {
        let mut index = Index::with_capacity(texts.len());
        for (id, text) in texts.iter().enumerate() {
            index.insert(index.hash(text, 0), id as u32, |other| texts.get(other as usize) == text);
        }
        let scores = (0..texts.len()).map(|id| Score::new(vocab.score(id))).collect();
        let longest = texts.iter().map(<[u8]>::len).max().unwrap_or(0);
        let mut spm = Self {
            texts,
            index,
            scores,
            longest,
            bytes: Vec::new(),
            unk: vocab.ids.unk,
            add_space_prefix: vocab.add_space_prefix.unwrap_or(true),
        };
        spm.bytes = (0..=u8::MAX).map(|b| spm.token(format!("<0x{b:02X}>").as_bytes()).or_else(|| spm.token(&[b]))).collect();
        spm
    }

    fn token(&self, text: &[u8]) -> Option<u32> {
        if text.len() > self.longest {
            return None;
        }
        self.index.find(self.index.hash(text, 0), |id| self.texts.get(id as usize) == text)
    }

    fn byte(&self, byte: u8) -> Option<u32> {
        self.bytes.get(usize::from(byte)).copied().flatten()
    }
}

impl Algorithm for Spm {
    fn encode(&self, text: &str, first: bool, barred: Barred<'_>, ids: &mut Vec<u32>) {
        let prefix = if first && self.add_space_prefix { BLANK } else { "" };
        let escaped = prefix.to_owned() + &blanks::escape(text);
        let token = |text: &[u8]| self.token(text).filter(|id| !barred(*id));
        let mut merging = Merging::new();
        for stretch in stretches(&escaped) {
            let bytes = stretch.as_bytes();
            let score = |start: usize, _: usize, end: usize| token(&bytes[start..end]).map(|id| self.scores[id as usize]);
            merging.run(stretch.chars().map(char::len_utf8), score, |start, end| match token(&bytes[start..end]) {
                Some(id) => ids.push(id),
                None => ids.extend(bytes[start..end].iter().filter_map(|b| self.byte(*b).or(self.unk))),
            });
        }
    }

    fn newline(&self) -> Option<u32> {
        self.byte(b'\n')
    }
}
