//! Attention to a few of the keys: small heads of their own score all keys, and the best are attended (arXiv 2512.02556).

use super::{Cached, LinearPlan, NormPlan};

/// How an attention comes to the keys that it looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum ChoicePlan {
    Own(Box<IndexerPlan>),
    /// Those that the last attention with an indexer has chosen.
    Last,
}

impl ChoicePlan {
    pub fn own(&self) -> Option<&IndexerPlan> {
        match self {
            ChoicePlan::Own(indexer) => Some(indexer),
            ChoicePlan::Last => None,
        }
    }
}

/// A key's score is the sum over heads of weight * max(q·k, 0).
#[derive(Debug, Clone, PartialEq)]
pub struct IndexerPlan {
    pub n_head: usize,
    pub head_dim: usize,
    /// From the latent queries of the attention that has them, else from its input.
    pub q: LinearPlan,
    /// One for each position, from the attention's input.
    pub k: LinearPlan,
    pub k_norm: NormPlan,
    /// One of each head, from the attention's input.
    pub weights: LinearPlan,
    pub rope: IndexerRope,
    pub n_chosen: usize,
}

impl IndexerPlan {
    pub fn cached(&self) -> Cached {
        Cached::new(1, self.head_dim, 0)
    }
}

/// What turns an indexer's queries and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexerRope {
    /// Index into `Plan::ropes`.
    pub rope: usize,
    /// It turns the last values of a head, not the first.
    pub last: bool,
}
