//! Several residuals side by side: branches read them merged and write to all of them (hyper-connections, arXiv 2409.19606).

use super::{LinearPlan, NormPlan, TensorPlan};

/// Every residual begins as the embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct ResidualsPlan {
    pub n: usize,
    /// What the head reads of them after the last layer.
    pub end: MergePlan,
}

/// How the residuals become one row.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum MergePlan {
    Mean,
    Weighted(WeightedMerge),
    Gated(GatedMerge),
}

/// sum_i (sigmoid(scale * a_i + base_i) + eps) * residual_i, where `weights` makes a of all residuals, normed as one row.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightedMerge {
    pub norm_eps: f32,
    /// [n * n_embd, n], and behind these what the spread needs: n, or n + n * n.
    pub weights: LinearPlan,
    /// One for each part of what `weights` gives.
    pub scale: TensorPlan,
    /// One for each value of it.
    pub base: TensorPlan,
    pub eps: f32,
    pub spread: Option<SpreadPlan>,
}

/// How a branch comes back to the residuals: residual_i = sum_j mix_ij * residual_j + (magnitude * sigmoid(..) + eps) * branch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpreadPlan {
    pub magnitude: f32,
    pub eps: f32,
    /// Residuals are mixed, not kept as they are: by e to the .., rows and columns brought to a sum of 1 so many times in turn.
    pub rounds: Option<usize>,
}

/// mean_i(sigmoid(g_i) * x_i), where x_i is residual i normed and g = up(silu(down(x) / n)).
#[derive(Debug, Clone, PartialEq)]
pub struct GatedMerge {
    /// Of each residual with weights of its own, [n_embd, n].
    pub norm: NormPlan,
    pub down: LinearPlan,
    pub up: LinearPlan,
    /// [n * n_embd, n]: residual_i += 2 * sigmoid(this(x)_i / n) * branch.
    pub spread: Option<LinearPlan>,
}
