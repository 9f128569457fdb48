//! Families with LayerNorm: GPT-2 and what came of it, and those whose branches stand side by side.

use super::super::plan::{Activation, NormKind, Plan, RopePairs};
use super::llama::with_alibi;
use super::transformer::{Block, Transformer};
use super::{ArchError, Header};

fn layer_norm<'a>(h: &'a Header<'a>, activation: Activation) -> Result<Transformer<'a>, ArchError> {
    Ok(Transformer { activation, ..Transformer::with_norm(h, NormKind::Layer)? })
}

/// Positions are learned.
pub fn gpt2(h: &Header) -> Result<Plan, ArchError> {
    let mut t = layer_norm(h, Activation::Gelu)?;
    t.positions = Some(h.tensor("position_embd.weight".to_owned(), &[t.dims.n_embd, t.dims.n_ctx_train]));
    t.plan()
}

pub fn bloom(h: &Header) -> Result<Plan, ArchError> {
    let mut t = layer_norm(h, Activation::Gelu)?;
    t.embedding_norm = Some(h.norm("token_embd_norm", t.kind, t.dims.n_embd, t.eps));
    with_alibi(t, 8.0)
}

pub fn mpt(h: &Header) -> Result<Plan, ArchError> {
    with_alibi(layer_norm(h, Activation::Gelu)?, h.positive_or("attention.max_alibi_bias", 0.0)?)
}

/// Scores are divided by the head size, not by its root.
pub fn jais(h: &Header) -> Result<Plan, ArchError> {
    let mut t = layer_norm(h, Activation::Silu)?;
    t.scale = Some(1.0 / t.head_dim(0)?.0 as f32);
    with_alibi(t, h.positive_or("attention.max_alibi_bias", 0.0)?)
}

/// StarCoder 2, CodeShell.
pub fn gelu_neox(h: &Header) -> Result<Plan, ArchError> {
    layer_norm(h, Activation::Gelu)?.rope(RopePairs::Neox)?.plan()
}

/// Nemotron, Jais 2.
pub fn relu_squared_neox(h: &Header) -> Result<Plan, ArchError> {
    layer_norm(h, Activation::ReluSquared)?.rope(RopePairs::Neox)?.plan()
}

pub fn orion(h: &Header) -> Result<Plan, ArchError> {
    layer_norm(h, Activation::Silu)?.rope(RopePairs::Neox)?.plan()
}

pub fn gptneox(h: &Header) -> Result<Plan, ArchError> {
    let block = if h.flag_or("use_parallel_residual", true) { Block::ParallelNorms } else { Block::Sequential };
    Transformer { block, ..layer_norm(h, Activation::Gelu)?.rope(RopePairs::Neox)? }.plan()
}

/// One norm for both branches; 40B has one for each.
pub fn falcon(h: &Header) -> Result<Plan, ArchError> {
    let t = layer_norm(h, Activation::Gelu)?.rope(RopePairs::Neox)?;
    if h.has("blk.0.attn_norm_2.weight") {
        Transformer { block: Block::ParallelNorms, attn_norm: "attn_norm_2", ffn_norm: "attn_norm", ..t }.plan()
    } else {
        Transformer { block: Block::Parallel, ..t }.plan()
    }
}

pub fn phi2(h: &Header) -> Result<Plan, ArchError> {
    Transformer { block: Block::Parallel, ..layer_norm(h, Activation::Gelu)?.rope(RopePairs::Neox)? }.plan()
}

/// Without a norm of its own the feed-forward reads what attention reads.
pub fn stablelm(h: &Header) -> Result<Plan, ArchError> {
    let block = if h.has("blk.0.ffn_norm.weight") { Block::Sequential } else { Block::Parallel };
    Transformer { block, ..layer_norm(h, Activation::Silu)?.rope(RopePairs::Neox)? }.plan()
}

pub fn dbrx(h: &Header) -> Result<Plan, ArchError> {
    Transformer { ffn_norm: "attn_output_norm", attn_post_norm: "", ..layer_norm(h, Activation::Silu)?.rope(RopePairs::Neox)? }.plan()
}

pub fn olmo(h: &Header) -> Result<Plan, ArchError> {
    Transformer { weightless: true, ..layer_norm(h, Activation::Silu)?.rope(RopePairs::Norm)? }.plan()
}

pub fn command_r(h: &Header) -> Result<Plan, ArchError> {
    let logit_scale = h.positive_or("logit_scale", 1.0)?;
    Transformer { block: Block::Parallel, logit_scale, ..layer_norm(h, Activation::Silu)?.rope(RopePairs::Norm)? }.plan()
}

/// Only layers with a window rotate.
pub fn cohere2(h: &Header) -> Result<Plan, ArchError> {
    let logit_scale = h.positive_or("logit_scale", 1.0)?;
    let mut t = layer_norm(h, Activation::Silu)?.rope(RopePairs::Norm)?.windows(4)?;
    t.only_windows_rotate(0);
    Transformer { block: Block::Parallel, logit_scale, ..t }.plan()
}

/// Plain PLaMo: one norm for both branches.
pub fn plamo(h: &Header) -> Result<Plan, ArchError> {
    Transformer { block: Block::Parallel, ..Transformer::new(h)?.rope(RopePairs::Neox)? }.plan()
}
