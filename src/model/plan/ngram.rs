//! What the last few tokens are together: rows of a table that their ids are hashed to, given to several residuals.

use super::{LinearPlan, NormPlan, TensorPlan};

/// Each residual x_i takes up g_i * v and silu(conv(norm(g_i * v))), where v and k_i are made of the token's rows of the table
/// and g_i = sigmoid(r(norm(k_i) · norm(x_i) / sqrt(n_embd))), r being the root that keeps the sign.
#[derive(Debug, Clone, PartialEq)]
pub struct NgramPlan {
    pub n: usize,
    pub n_embd: usize,
    /// [dim, rows]
    pub table: TensorPlan,
    pub dim: usize,
    /// Tokens of the longest run, 2 at least.
    pub n_gram: usize,
    /// What multiplies each id of a run before they are combined, the newest's first.
    pub multipliers: Vec<u64>,
    /// The table's parts: for each length of a run from 2 on as many, (first row, rows).
    pub parts: Vec<(usize, usize)>,
    /// What stands before it, and before the first token, counts as this id.
    pub reset: u32,
    /// From all of a token's rows: a key for each residual, and one value.
    pub key: LinearPlan,
    pub value: LinearPlan,
    /// Each with weights for each residual, [n_embd, n].
    pub key_norm: NormPlan,
    pub query_norm: NormPlan,
    pub conv_norm: NormPlan,
    /// Over every `n_gram`-th position, [n_taps, n * n_embd]; the last tap is the newest.
    pub conv: TensorPlan,
    pub n_taps: usize,
}

impl NgramPlan {
    /// Positions whose rows the convolution still needs.
    pub fn n_kept(&self) -> usize {
        self.n_taps.saturating_sub(1) * self.n_gram
    }

    /// Values of the state.
    pub fn state(&self) -> usize {
        self.n_kept() * self.n * self.n_embd
    }
}
