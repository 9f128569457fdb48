//! Families that compress what lies far back, to attend it or to choose from it: DeepSeek V4, GLM 5 Next.

use super::super::plan::{
    ChoicePlan, Chooses, Clamp, Gating, IndexerKeys, IndexerPlan, IndexerRope, MergePlan, Mixer, NormKind, Plan, PoolPlan, RecurrentPlan,
    ResidualsPlan, RopePairs, RopePlan, Seen, SharedRowPlan, SpreadPlan,
};
use super::channel_delta::mixer;
use super::residuals::{count, layer, weighted_end};
use super::sparse::own_indexer;
use super::transformer::{ClampLimits, Router, Transformer};
use super::{ArchError, Header};

/// Rows of so few positions overlap, and an indexer chooses among them; rows of [`ALL_RATIO`] are all attended.
const CHOSEN_RATIO: usize = 4;
const ALL_RATIO: usize = 128;
/// What GLM 5 Next adds to the squares of a query or key; no file names it.
const DELTA_EPS: f32 = 1e-6;
/// Indexes of the plan's ropes: layers that compress nothing turn by the first.
const PLAIN: usize = 0;
const COMPRESSED: usize = 1;

/// DeepSeek V4. What turns compressed layers is stretched by YaRN, which multiplies nothing here.
pub fn deepseek4(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?;
    t.router = Router { gating: Gating::SqrtSoftplus, renormalize: true };
    let (n, head_dim) = (t.dims.n_layer, h.count("attention.key_length")?);
    let rope = h.rope(RopePairs::Norm, h.count("rope.dimension_count")?, head_dim)?;
    t.ropes.push(RopePlan { freq_scale: 1.0, yarn: None, magnitude: 1.0, ..rope.clone() });
    t.ropes.push(RopePlan { base: h.positive("attention.compress_rope_freq_base")?, magnitude: 1.0, ..rope });
    let ratios = h.counts("attention.compress_ratios", n, None)?;
    if ratios.iter().any(|r| ![0, CHOSEN_RATIO, ALL_RATIO].contains(r)) {
        return Err(h.wrong("attention.compress_ratios", format!("0, {CHOSEN_RATIO} or {ALL_RATIO} for each layer")));
    }
    let spread = SpreadPlan { magnitude: 2.0, eps: 0.0, rounds: Some(h.count("hyper_connection.sinkhorn_iterations")?) };
    let (limits, n_by_id) = (ClampLimits::read_for_all(h, n)?, h.whole_or("hash_layer_count", 0)?);
    let mut plan = t.plan_of(|il| {
        let mut feed_forward = t.feed_forward(il)?;
        limits.set(il, Clamp::Before, &mut feed_forward);
        if let Mixer::Experts(experts) = &mut feed_forward {
            let by_id = || h.tensor(t.blk(il, "ffn_gate_tid2eid.weight"), &[experts.n_used, t.dims.n_vocab]);
            experts.by_id = (il < n_by_id).then(by_id);
        }
        layer(&t, il, spread, Mixer::SharedRow(shared_row(&t, il, head_dim, ratios[il])?), feed_forward)
    })?;
    plan.residuals = Some(ResidualsPlan { n: count(h)?, end: weighted_end(&t)? });
    Ok(plan)
}

/// GLM 5 Next: a delta rule, and latent attention without rotation that chooses blocks of positions by pooled keys.
pub fn glm5_next(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?;
    t.router = Router { gating: Gating::Sigmoid, renormalize: false };
    let spread = SpreadPlan { magnitude: 2.0, eps: 0.0, rounds: Some(h.count("hyper_connection.sinkhorn_iterations")?) };
    let (own, limits) = (own_indexer(&t, |_| true)?, ClampLimits::read_for_all(h, t.dims.n_layer)?);
    let mut plan = t.plan_of(|il| {
        let mut mixer = mixer(&t, il)?;
        match &mut mixer {
            Mixer::Recurrent(RecurrentPlan::Delta(delta)) => delta.eps = DELTA_EPS,
            Mixer::Latent(latent) if own[il] => latent.choice = Some(ChoicePlan::Own(Box::new(block_indexer(&t, il)?))),
            Mixer::Latent(latent) => latent.choice = Some(ChoicePlan::Last),
            _ => {}
        }
        let mut feed_forward = t.feed_forward(il)?;
        limits.set(il, Clamp::Before, &mut feed_forward);
        layer(&t, il, spread, mixer, feed_forward)
    })?;
    plan.residuals = Some(ResidualsPlan { n: count(h)?, end: MergePlan::Mean });
    Ok(plan)
}

