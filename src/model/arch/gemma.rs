//! Gemma 1 to 3: embeddings scaled by the root of their width, a GELU gate, norms before and after each branch.

use super::super::plan::{Activation, Plan, RopePairs};
use super::transformer::Transformer;
use super::{ArchError, Header};

fn base<'a>(h: &'a Header<'a>) -> Result<Transformer<'a>, ArchError> {
    let t = Transformer::new(h)?.rope(RopePairs::Neox)?;
    let embedding_scale = (t.dims.n_embd as f32).sqrt();
    Ok(Transformer { embedding_scale, activation: Activation::Gelu, ..t })
}

/// The largest of a generation scales its scores by the embedding's share of a head.
fn scaled_by_share(mut t: Transformer, n_layer: usize) -> Transformer {
    if t.dims.n_layer == n_layer {
        t.scale = Some(1.0 / ((t.dims.n_embd / t.dims.n_head[0].max(1)) as f32).sqrt());
    }
    t
}

pub fn gemma(h: &Header) -> Result<Plan, ArchError> {
    base(h)?.plan()
}

pub fn gemma2(h: &Header) -> Result<Plan, ArchError> {
    let mut t = scaled_by_share(base(h)?.windows(2)?, 46);
    t.logit_cap = h.positive_opt("final_logit_softcapping")?;
    let cap = h.positive_opt("attn_logit_softcapping")?;
    t.plan_with(|_, attention| {
        attention.score_cap = cap;
        Ok(())
    })
}

pub fn gemma3(h: &Header) -> Result<Plan, ArchError> {
    let mut t = scaled_by_share(base(h)?.windows(6)?.sliding_rope(10_000.0)?, 62);
    t.logit_cap = h.positive_opt("final_logit_softcapping")?;
    t.plan()
}
