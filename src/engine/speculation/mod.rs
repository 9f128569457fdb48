//! Speculation: tokens that may come next are guessed and computed together with the one that is certain, since a pass of
//! a few rows takes little longer than one of a single row.
//!
//! A guess never decides what is said. Each position is sampled from the model's own logits by the whole chain, and a
//! guess only spares the next pass where it is what was sampled; so an answer is the same, token by token, with and without
//! it. That needs the rows of a pass to be computed to the very bits that each has alone, hence [`DRAFT_MAX`].

mod chance;
mod cost;
mod drafter;
mod lookup;
#[cfg(test)]
mod tests;

use crate::model::SMALL_BATCH;
use crate::protocol::N_DRAFT_MAX;

pub use cost::PassCost;
pub use drafter::{Drafter, no_way_back};
pub use lookup::Lookup;

/// Tokens drafted at most.
pub const DRAFT_MAX: usize = N_DRAFT_MAX as usize;

const _: () = assert!(DRAFT_MAX < SMALL_BATCH, "with the token that is certain they are computed alike to the bit");