/// An indexer that pools keys as they are normed, and chooses their positions.
fn block_indexer(t: &Transformer, il: usize) -> Result<IndexerPlan, ArchError> {
    let (h, n_embd) = (t.h, t.dims.n_embd);
    let (n_head, head_dim) = (h.count("attention.indexer.head_count")?, h.count("attention.indexer.key_length")?);
    let (ratio, top_k) = (h.count("attention.indexer.kpool")?, h.count("attention.indexer.top_k")?);
    if !top_k.is_multiple_of(ratio) {
        return Err(h.wrong("attention.indexer.top_k", format!("a multiple of attention.indexer.kpool, {ratio}")));
    }
    if !h.flag_or("attention.indexer.kpool_select_tail", false) {
        return Err(h.wrong("attention.indexer.kpool_select_tail", "true: else the first tokens would see nothing"));
    }
    let linear = |what: &str, n_in, n_out| h.linear(t.blk(il, what), n_in, n_out);
    let eps = h.number("attention.layer_norm_epsilon").filter(|e| *e >= 0.0).unwrap_or(0.0);
    Ok(IndexerPlan {
        n_head,
        head_dim,
        q: linear("indexer.attn_q_b", h.count("attention.q_lora_rank")?, n_head * head_dim),
        q_norm: None,
        keys: IndexerKeys::Pooled(PoolPlan {
            ratio,
            dim: head_dim,
            overlaps: false,
            values: linear("indexer.attn_k", n_embd, head_dim),
            value_norm: Some(h.norm(&t.blk(il, "indexer.k_norm"), NormKind::Layer, head_dim, eps)),
            logits: Some((
                linear("indexer_compressor_gate", n_embd, head_dim),
                h.tensor(t.blk(il, "indexer_compressor_ape.weight"), &[head_dim, ratio]),
            )),
            norm: None,
            rope: None,
        }),
        weights: Some(linear("indexer.proj", n_embd, n_head)),
        rope: None,
        chooses: Chooses::Blocks(top_k / ratio),
    })
}

fn shared_row(t: &Transformer, il: usize, head_dim: usize, ratio: usize) -> Result<SharedRowPlan, ArchError> {
    let (h, n_embd, n_head) = (t.h, t.dims.n_embd, t.dims.n_head[il]);
    let (n_group, rank) = (h.count("attention.output_group_count")?, h.count("attention.output_lora_rank")?);
    let (n_queries, n) = (h.count("attention.q_lora_rank")?, n_head * head_dim);
    if n == 0 || !n_head.is_multiple_of(n_group) {
        return Err(h.wrong("attention.output_group_count", format!("a divisor of attention.head_count, {n_head}")));
    }
    let blk = |what: &str| t.blk(il, what);
    let norm = |what: &str, width| h.norm(&blk(what), NormKind::Rms, width, t.eps);
    let out_a = blk("attn_output_a.weight");
    let apart = h.shape(&out_a).is_some_and(|s| s.len() > 2);
    let out_shape = if apart { vec![n / n_group, rank, n_group] } else { vec![n / n_group, rank * n_group] };
    Ok(SharedRowPlan {
        n_head,
        head_dim,
        q_a: (h.linear(blk("attn_q_a"), n_embd, n_queries), norm("attn_q_a_norm", n_queries)),
        q: h.linear(blk("attn_q_b"), n_queries, n),
        q_norm: t.plain_norm(),
        row: h.linear(blk("attn_kv"), n_embd, head_dim),
        row_norm: norm("attn_kv_a_norm", head_dim),
        rope: if ratio == 0 { PLAIN } else { COMPRESSED },
        scale: 1.0 / (head_dim as f32).sqrt(),
        seen: Seen::Window(h.count("attention.sliding_window")?),
        sinks: h.tensor(blk("attn_sinks.weight"), &[n_head]),
        pool: (ratio > 0).then(|| pool(t, &blk("attn_compressor"), head_dim, ratio)),
        choice: (ratio == CHOSEN_RATIO).then(|| indexer(t, il)).transpose()?.map(Box::new),
        n_group,
        rank,
        out_a: h.tensor(out_a, &out_shape),
        out: h.linear(blk("attn_output_b"), rank * n_group, n_embd),
    })
}

/// Weighed by logits of their own with an offset for each place in a block; normed and turned after.
fn pool(t: &Transformer, name: &str, dim: usize, ratio: usize) -> PoolPlan {
    let overlaps = ratio == CHOSEN_RATIO;
    let width = if overlaps { 2 * dim } else { dim };
    let linear = |what: &str| t.h.linear(format!("{name}_{what}"), t.dims.n_embd, width);
    PoolPlan {
        ratio,
        dim,
        overlaps,
        values: linear("kv"),
        value_norm: None,
        logits: Some((linear("gate"), t.h.tensor(format!("{name}_ape.weight"), &[width, ratio]))),
        norm: Some(t.h.norm(&format!("{name}_norm"), NormKind::Rms, dim, t.eps)),
        rope: Some(IndexerRope { rope: COMPRESSED, last: true }),
    }
}

fn indexer(t: &Transformer, il: usize) -> Result<IndexerPlan, ArchError> {
    let h = t.h;
    let (n_head, head_dim) = (h.count("attention.indexer.head_count")?, h.count("attention.indexer.key_length")?);
    let n_queries = h.count("attention.q_lora_rank")?;
    Ok(IndexerPlan {
        n_head,
        head_dim,
        q: h.linear(t.blk(il, "indexer.attn_q_b"), n_queries, n_head * head_dim),
        q_norm: None,
        keys: IndexerKeys::Pooled(pool(t, &t.blk(il, "indexer_compressor"), head_dim, CHOSEN_RATIO)),
        weights: Some(h.linear(t.blk(il, "indexer.proj"), t.dims.n_embd, n_head)),
        rope: Some(IndexerRope { rope: COMPRESSED, last: true }),
        chooses: Chooses::Keys(h.count("attention.indexer.top_k")?),
    })
}
