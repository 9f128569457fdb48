//! Attention of one short row that is key and value of all heads: over the last positions, and over blocks of all before.

use super::{Cached, IndexerPlan, LinearPlan, NormPlan, PoolPlan, Seen, TensorPlan};

#[derive(Debug, Clone, PartialEq)]
pub struct SharedRowPlan {
    pub n_head: usize,
    pub head_dim: usize,
    /// Queries by way of a latent row.
    pub q_a: (LinearPlan, NormPlan),
    pub q: LinearPlan,
    /// Of each head.
    pub q_norm: NormPlan,
    pub row: LinearPlan,
    pub row_norm: NormPlan,
    /// Index into `Plan::ropes`: it turns the last values of queries and rows, and those of what is attended back.
    pub rope: usize,
    pub scale: f32,
    pub seen: Seen,
    /// A score for each head that takes its share and has no value, [n_head].
    pub sinks: TensorPlan,
    pub pool: Option<PoolPlan>,
    /// Which of the pooled rows are looked at, if not all.
    pub choice: Option<Box<IndexerPlan>>,
    /// Heads in groups, each with a matrix of its own: [n_head * head_dim / n_group, rank, n_group], or the last two as one.
    pub n_group: usize,
    pub rank: usize,
    pub out_a: TensorPlan,
    /// From all groups' rows.
    pub out: LinearPlan,
}

impl SharedRowPlan {
    pub fn cached(&self) -> Cached {
        Cached::new(1, self.head_dim, 0)
    }
}
