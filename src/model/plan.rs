//! What a model computes, as data: an architecture writes a [`Plan`], the forward pass carries it out.
//!
//! Names here are mechanisms, never families. A mechanism that a family lacks is `None`, a scale that does nothing
//! is 1. Everything in a plan was checked by the architecture, except that tensors exist with their shapes: that is
//! checked once for all when the plan is bound to a file.

pub use super::kernels::RopePairs;

/// A tensor that the file does not have as the plan needs it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TensorError {
    #[error("tensor {name} is missing")]
    Missing { name: String },
    #[error("tensor {name} has shape {found}, expected {expected}")]
    Shape { name: String, found: String, expected: String },
    #[error("tensor {name} has type {found}, which ingle cannot compute with")]
    Type { name: String, found: String },
}

impl TensorError {
    pub fn name(&self) -> &str {
        match self {
            TensorError::Missing { name } | TensorError::Shape { name, .. } | TensorError::Type { name, .. } => name,
        }
    }

    pub fn remedy(&self) -> &'static str {
        match self {
            TensorError::Missing { .. } | TensorError::Shape { .. } => "The file is damaged or was converted wrongly; get another one",
            TensorError::Type { .. } => "A newer ingle may know the type; or get the model in another quantization",
        }
    }
}

/// A tensor the plan needs: its name in the file and its shape there (ne0, the row's length, first).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorPlan {
    pub name: String,
    pub shape: Vec<u64>,
}

impl TensorPlan {
    pub fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        Self { name: name.into(), shape: shape.iter().map(|&n| n as u64).collect() }
    }
}

/// y = W x + b, with W [n_in, n_out] as the file has it: n_out rows of n_in values.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearPlan {
    pub weight: TensorPlan,
    pub bias: Option<TensorPlan>,
    pub n_in: usize,
    pub n_out: usize,
}

/// x / sqrt(mean(x^2) + eps) * weight.
#[derive(Debug, Clone, PartialEq)]
pub struct NormPlan {
    pub weight: TensorPlan,
    pub eps: f32,
}

/// Rotary position embedding: one set of angles, shared by all layers that name it.
#[derive(Debug, Clone, PartialEq)]
pub struct RopePlan {
    pub pairs: RopePairs,
    /// Values of each head that are rotated, from its start; even, at most the head size.
    pub n_rot: usize,
    pub base: f32,
    /// Positions are multiplied by this: 1 / factor for linear scaling and YaRN.
    pub freq_scale: f32,
    pub yarn: Option<YarnPlan>,
    /// Divides each pair's frequency, [n_rot / 2].
    pub factors: Option<TensorPlan>,
}

/// YaRN (arXiv 2309.00071): pairs that turn fast keep their frequency, slow ones are interpolated, a ramp between.
#[derive(Debug, Clone, PartialEq)]
pub struct YarnPlan {
    pub n_ctx_orig: usize,
    pub beta_fast: f32,
    pub beta_slow: f32,
    /// Rotated values are multiplied by this.
    pub magnitude: f32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AttentionPlan {
    pub n_head: usize,
    pub n_head_kv: usize,
    /// Length of a query and key of one head, and of a value.
    pub head_dim_k: usize,
    pub head_dim_v: usize,
    /// One after the other they give q | k | v: three tensors, or a fused one.
    pub qkv: Vec<LinearPlan>,
    pub out: LinearPlan,
    /// Index into `Plan::ropes`.
    pub rope: Option<usize>,
    /// Multiplies q·k.
    pub scale: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// silu(gate) * up
    SwiGlu,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FeedForwardPlan {
    pub gate: LinearPlan,
    pub up: LinearPlan,
    pub down: LinearPlan,
    pub activation: Activation,
}

/// How router logits become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gating {
    /// Softmax over all experts.
    Softmax,
}

/// Several feed-forwards of which a router chooses a few for each token. Tensors hold all experts, the expert last.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpertsPlan {
    pub n_expert: usize,
    pub n_used: usize,
    pub n_ff: usize,
    pub router: LinearPlan,
    pub gating: Gating,
    /// Divide the chosen experts' weights by their sum.
    pub renormalize: bool,
    /// [n_embd, n_ff, n_expert]
    pub gate: TensorPlan,
    /// [n_embd, n_ff, n_expert]
    pub up: TensorPlan,
    /// [n_ff, n_embd, n_expert]
    pub down: TensorPlan,
    pub activation: Activation,
}

/// What a branch computes from its normed input.
#[derive(Debug, Clone, PartialEq)]
pub enum Mixer {
    Attention(AttentionPlan),
    FeedForward(FeedForwardPlan),
    Experts(ExpertsPlan),
}

/// residual += mixer(norm(residual))
#[derive(Debug, Clone, PartialEq)]
pub struct BranchPlan {
    pub norm: NormPlan,
    pub mixer: Mixer,
}

/// One of the model's layers: its branches in order.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerPlan {
    pub branches: Vec<BranchPlan>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub n_embd: usize,
    pub n_vocab: usize,
    pub n_ctx_train: usize,
    /// [n_embd, n_vocab]
    pub embedding: TensorPlan,
    pub ropes: Vec<RopePlan>,
    pub layers: Vec<LayerPlan>,
    pub out_norm: NormPlan,
    pub head: LinearPlan,
}

impl Plan {
    /// Every attention of the model, in the order of their KV caches.
    pub fn attentions(&self) -> impl Iterator<Item = &AttentionPlan> {
        self.layers.iter().flat_map(|layer| &layer.branches).filter_map(|branch| match &branch.mixer {
            Mixer::Attention(attention) => Some(attention),
            Mixer::FeedForward(_) | Mixer::Experts(_) => None,
        })
    }

    /// The widest rows that steps need besides the residual.
    pub fn widths(&self) -> Widths {
        let mut widths = Widths::default();
        for branch in self.layers.iter().flat_map(|layer| &layer.branches) {
            match &branch.mixer {
                Mixer::Attention(a) => {
                    widths.qkv = widths.qkv.max(a.qkv.iter().map(|l| l.n_out).sum());
                    widths.attended = widths.attended.max(a.out.n_in);
                }
                Mixer::FeedForward(f) => {
                    widths.ff = widths.ff.max(f.up.n_out);
                    if f.gate.bias.is_some() || f.up.bias.is_some() {
                        widths.ff_apart = widths.ff_apart.max(f.gate.n_out + f.up.n_out);
                    }
                }
                // Experts see few rows at a time and bring buffers of their own.
                Mixer::Experts(_) => {}
            }
        }
        widths
    }
}

/// Values of a row in each part of the workspace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Widths {
    pub qkv: usize,
    pub attended: usize,
    pub ff: usize,
    /// Gate and up apart.
    pub ff_apart: usize,
}
