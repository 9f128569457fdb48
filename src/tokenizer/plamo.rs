//! PLaMo 2's vocabulary: the tokens with the best sum of scores, single bytes where there is none.

use super::kind::{Algorithm, Barred};
use super::lattice::{Edge, Lattice};
use super::vocab::{self, TokenType, Vocab};
use super::{Strings, TokenizerError};

/// Scores count in whole steps.
const STEPS: f64 = 1e4;

/// Of a character that no token has, in steps.
const UNKNOWN_SCORE: f64 = -1e7;

/// A token's score must be greater, in steps.
const SCORE_MIN: f64 = -2e7;

pub(super) struct Plamo {
    /// Tokens and texts backwards: the best way is looked for from the end, so that among equal ones the one with the
    /// longest first token wins.
    lattice: Lattice,
    bytes: Vec<u32>,
}

impl Plamo {
    pub(super) fn new(vocab: &Vocab, texts: &Strings) -> Result<Self, TokenizerError> {
        let mut bytes = [None; 256];
        let mut tokens = Vec::new();
        for (id, text) in texts.iter().enumerate() {
            let score = (f64::from(vocab.score(id)) * STEPS).round();
            if vocab.type_of(id) != TokenType::Byte {
                let edge = Edge { id: id as u32, score };
                tokens.extend((score.is_finite() && score > SCORE_MIN).then(|| (edge, text.iter().rev().copied().collect())));
            } else if let Some(byte) = vocab::byte_of(text) {
                bytes[usize::from(byte)] = Some(id as u32);
            }
        }
        let missing = |byte| TokenizerError::MissingByte { byte };
        let bytes = (0..=u8::MAX).zip(bytes).map(|(byte, id)| id.ok_or(missing(byte))).collect::<Result<_, _>>()?;
        let n_characters = |text: &[u8]| text.iter().filter(|byte| !matches!(byte, 0x80..=0xBF)).count();
        Ok(Self { lattice: Lattice::new(tokens, n_characters, UNKNOWN_SCORE), bytes })
    }
}

impl Algorithm for Plamo {
    fn encode(&self, text: &str, _first: bool, barred: Barred<'_>, ids: &mut Vec<u32>) {
        // A byte order mark at the start is dropped.
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let ways = self.lattice.ways(text.bytes().rev(), text.chars().rev().map(char::len_utf8), barred);
        let mut characters = text.chars();
        for (id, n_characters) in ways.back() {
            let first = characters.next();
            match (id, first) {
                (Some(id), _) => ids.push(id),
                (None, Some(c)) => ids.extend(c.encode_utf8(&mut [0; 4]).bytes().map(|byte| self.bytes[usize::from(byte)])),
                (None, None) => {}
            }
            if let Some(n_skipped) = n_characters.checked_sub(2) {
                characters.nth(n_skipped);
            }
        }
    }
}
