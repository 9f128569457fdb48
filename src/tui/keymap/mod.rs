//! Keys: the table of what they can ask for, and the map that is made from it and from a person's keymap.toml.
//!
//! Begin with [`table::ROWS`]. [`Keymap::find`] is all that `update` asks.

mod chord;
mod overrides;
pub mod table;
#[cfg(test)]
mod tests;

pub use chord::{Chord, ChordError, Key, LEADER, Sequence};
pub use overrides::{KeymapError, Mistake, read};
pub use table::{Context, Intent, Offer, ROWS};

use crate::config::SendWith;
use std::collections::BTreeMap;

/// What each sequence asks for in each context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    bound: BTreeMap<(Context, Sequence), Intent>,
}

impl Keymap {
    /// The table as it stands, with the roles of Enter and Alt+Enter as wished.
    pub fn new(send: SendWith) -> Self {
        let mut bound = BTreeMap::new();
        for row in ROWS {
            for (context, sequences) in row.keys {
                for text in *sequences {
                    let sequence = text.parse().expect("the table's chords are well written, held by a test");
                    bound.insert((*context, sequence), row.intent);
                }
            }
        }
        let mut keymap = Self { bound };
        if send == SendWith::AltEnter {
            keymap.swap_send();
        }
        keymap
    }

    fn swap_send(&mut self) {
        let sequence = |alt| Sequence { leader: false, chord: Chord { key: Key::Enter, ctrl: false, alt, shift: false } };
        self.bound.insert((Context::Prompt, sequence(false)), Intent::Newline);
        self.bound.insert((Context::Prompt, sequence(true)), Intent::Send);
    }

    /// The table with a person's keymap.toml laid over it. Lines that are wrong change nothing and are told.
    pub fn with_overrides(send: SendWith, text: &str) -> (Self, Vec<KeymapError>) {
        let mut keymap = Self::new(send);
        let problems = overrides::apply(&mut keymap.bound, text);
        (keymap, problems)
    }

    /// The first of `contexts` that knows the sequence.
    pub fn find(&self, contexts: &[Context], sequence: Sequence) -> Option<Intent> {
        contexts.iter().find_map(|context| self.bound.get(&(*context, sequence)).copied())
    }

    /// The sequences of an intent in one context: single keys before those after the leader, function keys first.
    pub fn sequences(&self, context: Context, intent: Intent) -> Vec<Sequence> {
        let mut found: Vec<Sequence> =
            self.bound.iter().filter(|((c, _), i)| *c == context && **i == intent).map(|((_, s), _)| *s).collect();
        found.sort_by_key(|s| (s.leader, !matches!(s.chord.key, Key::F(_)), s.chord));
        found
    }

    /// The shortest way to say how an intent is asked for, wherever that is; empty if no key is left for it.
    pub fn hint(&self, intent: Intent) -> String {
        let order = [Context::Everywhere, Context::Prompt, Context::List, Context::Transcript, Context::Table, Context::Panel];
        order.iter().find_map(|c| self.sequences(*c, intent).first().map(|s| s.shown())).unwrap_or_default()
    }

    /// What may follow the leader: chord and intent, in the table's order.
    pub fn after_leader(&self) -> Vec<(Chord, Intent)> {
        ROWS.iter()
            .flat_map(|row| {
                let sequences = self.sequences(Context::Everywhere, row.intent);
                sequences.into_iter().filter(|s| s.leader).map(|s| (s.chord, row.intent)).collect::<Vec<_>>()
            })
            .collect()
    }
}
