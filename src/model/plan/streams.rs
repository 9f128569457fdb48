//! Several rows for each token, of which a layer computes the first and predicts the others (alternating updates,
//! arXiv 2301.13310).

use super::{NormPlan, Slot, TensorPlan};

/// tanh(router · norm(row) / n_embd): a value for each stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamRouter {
    pub norm: NormPlan,
    /// [n_embd, n_stream]
    pub weight: TensorPlan,
}

#[derive(Debug, Clone, PartialEq)]
pub enum StreamStep {
    /// The first stream is the residual, each other one its projection brought to the same length.
    /// [n_embd, n_embd, n_stream - 1]
    Spread { projections: TensorPlan },
    /// Adds to each stream a mix of all, by coefficients that the router's values of the first one give:
    /// [n_stream, n_stream * n_stream]. The residual is then the first.
    Predict { router: StreamRouter, coefficients: TensorPlan },
    /// Adds what the residual differs from the first stream to all, each by its coefficient and 1: [n_stream, n_stream],
    /// by the router's values of the residual. The residual is then the first times `scale`, [n_embd].
    Correct { router: StreamRouter, coefficients: TensorPlan, scale: TensorPlan },
    /// Adds a slot to all streams but the first.
    AddToOthers { from: Slot },
    /// The residual is the mean of the first stream and of the others' projections, brought to the first one's length.
    /// [n_embd, n_embd, n_stream - 1]
    Merge { projections: TensorPlan },
}
