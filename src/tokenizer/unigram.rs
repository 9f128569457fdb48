//! Unigram vocabularies (SentencePiece): the tokens of which the text is most likely.

use super::automaton::Automaton;
use super::blanks::BLANK;
use super::charsmap::Charsmap;
use super::kind::{Algorithm, Barred};
use super::lattice::{Edge, Lattice};
use super::vocab::{TokenType, Vocab};
use super::{Strings, TokenizerError};

/// How much worse than the worst token an unknown character is.
const UNKNOWN_PENALTY: f32 = 10.0;

pub(super) struct Unigram {
    lattice: Lattice,
    unk: Option<u32>,
    charsmap: Option<Charsmap>,
    /// What the charsmap leaves alone.
    user_defined: Automaton,
    add_space_prefix: bool,
    squeezes_blanks: bool,
}

impl Unigram {
    pub(super) fn new(vocab: &Vocab, texts: &Strings) -> Result<Self, TokenizerError> {
        use TokenType::{Normal, Unused, UserDefined};
        let of_type = |wanted: &'static [TokenType]| {
            texts.iter().enumerate().filter(move |(id, _)| wanted.contains(&vocab.type_of(*id))).map(|(id, text)| (id, text.to_vec()))
        };
        let edge = |id: usize| {
            let score = if vocab.type_of(id) == UserDefined { 0.0 } else { vocab.score(id) };
            Edge { id: id as u32, score: score.into() }
        };
        let worst = of_type(&[Normal]).map(|(id, _)| vocab.score(id)).fold(f32::MAX, f32::min);
        let tokens = of_type(&[Normal, UserDefined, Unused]).map(|(id, text)| (edge(id), text)).collect();
        let user_defined: Strings = of_type(&[UserDefined]).map(|(_, text)| text).collect();
        Ok(Self {
            lattice: Lattice::new(tokens, |text| lens(text).count(), (worst - UNKNOWN_PENALTY).into()),
            unk: vocab.ids.unk,
            charsmap: vocab.charsmap.as_deref().map(Charsmap::new).transpose()?,
            user_defined: Automaton::new(user_defined.iter()),
            add_space_prefix: vocab.add_space_prefix.unwrap_or(false),
            squeezes_blanks: vocab.remove_extra_whitespaces.unwrap_or(false),
        })
    }

    /// The text as the tokens have it: characters mapped, blanks as U+2581.
    fn normalize(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + text.len() / 2);
        let mut wants_prefix = self.add_space_prefix;
        let mut in_word = false;
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, n_taken) = self.map(rest);
            for &byte in piece {
                if byte == b' ' {
                    in_word = false;
                    if !self.squeezes_blanks {
                        out.extend_from_slice(BLANK.as_bytes());
                    }
                    continue;
                }
                if !in_word && (wants_prefix || self.squeezes_blanks) {
                    out.extend_from_slice(BLANK.as_bytes());
                    wants_prefix = false;
                }
                in_word = true;
                out.push(byte);
            }
            rest = &rest[n_taken..];
        }
        out
    }

    /// What stands for the beginning of `text`, and how much of it.
    fn map<'t>(&'t self, text: &'t [u8]) -> (&'t [u8], usize) {
        // llama.cpp leaves alone whatever user-defined tokens begin with, even where no such token follows; and even where
        // this ends within a character, of which the rest is then unreadable.
        let n_kept = self.user_defined.n_followed(text);
        if n_kept > 0 {
            return (&text[..n_kept], n_kept);
        }
        if let Some(mapped) = self.charsmap.as_ref().and_then(|map| map.longest(text)) {
            return mapped;
        }
        match text[0] {
            0x80..=0xBF => ("\u{FFFD}".as_bytes(), 1),
            _ => {
                let n = lens(text).next().unwrap_or(1);
                (&text[..n], n)
            }
        }
    }
}

/// The lengths of a text's characters, by their first bytes alone.
fn lens(text: &[u8]) -> impl Iterator<Item = usize> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let len = match rest.first()? {
            0..=0xBF => 1,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
        };
        let (character, after) = rest.split_at(rest.len().min(len));
        rest = after;
        Some(character.len())
    })
}

impl Algorithm for Unigram {
    fn encode(&self, text: &str, _first: bool, barred: Barred<'_>, ids: &mut Vec<u32>) {
        let normalized = self.normalize(text.as_bytes());
        let before = ids.len();
        let ways = self.lattice.ways(normalized.iter().copied(), lens(&normalized), barred);
        let mut was_unknown = false;
        for (id, _) in ways.back() {
            let is_unknown = id.is_none() || id == self.unk;
            // Unknown characters side by side are one token.
            if !(is_unknown && was_unknown) {
                ids.extend(id.or(self.unk));
            }
            was_unknown = is_unknown;
        }
        ids[before..].reverse();
    }
}
