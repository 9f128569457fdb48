//! Families with several residuals side by side: Hunyuan 4.

use super::super::plan::{
    ChoicePlan, Clamp, GateActivation, Gating, IndexerRope, LayerPlan, MergePlan, Mixer, Plan, ResidualsPlan, RopePairs, SpreadPlan,
    WeightedMerge,
};
use super::latent::{base, latent};
use super::sparse::{indexer, own_indexer};
use super::transformer::{ClampLimits, Router, Transformer};
use super::{ArchError, Header};

/// More residuals than any model has.
const RESIDUALS_MAX: usize = 64;

/// Hunyuan 4: latent attention with sinks, a gate for each value, and choices that layers share.
pub fn hy_v4(h: &Header) -> Result<Plan, ArchError> {
    let mut t = base(h, RopePairs::Norm)?;
    t.router = Router { gating: Gating::Sigmoid, renormalize: false };
    let (own, limits) = (own_indexer(&t, |_| true)?, ClampLimits::read(h, t.dims.n_layer)?);
    let spread = SpreadPlan { magnitude: h.positive("hyper_connection.magnitude")?, eps: epsilon(h)?, rounds: None };
    let chooses = h.whole_or("attention.indexer.top_k", 0)? > 0;
    let rope = IndexerRope { rope: 0, last: true };
    let mut plan = t.plan_of(|il| {
        let mut latent = latent(&t, il)?;
        latent.choice = match (chooses, own[il]) {
            (false, _) => None,
            (true, true) => Some(indexer(&t, il, rope, t.eps)?),
            (true, false) => Some(ChoicePlan::Last),
        };
        latent.sinks = Some(h.tensor(t.blk(il, "attn_sinks.weight"), &[latent.n_head]));
        let n_gate = latent.n_head * latent.head_dim_v;
        latent.gate = Some((h.linear(t.blk(il, "attn_gate"), t.dims.n_embd, n_gate), GateActivation::Sigmoid));
        let mut feed_forward = t.feed_forward(il)?;
        limits.set(il, Clamp::Before, &mut feed_forward);
        layer(&t, il, spread, Mixer::Latent(latent), feed_forward)
    })?;
    plan.residuals = Some(ResidualsPlan { n: count(h)?, end: weighted_end(&t)? });
    Ok(plan)
}

/// Residuals.
pub fn count(h: &Header) -> Result<usize, ArchError> {
    let name = "hyper_connection.count";
    let n = h.count(name)?;
    if n > RESIDUALS_MAX { Err(h.wrong(name, format!("at most {RESIDUALS_MAX}"))) } else { Ok(n) }
}

pub fn epsilon(h: &Header) -> Result<f32, ArchError> {
    h.number("hyper_connection.epsilon").filter(|e| *e >= 0.0).ok_or_else(|| h.wrong("hyper_connection.epsilon", "a number from 0 on"))
}

/// A layer whose branches weigh the residuals.
pub fn layer(t: &Transformer, il: usize, spread: SpreadPlan, attention: Mixer, feed_forward: Mixer) -> Result<LayerPlan, ArchError> {
    let mut layer = LayerPlan::default();
    let merge = |name: &str| weighted(t, &t.blk(il, name), Some(spread));
    layer.merged(merge("hc_attn")?, Some(t.norm(il, t.attn_norm)), attention);
    layer.merged(merge("hc_ffn")?, Some(t.norm(il, t.ffn_norm)), feed_forward);
    Ok(layer)
}

pub fn weighted_end(t: &Transformer) -> Result<MergePlan, ArchError> {
    weighted(t, "output_hc", None)
}

fn weighted(t: &Transformer, name: &str, spread: Option<SpreadPlan>) -> Result<MergePlan, ArchError> {
    let (h, n) = (t.h, count(t.h)?);
    let (parts, n_out) = match spread {
        None => (1, n),
        Some(SpreadPlan { rounds: None, .. }) => (2, 2 * n),
        Some(SpreadPlan { rounds: Some(_), .. }) => (3, (2 + n) * n),
    };
    Ok(MergePlan::Weighted(WeightedMerge {
        norm_eps: t.eps,
        weights: h.linear(format!("{name}_fn"), n * t.dims.n_embd, n_out),
        scale: h.tensor(format!("{name}_scale.weight"), &[parts]),
        base: h.tensor(format!("{name}_base.weight"), &[n_out]),
        eps: epsilon(h)?,
        spread,
    }))
}
