//! Attention to a few of the keys: small heads of their own score all keys, and the best are attended (arXiv 2512.02556).

use super::{Cached, LinearPlan, NormPlan, PoolPlan};

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
    /// Of each head.
    pub q_norm: Option<NormPlan>,
    pub keys: IndexerKeys,
    /// One of each head, from the attention's input; else all weigh 1.
    pub weights: Option<LinearPlan>,
    pub rope: Option<IndexerRope>,
    pub chooses: Chooses,
}

/// Kept in a box with its indexer.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum IndexerKeys {
    /// One for each position, from the attention's input.
    Each { k: LinearPlan, norm: NormPlan },
    /// One for each block of positions.
    Pooled(PoolPlan),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chooses {
    /// So many keys, each for itself.
    Keys(usize),
    /// The positions of so many pooled keys' blocks, and those behind the last full block.
    Blocks(usize),
    /// So many positions by their blocks' scores, first of all those behind the last full block.
    Positions(usize),
    /// For each head so many blocks of positions by the greatest score in each, which no weights nor limits change; first of
    /// all the last so many.
    BlocksOfHeads { n: usize, size: usize, last: usize },
}

impl Chooses {
    /// What is chosen, at most.
    pub fn n(&self) -> usize {
        match *self {
            Chooses::Keys(n) | Chooses::Positions(n) | Chooses::Blocks(n) | Chooses::BlocksOfHeads { n, .. } => n,
        }
    }
}

impl IndexerPlan {
    pub fn cached(&self) -> Cached {
        match &self.keys {
            IndexerKeys::Each { .. } => Cached::new(1, self.head_dim, 0),
            IndexerKeys::Pooled(pool) => pool.cached(),
        }
    }

    pub fn pool(&self) -> Option<&PoolPlan> {
        match &self.keys {
            IndexerKeys::Each { .. } => None,
            IndexerKeys::Pooled(pool) => Some(pool),
        }
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
