//! Qwen 4, as far as it is known: several residuals gated together, runs of tokens looked up in a table, a delta rule, and
//! attention that chooses positions by the means of their blocks.

use super::super::plan::{
    ChoicePlan, Chooses, DeltaGate, GatedMerge, Gating, IndexerKeys, IndexerPlan, IndexerRope, LayerPlan, MergePlan, Mixer, NgramPlan,
    NormKind, NormPlan, Plan, PoolPlan, RecurrentPlan, ResidualsPlan, RopePairs, StepPlan,
};
use super::llama::sections;
use super::recurrent::{delta, gated_attention};
use super::residuals::count;
use super::transformer::{Router, Transformer};
use super::{ArchError, Header};

/// Longer runs than any model looks up, and more parts of its table for each length.
const NGRAM_MAX: usize = 16;
const PARTS_MAX: usize = 64;

pub fn qwen4exp(h: &Header) -> Result<Plan, ArchError> {
    let mut t = sections(Transformer::new(h)?.rope(RopePairs::Neox)?, true)?;
    t.router = Router { gating: Gating::Softmax, renormalize: true };
    let n_layer = t.dims.n_layer;
    let ratios = h.counts("attention.compress_ratios", n_layer, Some(0))?;
    let with_ngrams = h.whole_numbers("ple.layers", 0)?.unwrap_or_default();
    if with_ngrams.len() > 1 {
        return Err(h.wrong("ple.layers", "one layer at most"));
    }
    let mut plan = t.plan_of(|il| {
        let mut layer = LayerPlan::default();
        if with_ngrams.contains(&(il as u64)) {
            layer.steps.push(StepPlan::Ngram(Box::new(ngram(&t, il)?)));
        }
        let mixer = if h.has(&t.blk(il, "ssm_out.weight")) {
            let mut delta = delta(&t, il, true)?;
            delta.gate = DeltaGate::Sigmoid;
            Mixer::Recurrent(RecurrentPlan::Delta(delta))
        } else {
            let mut attention = gated_attention(&t, il)?;
            attention.choice = match ratios[il] {
                0 => None,
                ratio => Some(ChoicePlan::Own(Box::new(indexer(&t, il, ratio)?))),
            };
            Mixer::Attention(attention)
        };
        layer.merged(gated(&t, &t.blk(il, "hc_attn"), true)?, None, mixer);
        layer.merged(gated(&t, &t.blk(il, "hc_ffn"), true)?, None, t.feed_forward(il)?);
        Ok(layer)
    })?;
    plan.residuals = Some(ResidualsPlan { n: count(h)?, end: gated(&t, "output_hc", false)? });
    // What merges them at the end norms them.
    plan.out_norm = None;
    Ok(plan)
}

/// A norm with weights for each residual.
fn norm(t: &Transformer, name: &str) -> Result<NormPlan, ArchError> {
    let (n, n_embd, name) = (count(t.h)?, t.dims.n_embd, format!("{name}.weight"));
    let found = t.h.shape(&name).filter(|shape| shape.iter().product::<usize>() == n * n_embd);
    let weight = t.h.tensor(name, &found.unwrap_or_else(|| vec![n_embd, n]));
    Ok(NormPlan { kind: NormKind::Rms, weight: Some(weight), bias: None, eps: t.eps })
}

fn gated(t: &Transformer, name: &str, spreads: bool) -> Result<MergePlan, ArchError> {
    let (h, n, rank) = (t.h, count(t.h)?, t.h.count("hyper_connection.low_rank")?);
    let width = n * t.dims.n_embd;
    Ok(MergePlan::Gated(GatedMerge {
        norm: norm(t, &format!("{name}_norm"))?,
        down: h.linear(format!("{name}_down"), width, rank),
        up: h.linear(format!("{name}_up"), rank, width),
        spread: spreads.then(|| h.linear(format!("{name}_inject"), width, n)),
    }))
}

