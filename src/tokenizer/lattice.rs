//! The best way through a text: the tokens whose scores add up to the most (Viterbi).

use super::automaton::{Automaton, ROOT};
use super::kind::Barred;

/// Stands for a character that no token on the way has.
const UNKNOWN: u32 = u32::MAX;

/// Longest character, bytes.
const CHARACTER_MAX: usize = 4;

/// A token on some way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) id: u32,
    pub(super) score: f64,
}

/// All tokens, ready to be looked for. Texts may be given backwards, if so are the tokens.
pub(super) struct Lattice {
    automaton: Automaton,
    edges: Vec<Edge>,
    n_bytes: Vec<u32>,
    n_characters: Vec<u32>,
    /// Of a character that no token is.
    unknown_score: f64,
    /// Bytes.
    longest: usize,
}

/// The last step of the best way to each character's end, as a token's place or `UNKNOWN`.
pub(super) struct Ways<'l> {
    lattice: &'l Lattice,
    last: Vec<u32>,
}

impl Lattice {
    /// Tokens with their texts, of which `count` gives the length in characters.
    pub(super) fn new(tokens: Vec<(Edge, Vec<u8>)>, count: impl Fn(&[u8]) -> usize, unknown_score: f64) -> Self {
        Self {
            automaton: Automaton::new(tokens.iter().map(|(_, text)| text.as_slice())),
            edges: tokens.iter().map(|(edge, _)| *edge).collect(),
            n_bytes: tokens.iter().map(|(_, text)| text.len() as u32).collect(),
            n_characters: tokens.iter().map(|(_, text)| count(text) as u32).collect(),
            unknown_score,
            longest: tokens.iter().map(|(_, text)| text.len()).max().unwrap_or(0),
        }
    }

    /// `lens`: of the text's characters, in bytes, in order. Among equal ways the one whose last token is longest wins; a
    /// character may be unknown only where no token is just this character.
    pub(super) fn ways(&self, bytes: impl Iterator<Item = u8>, lens: impl Iterator<Item = usize>, barred: Barred<'_>) -> Ways<'_> {
        let mut bytes = bytes;
        // Scores of the best ways to the last places; not a number where no character ends.
        let mut scores = vec![f64::NAN; self.longest.max(CHARACTER_MAX) + 1];
        let n_scores = scores.len();
        scores[0] = 0.0;
        let (mut at, mut node) = (0, ROOT);
        let mut last = Vec::new();
        for len in lens {
            for (i, byte) in bytes.by_ref().take(len).enumerate() {
                node = self.automaton.step(node, byte);
                scores[(at + i + 1) % n_scores] = f64::NAN;
            }
            let end = at + len;
            let mut best = (f64::MIN, UNKNOWN);
            let mut is_token = false;
            for token in self.automaton.patterns(node).filter(|token| !barred(self.edges[*token as usize].id)) {
                let n_bytes = self.n_bytes[token as usize] as usize;
                is_token |= n_bytes == len;
                let score = scores[(end - n_bytes) % n_scores] + self.edges[token as usize].score;
                if score > best.0 {
                    best = (score, token);
                }
            }
            let unknown = scores[at % n_scores] + self.unknown_score;
            if !is_token && unknown > best.0 {
                best = (unknown, UNKNOWN);
            }
            scores[end % n_scores] = best.0;
            last.push(best.1);
            at = end;
        }
        Ways { lattice: self, last }
    }
}

impl Ways<'_> {
    /// The best way from the end back: ids, `None` for an unknown character, and how many characters each is.
    pub(super) fn back(&self) -> impl Iterator<Item = (Option<u32>, usize)> {
        let mut end = self.last.len();
        std::iter::from_fn(move || {
            let token = *self.last.get(end.checked_sub(1)?)?;
            let edge = self.lattice.edges.get(token as usize);
            let n = self.lattice.n_characters.get(token as usize).map_or(1, |n| *n as usize);
            end = end.saturating_sub(n);
            Some((edge.map(|e| e.id), n))
        })
    }
}
