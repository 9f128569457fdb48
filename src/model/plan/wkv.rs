//! Linear attention by tokens that are mixed with the token before them (RWKV 6, arXiv 2404.05892, and 7, arXiv 2503.14456).

use super::{LinearPlan, TensorPlan};

/// A small matrix pair with a squashing between, and what is added: b(squash(a x)) + base.
#[derive(Debug, Clone, PartialEq)]
pub struct LowRankPlan {
    pub a: LinearPlan,
    pub b: LinearPlan,
    pub base: Option<TensorPlan>,
}

/// Weight and bias of a norm of each head's values, [n_embd] each.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupNormPlan {
    pub weight: TensorPlan,
    pub bias: TensorPlan,
}

/// A state that forgets by channel, and takes out what a removal key finds before it writes.
#[derive(Debug, Clone, PartialEq)]
pub struct RemovalPlan {
    pub n_embd: usize,
    pub head_dim: usize,
    /// Shares of the token before in r, w, k, v, a and g: [n_embd] for each, one behind the other.
    pub lerp: TensorPlan,
    pub r: LinearPlan,
    pub k: LinearPlan,
    pub v: LinearPlan,
    pub out: LinearPlan,
    pub decay: LowRankPlan,
    pub rate: LowRankPlan,
    /// How much of the first layer's values to take; none in the first layer.
    pub first: Option<LowRankPlan>,
    pub gate: Option<LowRankPlan>,
    /// [n_embd] each.
    pub removal_scale: TensorPlan,
    pub rate_share: TensorPlan,
    pub bonus: TensorPlan,
    pub norm: Option<GroupNormPlan>,
}

/// A state that forgets by channel, with shares of the token before that the token itself sets.
#[derive(Debug, Clone, PartialEq)]
pub struct DecayPlan {
    pub n_embd: usize,
    pub head_dim: usize,
    pub n_head_kv: usize,
    /// [n_embd]
    pub lerp_all: TensorPlan,
    /// Shares in w, k, v, r and g.
    pub lerp: TensorPlan,
    /// What the token adds to each share: [n_embd, 5 rank], then [rank, n_embd, 5].
    pub shares_a: LinearPlan,
    pub shares_b: TensorPlan,
    pub r: LinearPlan,
    pub k: LinearPlan,
    pub v: LinearPlan,
    pub gate: LinearPlan,
    pub out: LinearPlan,
    pub decay: LowRankPlan,
    /// What the current token counts besides the state, [head_dim, n_head]. Without it the token is written first, keys are
    /// what the decay leaves free, and queries are scaled by the root of the head size.
    pub bonus: Option<TensorPlan>,
    pub norm: Option<GroupNormPlan>,
}

/// value(relu(key(x mixed with the token before))^2), times sigmoid(receptance) where there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelMixPlan {
    pub n_embd: usize,
    pub lerp_k: TensorPlan,
    pub key: LinearPlan,
    pub value: LinearPlan,
    pub receptance: Option<(TensorPlan, LinearPlan)>,
}
