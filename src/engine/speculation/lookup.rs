//! Guesses without a model: what followed the last time that the newest tokens stood together (prompt lookup).
//!
//! A conversation's ids are indexed by pairs, as a compressor's window is. The guess is looked at whether or not it is
//! computed with, so how often it is right is known at no cost, also while nothing is drafted.

use super::chance::Chance;
use std::collections::HashMap;

/// Ids that must agree before a place is looked at.
const PAIR: usize = 2;
/// Earlier places of the same pair that are compared.
const PLACES_MAX: usize = 32;
/// Agreement beyond this says no more.
const AGREEMENT_MAX: usize = 32;
/// Agreements from these lengths on are told apart, and how often a guess behind one is expected to be right.
const CLASSES: [(usize, f64); 5] = [(2, 0.3), (3, 0.45), (5, 0.6), (9, 0.75), (17, 0.9)];

/// A place whose ids may come again.
#[derive(Debug, Clone, Copy)]
struct Source {
    /// Of the id that would come next.
    at: usize,
    /// How many ids before it agree with the newest.
    agreement: usize,
}

pub struct Lookup {
    ids: Vec<u32>,
    /// The newest place behind each pair.
    newest: HashMap<[u32; PAIR], usize>,
    /// For each place the one before it behind the same pair; 0: none.
    older: Vec<usize>,
    source: Option<Source>,
    chances: [Chance; CLASSES.len()],
}

impl Lookup {
    pub fn new(prompt: &[u32]) -> Self {
        let chances = CLASSES.map(|(_, rate)| Chance::expected(rate));
        let mut lookup = Self { ids: Vec::new(), newest: HashMap::new(), older: vec![0], source: None, chances };
        prompt.iter().for_each(|id| lookup.append(*id));
        lookup.source = lookup.longest();
        lookup
    }

    /// The answer's next token is certain.
    pub fn push(&mut self, id: u32) {
        let followed = match self.source {
            None => None,
            Some(Source { at, agreement }) => {
                let hit = self.ids[at] == id;
                self.chances[class(agreement)].see(hit);
                hit.then_some(Source { at: at + 1, agreement: (agreement + 1).min(AGREEMENT_MAX) })
            }
        };
        self.append(id);
        self.source = followed.or_else(|| self.longest());
    }

    fn append(&mut self, id: u32) {
        self.ids.push(id);
        let place = self.ids.len();
        let older = self.newest_pair().and_then(|pair| self.newest.insert(pair, place));
        self.older.push(older.unwrap_or(0));
    }

    fn newest_pair(&self) -> Option<[u32; PAIR]> {
        self.ids.last_chunk().copied()
    }

    /// Of the places behind the newest pair that which most ids before agree with; of several the newest.
    fn longest(&self) -> Option<Source> {
        let agreement = |at: usize| {
            let (before, now) = (self.ids[..at].iter().rev(), self.ids.iter().rev());
            before.zip(now).take(AGREEMENT_MAX).take_while(|(a, b)| a == b).count()
        };
        let places = std::iter::successors(self.older.last().copied(), |at| Some(self.older[*at]));
        let sources = places.take_while(|at| *at > 0).take(PLACES_MAX).map(|at| Source { at, agreement: agreement(at) });
        // The first of the longest is the newest.
        sources.reduce(|best, next| if next.agreement > best.agreement { next } else { best })
    }

    /// All ids so far.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// How likely each guess is right that would come next, given those before it, up to `n`.
    pub fn chances(&self, n: usize) -> impl Iterator<Item = f64> {
        let agreement = self.source.map(|source| source.agreement);
        let chance = |agreement: usize| self.chances[class(agreement)].rate();
        (0..n).map_while(move |i| agreement.map(|agreement| chance((agreement + i).min(AGREEMENT_MAX))))
    }

    /// The next `n` guesses. Where the place is near the end they go on with themselves.
    pub fn guess(&self, n: usize) -> Vec<u32> {
        let Some(Source { at, .. }) = self.source else { return Vec::new() };
        let period = self.ids.len() - at;
        (0..n).map(|i| self.ids[at + i % period]).collect()
    }
}

fn class(agreement: usize) -> usize {
    CLASSES.iter().rposition(|(from, _)| agreement >= *from).unwrap_or(0)
}