/// An indexer over the means of blocks' keys, normed and turned after; whole blocks of positions, and what begins the next.
fn indexer(t: &Transformer, il: usize, ratio: usize) -> Result<IndexerPlan, ArchError> {
    let (h, n_embd) = (t.h, t.dims.n_embd);
    let (n_head, head_dim) = (h.count("attention.indexer.head_count")?, h.count("attention.indexer.key_length")?);
    let norm = |what: &str| h.norm(&t.blk(il, what), NormKind::Rms, head_dim, t.eps);
    let rope = Some(IndexerRope { rope: 0, last: false });
    Ok(IndexerPlan {
        n_head,
        head_dim,
        q: h.linear(t.blk(il, "indexer.q_proj"), n_embd, n_head * head_dim),
        q_norm: Some(norm("indexer.q_norm")),
        keys: IndexerKeys::Pooled(PoolPlan {
            ratio,
            dim: head_dim,
            overlaps: false,
            values: h.linear(t.blk(il, "indexer.k_proj"), n_embd, head_dim),
            value_norm: None,
            logits: None,
            norm: Some(norm("indexer.k_norm")),
            rope,
        }),
        weights: None,
        rope,
        chooses: Chooses::Positions(h.count("attention.indexer.top_k")? + ratio - 1),
    })
}

fn ngram(t: &Transformer, il: usize) -> Result<NgramPlan, ArchError> {
    let (h, n, n_embd) = (t.h, count(t.h)?, t.dims.n_embd);
    let (n_gram, each) = (h.count("ple.ngram_size")?, h.count("ple.heads_per_ngram")?);
    if !(2..=NGRAM_MAX).contains(&n_gram) {
        return Err(h.wrong("ple.ngram_size", format!("a whole number from 2 to {NGRAM_MAX}")));
    }
    if each > PARTS_MAX {
        return Err(h.wrong("ple.heads_per_ngram", format!("at most {PARTS_MAX}")));
    }
    let (n_parts, n_taps) = ((n_gram - 1) * each, h.count("ple.conv_kernel")?);
    let table = "per_layer_token_embd.weight";
    let n_rows = h.n_rows(table).unwrap_or(0);
    let required = |name: &str, n: usize| h.whole_numbers(name, n)?.ok_or_else(|| h.wrong(name, format!("{n} whole numbers")));
    let (firsts, sizes) = (required("ple.head_offsets", n_parts)?, required("ple.head_vocab_sizes", n_parts)?);
    let part = |(first, n): (&u64, &u64)| {
        let end = first.checked_add(*n).filter(|end| *n > 0 && *end <= n_rows as u64);
        end.map(|_| (*first as usize, *n as usize))
            .ok_or_else(|| h.wrong("ple.head_vocab_sizes", format!("parts of {table}'s {n_rows} rows")))
    };
    let dim = h.count("embedding_length_per_layer_input")?;
    let blk = |what: &str| t.blk(il, what);
    Ok(NgramPlan {
        n,
        n_embd,
        table: h.tensor(table.to_owned(), &[dim, n_rows]),
        dim,
        n_gram,
        multipliers: required("ple.layer_multipliers", n_gram)?,
        parts: firsts.iter().zip(&sizes).map(part).collect::<Result<_, _>>()?,
        reset: u32::try_from(h.whole_or("ple.eos_token_id", 0)?).unwrap_or(u32::MAX),
        key: h.linear(blk("ple_key"), n_parts * dim, n * n_embd),
        value: h.linear(blk("ple_value"), n_parts * dim, n_embd),
        key_norm: norm(t, &blk("ple_norm_key"))?,
        query_norm: norm(t, &blk("ple_norm_query"))?,
        conv_norm: norm(t, &blk("ple_norm_conv"))?,
        conv: h.tensor(blk("ple_conv1d.weight"), &[n_taps, n * n_embd]),
        n_taps,
    })
}
