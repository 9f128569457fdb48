//! Mixers that keep a state of fixed size instead of keys and values.

use super::{ChannelMixPlan, DecayPlan, LinearPlan, NormPlan, RemovalPlan, TensorPlan};

/// A causal convolution of each channel over its last `n_taps` inputs; the last tap is the newest.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvPlan {
    pub n_taps: usize,
    pub n_channels: usize,
    /// The taps of all channels, [n_taps, n] each, one behind the other.
    pub weights: Vec<TensorPlan>,
    pub bias: Option<TensorPlan>,
}

/// out(c * conv(b * x)), with b | c | x from one matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct GatedConvPlan {
    pub input: LinearPlan,
    pub conv: ConvPlan,
    pub out: LinearPlan,
}

/// Selective scan with a step size for each channel (Mamba, arXiv 2312.00752).
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelScanPlan {
    pub n_inner: usize,
    pub n_state: usize,
    pub n_rank: usize,
    /// x | z
    pub input: LinearPlan,
    pub conv: ConvPlan,
    /// step | b | c
    pub select: LinearPlan,
    pub step: LinearPlan,
    /// Of the low-rank step, b and c, with weights or without.
    pub norms: Option<[NormPlan; 3]>,
    /// [n_state, n_inner]
    pub a: TensorPlan,
    /// [n_inner]
    pub d: TensorPlan,
    pub out: LinearPlan,
}

/// Where what a scan by heads reads comes from.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum ScanSource {
    /// z | x | b | c | step; the convolution is over x | b | c.
    Together(LinearPlan),
    /// [z | x] for each head. The convolution is over x, and what it gives makes b | c | step, each normed; the step then
    /// goes through a matrix.
    Selected { input: LinearPlan, select: LinearPlan, norms: [NormPlan; 3], step: LinearPlan },
}

/// Selective scan with a step size for each head (Mamba 2, arXiv 2405.21060).
#[derive(Debug, Clone, PartialEq)]
pub struct HeadScanPlan {
    pub n_inner: usize,
    pub n_state: usize,
    pub n_head: usize,
    /// Heads of a group share b and c.
    pub n_group: usize,
    pub source: ScanSource,
    pub conv: ConvPlan,
    /// [n_head] each.
    pub step_bias: TensorPlan,
    pub a: TensorPlan,
    pub d: TensorPlan,
    /// Of each group after the gate; its weights lie group by group.
    pub norm: Option<NormPlan>,
    pub out: LinearPlan,
}

/// Where q, k, v and the gate of a delta rule come from.
#[derive(Debug, Clone, PartialEq)]
pub enum DeltaInput {
    /// q | k | v of all heads side by side, and the gate by matrices one after the other.
    Apart { qkv: Vec<LinearPlan>, gate: Vec<LinearPlan> },
    /// q | k | v | gate for each key head.
    ByHead(LinearPlan),
}

/// Where the write strength and the decay of a delta rule come from.
#[derive(Debug, Clone, PartialEq)]
pub enum DeltaRates {
    Apart {
        strength: LinearPlan,
        /// One after the other.
        decay: Vec<LinearPlan>,
    },
    /// strengths | decays for each key head.
    ByHead(LinearPlan),
}

/// What remains of a state after a token, from its decay x with the bias added and the head's `a`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Remains {
    /// exp(a * softplus(x))
    Softplus,
    /// exp(floor * sigmoid(|a| * x)): never less than exp(floor).
    Bounded { floor: f32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeltaGate {
    Silu,
    Sigmoid,
}

/// Gated delta rule (arXiv 2412.06464): a matrix of keys to values for each head that forgets, and corrects what it reads.
#[derive(Debug, Clone, PartialEq)]
pub struct DeltaPlan {
    pub n_head_k: usize,
    pub n_head_v: usize,
    pub head_dim_k: usize,
    pub head_dim_v: usize,
    /// Value head h reads key head h / (n_head_v / n_head_k), or h % n_head_k.
    pub heads_in_turn: bool,
    pub input: DeltaInput,
    pub rates: DeltaRates,
    /// Over q | k | v.
    pub conv: ConvPlan,
    /// A head forgets by channel of its keys (arXiv 2510.26692), not as a whole.
    pub by_channel: bool,
    pub remains: Remains,
    /// One for each decay.
    pub decay_bias: TensorPlan,
    /// [n_head_v]
    pub a: TensorPlan,
    pub gate: DeltaGate,
    /// Added to the sum of squares of a query or key.
    pub eps: f32,
    /// Of each head, [head_dim_v].
    pub norm: NormPlan,
    pub out: LinearPlan,
}

/// Linear attention whose heads forget at fixed rates (lightning attention, arXiv 2401.04658): a matrix of keys to values for
/// each head, written as it is. Out of silu(qkv x), normed as a whole, times sigmoid(gate x).
#[derive(Debug, Clone, PartialEq)]
pub struct RetentionPlan {
    pub n_head: usize,
    pub head_dim: usize,
    /// q | k | v for each head.
    pub qkv: LinearPlan,
    /// What a head keeps from one token to the next, [n_head].
    pub remains: Vec<f32>,
    pub norm: NormPlan,
    pub gate: LinearPlan,
    pub out: LinearPlan,
}

/// Kept in a box, as every mixer is.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum RecurrentPlan {
    GatedConv(GatedConvPlan),
    ChannelScan(ChannelScanPlan),
    HeadScan(HeadScanPlan),
    Delta(DeltaPlan),
    Retention(RetentionPlan),
    Removal(RemovalPlan),
    Decay(DecayPlan),
    ChannelMix(ChannelMixPlan),
}

impl ConvPlan {
    /// Inputs that it keeps.
    fn n_state(&self) -> usize {
        self.n_taps.saturating_sub(1) * self.n_channels
    }
}

impl RecurrentPlan {
    /// Values of the state: the inputs that are kept, then the rest.
    pub fn state(&self) -> (usize, usize) {
        match self {
            RecurrentPlan::GatedConv(p) => (p.conv.n_state(), 0),
            RecurrentPlan::ChannelScan(p) => (p.conv.n_state(), p.n_inner * p.n_state),
            RecurrentPlan::HeadScan(p) => (p.conv.n_state(), p.n_inner * p.n_state),
            RecurrentPlan::Retention(p) => (0, p.n_head * p.head_dim * p.head_dim),
            RecurrentPlan::Delta(p) => (p.conv.n_state(), p.n_head_v * p.head_dim_k * p.head_dim_v),
            RecurrentPlan::Removal(p) => (p.n_embd, p.n_embd * p.head_dim),
            RecurrentPlan::Decay(p) => (p.n_embd, p.n_embd * p.head_dim),
            RecurrentPlan::ChannelMix(p) => (p.n_embd, 0),
        }
    }
}
