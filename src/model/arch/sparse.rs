//! Families whose attention looks at a few chosen keys: DeepSeek V3.2, GLM 5, MiniMax M3, dots 3.

use super::super::plan::{
    ChoicePlan, Chooses, Clamp, GateActivation, Gating, IndexerKeys, IndexerPlan, IndexerRope, LatentPlan, LayerPlan, Mixer, NormKind,
    Plan, RopePairs, RopePlan, Seen,
};
use super::latent::{Sizes, base, latent, latent_of, scores_by_yarn};
use super::transformer::{Router, Transformer};
use super::{ArchError, Header};

/// The context length from which on GLM 5.2 shares its choices, where its file does not say which layers do.
const SHARING_FROM: usize = 1 << 20;
/// No file names it.
const K_NORM_EPS: f32 = 1e-6;

/// DeepSeek V3.2: the indexer turns halves where the attention turns neighbours.
pub fn deepseek32(h: &Header) -> Result<Plan, ArchError> {
    let mut t = base(h, RopePairs::Norm)?;
    t.router = Router { gating: Gating::Sigmoid, renormalize: false };
    let scale = scores_by_yarn(&mut t)?;
    t.ropes.push(RopePlan { pairs: RopePairs::Neox, ..t.ropes[0].clone() });
    layers(&t, |il| {
        let mut latent = latent(&t, il)?;
        latent.scale *= scale;
        latent.choice = Some(indexer(&t, il, IndexerRope { rope: 1, last: false }, K_NORM_EPS)?);
        Ok(latent)
    })
}

/// GLM 5: some layers look at what the last one with an indexer has chosen. The norm of its keys has no eps.
pub fn glm_dsa(h: &Header) -> Result<Plan, ArchError> {
    let mut t = base(h, RopePairs::Norm)?;
    t.router = Router { gating: Gating::Sigmoid, renormalize: false };
    let own = own_indexer(&t, |il| t.dims.n_ctx_train < SHARING_FROM || il < 2 || il % 4 == 2)?;
    layers(&t, |il| {
        let mut latent = latent(&t, il)?;
        latent.choice = Some(match own[il] {
            true => indexer(&t, il, IndexerRope { rope: 0, last: false }, 0.0)?,
            false => ChoicePlan::Last,
        });
        Ok(latent)
    })
}

/// dots 3: sliding layers see all of their window by latent rows and a rope of their own, the others choose.
pub fn dots3note(h: &Header) -> Result<Plan, ArchError> {
    let mut t = base(h, RopePairs::Norm)?.windows(0)?;
    t.router = Router { gating: Gating::Sigmoid, renormalize: false };
    let main = t.ropes[0].clone();
    t.ropes.push(RopePlan { pairs: RopePairs::Neox, ..main.clone() });
    t.ropes.push(RopePlan { base: h.positive_or("rope.freq_base_swa", main.base)?, ..main });
    layers(&t, |il| {
        let mut latent = if t.seen[il] == Seen::All {
            let choice = indexer(&t, il, IndexerRope { rope: 1, last: false }, K_NORM_EPS)?;
            LatentPlan { choice: Some(choice), ..latent(&t, il)? }
        } else {
            let sizes = Sizes {
                n_latent: h.count("attention.kv_lora_rank_swa")?,
                head_dim: h.count("attention.key_length_mla_swa")?,
                head_dim_v: h.count("attention.value_length_mla_swa")?,
            };
            LatentPlan { rope: Some(2), ..latent_of(&t, il, sizes)? }
        };
        latent.rope_norm = Some(h.norm(&t.blk(il, "attn_k_norm"), NormKind::Rms, latent.n_rope, t.eps));
        latent.gate = Some((h.linear(t.blk(il, "attn_gate"), t.dims.n_embd, latent.n_head), GateActivation::Sigmoid));
        Ok(latent)
    })
}

/// MiniMax M3: each KV head looks at blocks of keys of its own; the first, dense layers see all.
pub fn minimax_m3(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Neox)?;
    t.router = Router { gating: Gating::Sigmoid, renormalize: false };
    t.clamp = Some(Clamp::Swiglu { alpha: 1.702, limit: 7.0 });
    let dense_first = h.whole_or("leading_dense_block_count", 0)?;
    t.plan_with(|il, attention| {
        if il >= dense_first {
            attention.choice = Some(ChoicePlan::Own(Box::new(head_indexer(&t, il)?)));
        }
        Ok(())
    })
}

/// An indexer whose heads choose for one KV head each.
fn head_indexer(t: &Transformer, il: usize) -> Result<IndexerPlan, ArchError> {
    let (h, n_embd) = (t.h, t.dims.n_embd);
    let (n_head, head_dim) = (h.count("attention.indexer.head_count")?, h.count("attention.indexer.key_length")?);
    let norm = |what: &str| h.norm(&t.blk(il, what), NormKind::Rms, head_dim, t.eps);
    Ok(IndexerPlan {
        n_head,
        head_dim,
        q: h.linear(t.blk(il, "indexer.q_proj"), n_embd, n_head * head_dim),
        q_norm: Some(norm("indexer.q_norm")),
        keys: IndexerKeys::Each { k: h.linear(t.blk(il, "indexer.k_proj"), n_embd, head_dim), norm: norm("indexer.k_norm") },
        weights: None,
        rope: Some(IndexerRope { rope: 0, last: false }),
        chooses: Chooses::BlocksOfHeads {
            n: h.count("attention.indexer.top_k")?,
            size: h.count("attention.indexer.block_size")?,
            last: h.whole_or("attention.indexer.local_blocks", 0)?,
        },
    })
}

/// Layers of latent attention.
fn layers(t: &Transformer, latent: impl Fn(usize) -> Result<LatentPlan, ArchError>) -> Result<Plan, ArchError> {
    t.plan_of(|il| -> Result<LayerPlan, ArchError> { Ok(t.layer(il, Mixer::Latent(latent(il)?), t.feed_forward(il)?)) })
}

/// Which layers have an indexer of their own, by the file or else by `default`.
pub fn own_indexer(t: &Transformer, default: impl Fn(usize) -> bool) -> Result<Vec<bool>, ArchError> {
    let flags = t.h.flags("attention.indexer.types", t.dims.n_layer)?;
    Ok(flags.unwrap_or_else(|| (0..t.dims.n_layer).map(default).collect()))
}

/// An indexer that keeps a key of each position.
pub fn indexer(t: &Transformer, il: usize, rope: IndexerRope, eps: f32) -> Result<ChoicePlan, ArchError> {
    let (h, n_embd) = (t.h, t.dims.n_embd);
    let (n_head, head_dim) = (h.count("attention.indexer.head_count")?, h.count("attention.indexer.key_length")?);
    let blk = |what: &str| t.blk(il, what);
    Ok(ChoicePlan::Own(Box::new(IndexerPlan {
        n_head,
        head_dim,
        q: h.linear(blk("indexer.attn_q_b"), h.count("attention.q_lora_rank")?, n_head * head_dim),
        q_norm: None,
        keys: IndexerKeys::Each {
            k: h.linear(blk("indexer.attn_k"), n_embd, head_dim),
            norm: h.norm(&blk("indexer.k_norm"), NormKind::Layer, head_dim, eps),
        },
        weights: Some(h.linear(blk("indexer.proj"), n_embd, n_head)),
        rope: Some(rope),
        chooses: Chooses::Keys(h.count("attention.indexer.top_k")?),
    })))
}
