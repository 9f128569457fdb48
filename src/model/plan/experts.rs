//! Several feed-forwards of which a router chooses a few for each token.

use super::{Activation, Clamp, FeedForwardPlan, LinearPlan, NormPlan, Slot, TensorPlan};

/// How router logits become the weights of experts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gating {
    /// Softmax over all experts.
    Softmax,
    /// Each expert for itself.
    Sigmoid,
    /// Chosen by their logits, softmax over the chosen ones.
    SoftmaxOfChosen,
    /// sqrt(ln(1 + e^x))
    SqrtSoftplus,
    /// Chosen by their logits; the sigmoid multiplies the expert's input, not its output.
    SigmoidOfInput,
    /// Chosen by their sigmoid, weighted by their softmax.
    SoftmaxChosenBySigmoid,
}

/// Experts in groups of equal size: only the best groups take part, by the sum of the two best of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Groups {
    pub n: usize,
    pub n_used: usize,
}

/// The matrices of all experts, each a tensor with the expert as its last dimension, or a tensor for each expert.
#[derive(Debug, Clone, PartialEq)]
pub enum Matrices {
    Merged(TensorPlan),
    Apart(Vec<TensorPlan>),
}

/// A feed-forward that every token goes through.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedExpert {
    pub ffn: FeedForwardPlan,
    /// One row; the sigmoid of what it gives multiplies the output.
    pub gate: Option<LinearPlan>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ExpertsPlan {
    pub n_expert: usize,
    /// Experts in a row that share matrices. The weight of a choice is then that of the expert whose number the matrices
    /// have: so llama.cpp computes it (src/llama-graph.cpp, build_moe_ffn).
    pub n_sharing: usize,
    pub n_used: usize,
    pub n_ff: usize,
    /// What the router reads, if not what the experts read.
    pub router_from: Option<Slot>,
    pub router: LinearPlan,
    /// Experts of each token by its id, [n_used, n_vocab] whole numbers; the router then only weighs them.
    pub by_id: Option<TensorPlan>,
    pub gating: Gating,
    /// Added to the probabilities for the choice alone, [n_expert].
    pub choice_bias: Option<TensorPlan>,
    pub groups: Option<Groups>,
    /// Divide the chosen experts' weights by their sum.
    pub renormalize: bool,
    /// Multiplies the weights.
    pub scale: f32,
    /// [n_embd, n_ff] each, or [n_embd, 2 n_ff] of gate and up in one; without a gate activation(up x).
    pub gate: Option<Matrices>,
    pub up: Matrices,
    /// `up` holds the gate's rows first, then its own.
    pub fused: bool,
    /// [n_ff, n_embd] each.
    pub down: Matrices,
    /// [n_ff or n_embd, n_expert].
    pub gate_bias: Option<TensorPlan>,
    pub up_bias: Option<TensorPlan>,
    pub down_bias: Option<TensorPlan>,
    /// Multiply what each expert's matrices give, before the biases; [n_expert].
    pub gate_scale: Option<TensorPlan>,
    pub up_scale: Option<TensorPlan>,
    pub down_scale: Option<TensorPlan>,
    pub activation: Activation,
    pub clamp: Option<Clamp>,
    pub shared: Option<SharedExpert>,
    pub latent: Option<LatentExperts>,
}

/// Routed experts that work in a smaller space.
#[derive(Debug, Clone, PartialEq)]
pub struct LatentExperts {
    pub into: LinearPlan,
    /// Of what they give together.
    pub norm: Option<NormPlan>,
    pub out: LinearPlan,
}
