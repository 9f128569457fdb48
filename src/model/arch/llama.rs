//! `llama`: Llama 1 to 3.3, Mistral, Mixtral and all that were converted under this name.

use super::super::plan::{Activation, AttentionPlan, BranchPlan, ExpertsPlan, FeedForwardPlan, Gating, LayerPlan, Mixer, Plan, RopePairs};
use super::{ArchError, Header};

pub fn plan(h: &Header) -> Result<Plan, ArchError> {
    let dims = h.dims()?;
    let head_dim_k = h.count_or("attention.key_length", dims.head_dim()?)?;
    let head_dim_v = h.count_or("attention.value_length", head_dim_k)?;
    let n_rot = h.count_or("rope.dimension_count", head_dim_k)?;
    let rope = h.rope(RopePairs::Norm, n_rot, head_dim_k)?;
    let eps = h.positive("attention.layer_norm_rms_epsilon")?;
    let scale = h.positive_or("attention.scale", 1.0 / (head_dim_k as f32).sqrt())?;
    let norm = |name: String| h.norm(name, dims.n_embd, eps);

    let layer = |il: usize| -> Result<LayerPlan, ArchError> {
        let blk = |what: &str| format!("blk.{il}.{what}");
        let (n_q, n_k, n_v) = (dims.n_head * head_dim_k, dims.n_head_kv * head_dim_k, dims.n_head_kv * head_dim_v);
        let qkv = if h.has(&blk("attn_qkv.weight")) {
            vec![h.linear(blk("attn_qkv"), dims.n_embd, n_q + n_k + n_v)]
        } else {
            vec![
                h.linear(blk("attn_q"), dims.n_embd, n_q),
                h.linear(blk("attn_k"), dims.n_embd, n_k),
                h.linear(blk("attn_v"), dims.n_embd, n_v),
            ]
        };
        let attention = AttentionPlan {
            n_head: dims.n_head,
            n_head_kv: dims.n_head_kv,
            head_dim_k,
            head_dim_v,
            qkv,
            out: h.linear(blk("attn_output"), dims.n_head * head_dim_v, dims.n_embd),
            rope: Some(0),
            scale,
        };
        let experts = h.experts()?;
        let ffn = match experts {
            None => Mixer::FeedForward(FeedForwardPlan {
                gate: h.linear(blk("ffn_gate"), dims.n_embd, dims.n_ff),
                up: h.linear(blk("ffn_up"), dims.n_embd, dims.n_ff),
                down: h.linear(blk("ffn_down"), dims.n_ff, dims.n_embd),
                activation: Activation::SwiGlu,
            }),
            Some((n_expert, n_used)) => Mixer::Experts(ExpertsPlan {
                n_expert,
                n_used,
                n_ff: dims.n_ff,
                router: h.linear(blk("ffn_gate_inp"), dims.n_embd, n_expert),
                gating: Gating::Softmax,
                renormalize: true,
                gate: h.tensor(blk("ffn_gate_exps.weight"), &[dims.n_embd, dims.n_ff, n_expert]),
                up: h.tensor(blk("ffn_up_exps.weight"), &[dims.n_embd, dims.n_ff, n_expert]),
                down: h.tensor(blk("ffn_down_exps.weight"), &[dims.n_ff, dims.n_embd, n_expert]),
                activation: Activation::SwiGlu,
            }),
        };
        Ok(LayerPlan {
            branches: vec![
                BranchPlan { norm: norm(blk("attn_norm.weight")), mixer: Mixer::Attention(attention) },
                BranchPlan { norm: norm(blk("ffn_norm.weight")), mixer: ffn },
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
        out_norm: norm("output_norm.weight".to_owned()),
        head: h.head(dims.n_embd, dims.n_vocab),
    })
}
