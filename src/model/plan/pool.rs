//! Rows that stand for blocks of positions: the rows of a block weighed together, channel by channel.

use super::{Cached, IndexerRope, LinearPlan, NormPlan, TensorPlan};

/// Position p gives a row of values and, if not all weigh the same, one of logits; the softmax of a block's logits weighs
/// its values.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolPlan {
    /// Positions to a block.
    pub ratio: usize,
    /// Values of a pooled row.
    pub dim: usize,
    /// A block also weighs the positions of the block before it: by the first half of their rows, its own by the second.
    pub overlaps: bool,
    pub values: LinearPlan,
    /// Of each position's values.
    pub value_norm: Option<NormPlan>,
    /// Logits, and what is added to those of each place in a block, [width, ratio].
    pub logits: Option<(LinearPlan, TensorPlan)>,
    /// Of a pooled row.
    pub norm: Option<NormPlan>,
    /// Turns a pooled row by its block's first position.
    pub rope: Option<IndexerRope>,
}

impl PoolPlan {
    pub fn cached(&self) -> Cached {
        Cached { positions: self.ratio, ..Cached::new(1, self.dim, 0) }
    }

    /// Values of what one position gives.
    pub fn width(&self) -> usize {
        if self.overlaps { 2 * self.dim } else { self.dim }
    }

    /// Positions whose rows are still needed: of the block that is not full, and of the one before it.
    pub fn n_kept(&self) -> usize {
        if self.overlaps { 2 * self.ratio } else { self.ratio }
    }

    /// Values that are kept of a position.
    pub fn kept_width(&self) -> usize {
        if self.logits.is_some() { 2 * self.width() } else { self.width() }
    }

    /// Values of the state.
    pub fn state(&self) -> usize {
        self.n_kept() * self.kept_width()
    }
}
