//! Attention whose keys and values are kept as one short latent row (multi-head latent attention, arXiv 2405.04434).

use super::{Cached, ChoicePlan, GateActivation, LinearPlan, NormPlan, Seen, Temperature, TensorPlan};

/// How the latent row becomes keys and values.
#[derive(Debug, Clone, PartialEq)]
pub enum LatentForm {
    /// Queries are moved into latent space and what is attended out of it: the cache keeps the latent row alone.
    /// `k` [n_nope, n_latent, n_head], `v` [n_latent, head_dim_v, n_head].
    Absorbed { k: TensorPlan, v: TensorPlan },
    /// Keys and values are made of it, n_nope and head_dim_v rows for each head, and kept.
    Expanded { kv: LinearPlan },
}

#[derive(Debug, Clone, PartialEq)]
pub struct LatentPlan {
    pub n_head: usize,
    /// Of a head's query and key: values that do not rotate, then those that may.
    pub n_nope: usize,
    pub n_rope: usize,
    pub n_latent: usize,
    pub head_dim_v: usize,
    /// Queries by way of a latent row of their own.
    pub q_a: Option<(LinearPlan, NormPlan)>,
    /// [n_nope + n_rope] for each head.
    pub q: LinearPlan,
    /// Latent row, then the key's rotating values, which all heads share.
    pub kv_a: LinearPlan,
    pub kv_norm: NormPlan,
    pub form: LatentForm,
    /// Index into `Plan::ropes`.
    pub rope: Option<usize>,
    pub scale: f32,
    pub seen: Seen,
    /// Which of the keys it sees it looks at, if not all.
    pub choice: Option<ChoicePlan>,
    /// A score for each head that takes its share and has no value, [n_head].
    pub sinks: Option<TensorPlan>,
    /// Of the rotating values that all heads' keys share, before they turn.
    pub rope_norm: Option<NormPlan>,
    pub temperature: Option<Temperature>,
    /// A value for each attended one, or for each head.
    pub gate: Option<(LinearPlan, GateActivation)>,
    pub out: LinearPlan,
}

impl LatentPlan {
    pub fn head_dim(&self) -> usize {
        self.n_nope + self.n_rope
    }

    /// A latent row is its own value.
    pub fn cached(&self) -> Cached {
        match self.form {
            LatentForm::Absorbed { .. } => Cached::new(1, self.n_latent + self.n_rope, 0),
            LatentForm::Expanded { .. } => Cached::new(self.n_head, self.head_dim(), self.head_dim_v),
        }
    }

    /// Length of what is attended, for each head.
    pub fn attended_dim(&self) -> usize {
        match self.form {
            LatentForm::Absorbed { .. } => self.n_latent,
            LatentForm::Expanded { .. } => self.head_dim_v,
        }
    }
}
