//! `llama`: Llama 1 to 3.3, Mistral, Mixtral and all that were converted under this name.

use super::super::plan::{Activation, AttentionPlan, BranchPlan, ExpertsPlan, FeedForwardPlan, Gating, LayerPlan, Mixer, Plan, RopePairs};
use super::header::Dims;
use super::{ArchError, Header};

pub fn plan(h: &Header) -> Result<Plan, ArchError> {
    let dims = h.dims()?;
    let head_dim_k = h.count_or("attention.key_length", dims.n_embd / dims.n_head)?;
    let n_rot = h.count_or("rope.dimension_count", head_dim_k)?;
    let rope = h.rope(RopePairs::Norm, n_rot, head_dim_k)?;
    let eps = h.positive("attention.layer_norm_rms_epsilon")?;
    let layer = |il: usize| -> Result<LayerPlan, ArchError> {
        let norm = |what: &str| h.norm(format!("blk.{il}.{what}.weight"), dims.n_embd, eps);
        Ok(LayerPlan {
            branches: vec![
                BranchPlan { norm: norm("attn_norm"), mixer: Mixer::Attention(attention(h, &dims, il)?) },
                BranchPlan { norm: norm("ffn_norm"), mixer: feed_forward(h, &dims, il)? },
            ],
        })
    };
    Ok(Plan {
        n_embd: dims.n_embd,
        n_vocab: dims.n_vocab,
        n_ctx_train: dims.n_ctx_train,
        embedding: h.tensor("token_embd.weight".to_owned(), &[dims.n_embd, dims.n_vocab]),
        ropes: vec![rope],
        layers: (0..dims.n_layer).map(layer).collect::<Result<_, _>>()?,
        out_norm: h.norm("output_norm.weight".to_owned(), dims.n_embd, eps),
        head: h.head(dims.n_embd, dims.n_vocab),
    })
}

fn attention(h: &Header, dims: &Dims, il: usize) -> Result<AttentionPlan, ArchError> {
    let blk = |what: &str| format!("blk.{il}.{what}");
    let Dims { n_embd, n_head, n_head_kv, .. } = *dims;
    let head_dim_k = h.count_or("attention.key_length", n_embd / n_head)?;
    let head_dim_v = h.count_or("attention.value_length", head_dim_k)?;
    let (n_q, n_k, n_v) = (n_head * head_dim_k, n_head_kv * head_dim_k, n_head_kv * head_dim_v);
    let qkv = if h.has(&blk("attn_qkv.weight")) {
        vec![h.linear(blk("attn_qkv"), n_embd, n_q + n_k + n_v)]
    } else {
        vec![h.linear(blk("attn_q"), n_embd, n_q), h.linear(blk("attn_k"), n_embd, n_k), h.linear(blk("attn_v"), n_embd, n_v)]
    };
    Ok(AttentionPlan {
        n_head,
        n_head_kv,
        head_dim_k,
        head_dim_v,
        qkv,
        out: h.linear(blk("attn_output"), n_head * head_dim_v, n_embd),
        rope: Some(0),
        scale: h.positive_or("attention.scale", 1.0 / (head_dim_k as f32).sqrt())?,
    })
}

/// One feed-forward, or experts where the file counts any.
fn feed_forward(h: &Header, dims: &Dims, il: usize) -> Result<Mixer, ArchError> {
    let blk = |what: &str| format!("blk.{il}.{what}");
    let Dims { n_embd, n_ff, .. } = *dims;
    let activation = Activation::SwiGlu;
    let Some((n_expert, n_used)) = h.experts()? else {
        let gate = h.linear(blk("ffn_gate"), n_embd, n_ff);
        let up = h.linear(blk("ffn_up"), n_embd, n_ff);
        let down = h.linear(blk("ffn_down"), n_ff, n_embd);
        return Ok(Mixer::FeedForward(FeedForwardPlan { gate, up, down, activation }));
    };
    Ok(Mixer::Experts(ExpertsPlan {
        n_expert,
        n_used,
        n_ff,
        router: h.linear(blk("ffn_gate_inp"), n_embd, n_expert),
        gating: Gating::Softmax,
        renormalize: true,
        gate: h.tensor(blk("ffn_gate_exps.weight"), &[n_embd, n_ff, n_expert]),
        up: h.tensor(blk("ffn_up_exps.weight"), &[n_embd, n_ff, n_expert]),
        down: h.tensor(blk("ffn_down_exps.weight"), &[n_ff, n_embd, n_expert]),
        activation,
    }))
}
