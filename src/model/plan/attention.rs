//! Attention over keys and values that a cache keeps.

use super::{Cached, ChoicePlan, LinearPlan, NormPlan, RopePairs, Seen, TensorPlan};

/// Rotary position embedding: one set of angles, shared by all layers that name it.
#[derive(Debug, Clone, PartialEq)]
pub struct RopePlan {
    pub pairs: RopePairs,
    /// Values of each head that are rotated; even, at most the head size.
    pub n_rot: usize,
    pub base: f32,
    /// Positions are multiplied by this: 1 / factor for linear scaling and YaRN.
    pub freq_scale: f32,
    pub yarn: Option<YarnPlan>,
    /// Divides each pair's frequency, [n_rot / 2].
    pub factors: Option<TensorPlan>,
    /// Rotated values are multiplied by this.
    pub magnitude: f32,
    /// Pairs that text does not rotate: pictures have places of more dimensions than text has.
    pub still: Vec<usize>,
}

/// YaRN (arXiv 2309.00071): pairs that turn fast keep their frequency, slow ones are interpolated, a ramp between.
#[derive(Debug, Clone, PartialEq)]
pub struct YarnPlan {
    pub n_ctx_orig: usize,
    pub beta_fast: f32,
    pub beta_slow: f32,
}

/// A norm of queries and keys.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadNorm {
    pub q: Option<NormPlan>,
    pub k: Option<NormPlan>,
    /// One norm over all heads together rather than each head for itself.
    pub whole: bool,
    /// Weights differ from head to head, [head_dim, n_head].
    pub each: bool,
    pub at: NormAt,
    /// Multiplies each head's normed query, [n_head].
    pub q_scales: Option<TensorPlan>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormAt {
    BeforeRope,
    AfterRope,
}

/// Queries are multiplied by 1 + scale * ln(floor((p + offset) / length) + 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature {
    pub scale: f32,
    pub length: usize,
    pub offset: usize,
}

impl Temperature {
    /// What multiplies a query at `pos`.
    pub fn at(&self, pos: usize) -> f32 {
        let steps = ((pos + self.offset) / self.length) as f32;
        1.0 + self.scale * (steps + 1.0).ln()
    }
}

/// What multiplies the attended values before the output matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    pub from: GateFrom,
    pub activation: GateActivation,
}

#[derive(Debug, Clone, PartialEq)]
pub enum GateFrom {
    /// The query matrix gives [q, gate] for each head.
    Queries,
    /// A matrix of its own gives a value for each attended one, or for each head.
    Linear(LinearPlan),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateActivation {
    Sigmoid,
    /// ln(1 + e^x)
    Softplus,
}

impl Gate {
    /// Values of a row.
    pub fn width(&self, attention: &AttentionPlan) -> usize {
        match &self.from {
            GateFrom::Queries => attention.n_head * attention.head_dim_k,
            GateFrom::Linear(linear) => linear.n_out,
        }
    }
}

/// Whose keys and values an attention reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysOf {
    /// Its own.
    Own,
    /// Those of the n-th attention of the plan, counted from 0.
    Other(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub struct AttentionPlan {
    pub n_head: usize,
    pub n_head_kv: usize,
    /// Length of a query and key of one head, and of a value.
    pub head_dim_k: usize,
    pub head_dim_v: usize,
    /// One after the other they give q | k | v: three tensors, or a fused one. Without values of their own they give
    /// q | k, and the values are the keys as they come from the matrix. Who reads another's keys has q alone.
    pub qkv: Vec<LinearPlan>,
    pub values_are_keys: bool,
    pub keys_of: KeysOf,
    /// q, k and v are held to -clamp..=clamp.
    pub clamp: Option<f32>,
    pub head_norm: Option<HeadNorm>,
    /// Of each head's values, without a weight.
    pub value_norm: Option<NormPlan>,
    /// Index into `Plan::ropes`.
    pub rope: Option<usize>,
    /// Multiplies q·k.
    pub scale: f32,
    /// Scores become cap * tanh(score / cap).
    pub score_cap: Option<f32>,
    pub seen: Seen,
    /// Which of the keys it sees it looks at, if not all.
    pub choice: Option<ChoicePlan>,
    /// Scores lose slope * distance, with a slope for each head (ALiBi, arXiv 2108.12409): the greatest bias.
    pub alibi: Option<f32>,
    /// A score for each head that takes its share and has no value, [n_head].
    pub sinks: Option<TensorPlan>,
    pub temperature: Option<Temperature>,
    pub gate: Option<Gate>,
    /// Of all attended values together.
    pub attended_norm: Option<NormPlan>,
    pub out: LinearPlan,
    /// Multiplies what the output matrix gives.
    pub out_scale: f32,
}

impl AttentionPlan {
    /// What it keeps, if its keys are its own.
    pub fn cached(&self) -> Cached {
        Cached::new(self.n_head_kv, self.head_dim_k, self.head_dim_v)
    }

    /// With nothing but what every attention has.
    pub fn new(n_head: usize, n_head_kv: usize, head_dim: (usize, usize), qkv: Vec<LinearPlan>, out: LinearPlan) -> Self {
        let (head_dim_k, head_dim_v) = head_dim;
        Self {
            n_head,
            n_head_kv,
            head_dim_k,
            head_dim_v,
            qkv,
            values_are_keys: false,
            keys_of: KeysOf::Own,
            clamp: None,
            head_norm: None,
            value_norm: None,
            rope: None,
            scale: 1.0 / (head_dim_k as f32).sqrt(),
            score_cap: None,
            seen: Seen::All,
            choice: None,
            alibi: None,
            sinks: None,
            temperature: None,
            gate: None,
            attended_norm: None,
            out,
            out_scale: 1.0,
        }
    }
}
