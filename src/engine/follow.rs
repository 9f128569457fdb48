//! How far ids that a sequence holds can stand for those of a prompt.
//!
//! An answer's ids come back with the next turn as text, and text that was sampled in one way may be cut into tokens in
//! another: `un` `believable` for `unbel` `ievable`. The bytes are the same, and what the model itself has said is gone on
//! with as it was said. What somebody else wrote is only ever taken as the tokenizer cuts it, and a control token stands for
//! nothing but itself.

use crate::tokenizer::Tokenizer;
use std::ops::Range;

#[cfg(test)]
mod tests;

/// Two ways to cut a text meet again within so many bytes, or are left for different.
const APART_BYTES_MAX: usize = 256;

/// The first `known` ids of a sequence say the same as the first `wanted` ones of a prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Followed {
    pub known: usize,
    pub wanted: usize,
}

/// `sampled` are the places in `known` that the model itself has chosen.
pub fn follow(known: &[u32], sampled: &[Range<usize>], wanted: &[u32], tokenizer: Option<&Tokenizer>) -> Followed {
    let mut at = Followed::default();
    loop {
        let n_same = known[at.known..].iter().zip(&wanted[at.wanted..]).take_while(|(a, b)| a == b).count();
        at = Followed { known: at.known + n_same, wanted: at.wanted + n_same };
        let own = sampled.iter().find(|range| range.contains(&at.known));
        let (Some(own), Some(tokenizer)) = (own, tokenizer) else { return at };
        let Some(apart) = meet(&known[at.known..own.end.min(known.len())], &wanted[at.wanted..], tokenizer) else { return at };
        at = Followed { known: at.known + apart.known, wanted: at.wanted + apart.wanted };
    }
}

/// How many ids of each it takes until both have said the same bytes.
fn meet(known: &[u32], wanted: &[u32], tokenizer: &Tokenizer) -> Option<Followed> {
    let (mut said, mut asked) = (Vec::new(), Vec::new());
    let mut at = Followed::default();
    loop {
        let is_short = said.len() <= asked.len();
        let (bytes, id) = match is_short {
            true => (&mut said, known.get(at.known)?),
            false => (&mut asked, wanted.get(at.wanted)?),
        };
        // A control token has no text of its own.
        let piece = Some(tokenizer.piece(*id, false)).filter(|piece| !piece.is_empty())?;
        bytes.extend_from_slice(piece);
        match is_short {
            true => at.known += 1,
            false => at.wanted += 1,
        }
        let n = said.len().min(asked.len());
        if said[..n] != asked[..n] || n > APART_BYTES_MAX {
            return None;
        }
        if said.len() == asked.len() {
            return Some(at);
        }
    }
}
