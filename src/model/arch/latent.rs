//! Families with latent attention: DeepSeek V2, V3 and R1, Mistral 4, MiniCPM 3, PLM.

use super::super::plan::{Activation, Gating, LatentForm, LatentPlan, LayerPlan, Mixer, Plan, RopePairs};
use super::llama::temperature;
use super::transformer::{Router, Transformer};
use super::{ArchError, Header};

/// DeepSeek V2, V2-Lite, V3 and R1, Mistral 4.
pub fn deepseek2(h: &Header) -> Result<Plan, ArchError> {
    let mut t = base(h, RopePairs::Norm)?;
    t.router = Router { gating: Gating::Softmax, renormalize: false };
    let scale = scores_by_yarn(&mut t)?;
    let temperature = temperature(h)?;
    layers(&t, |latent| {
        latent.scale *= scale;
        latent.temperature = temperature;
    })
}

/// What YaRN would put on the rotated values alone goes into the scores of all (llama.cpp src/llama-context.cpp): what
/// multiplies them.
pub fn scores_by_yarn(t: &mut Transformer) -> Result<f32, ArchError> {
    let Some(m) = t.h.positive_opt("rope.scaling.yarn_log_multiplier")? else { return Ok(1.0) };
    let factor = t.h.positive_or("rope.scaling.factor", 1.0)?;
    let of_rope = &mut t.ropes[0].magnitude;
    let scale = of_rope.powi(2);
    *of_rope /= 1.0 + m * factor.ln();
    Ok(scale)
}

/// Numbers that the published sizes have; no file names them.
pub fn minicpm3(h: &Header) -> Result<Plan, ArchError> {
    let mut t = base(h, RopePairs::Neox)?;
    t.embedding_scale = 12.0;
    t.residual_scale = 1.4 / (t.dims.n_layer as f32).sqrt();
    t.logit_scale = 256.0 / t.dims.n_embd as f32;
    layers(&t, |_| {})
}

pub fn plm(h: &Header) -> Result<Plan, ArchError> {
    let mut t = base(h, RopePairs::Norm)?;
    t.activation = Activation::ReluSquared;
    layers(&t, |_| {})
}

/// The rope turns the last values of a head, so its size is not the head's.
pub fn base<'a>(h: &'a Header<'a>, pairs: RopePairs) -> Result<Transformer<'a>, ArchError> {
    let mut t = Transformer::new(h)?;
    let n_rot = h.count("rope.dimension_count")?;
    t.ropes.push(h.rope(pairs, n_rot, n_rot)?);
    t.rope_of = vec![Some(0); t.dims.n_layer];
    Ok(t)
}

fn layers(t: &Transformer, adjust: impl Fn(&mut LatentPlan)) -> Result<Plan, ArchError> {
    t.plan_of(|il| -> Result<LayerPlan, ArchError> {
        let mut latent = latent(t, il)?;
        adjust(&mut latent);
        Ok(t.layer(il, Mixer::Latent(latent), t.feed_forward(il)?))
    })
}

/// Lengths of a latent row, and of a head's keys and values.
pub struct Sizes {
    pub n_latent: usize,
    pub head_dim: usize,
    pub head_dim_v: usize,
}

/// Latent attention with what its tensors show.
pub fn latent(t: &Transformer, il: usize) -> Result<LatentPlan, ArchError> {
    let h = t.h;
    // In files whose matrices are absorbed the plain keys tell the cache's sizes, and others the heads'.
    let sizes = Sizes {
        n_latent: h.count("attention.kv_lora_rank")?,
        head_dim: h.count_or("attention.key_length_mla", h.count("attention.key_length")?)?,
        head_dim_v: h.count_or("attention.value_length_mla", h.count("attention.value_length")?)?,
    };
    latent_of(t, il, sizes)
}

pub fn latent_of(t: &Transformer, il: usize, sizes: Sizes) -> Result<LatentPlan, ArchError> {
    let (h, n_embd, n_head) = (t.h, t.dims.n_embd, t.dims.n_head[il]);
    let blk = |what: &str| t.blk(il, what);
    let (Sizes { n_latent, head_dim, head_dim_v }, n_rope) = (sizes, h.counts("rope.dimension_count", 1, None)?[0]);
    let n_nope = head_dim.checked_sub(n_rope).filter(|n| *n > 0);
    let n_nope = n_nope.ok_or_else(|| h.wrong("attention.key_length", format!("more than rope.dimension_count, {n_rope}")))?;
    let norm = |what: &str, width| h.norm(&blk(what), t.kind, width, t.eps);
    let n_q = h.count_opt("attention.q_lora_rank")?.filter(|_| h.has(&blk("attn_q_a.weight")));
    let q_a = n_q.map(|n| (h.linear(blk("attn_q_a"), n_embd, n), norm("attn_q_a_norm", n)));
    let q = match n_q {
        Some(n) => h.linear(blk("attn_q_b"), n, n_head * head_dim),
        None => h.linear(blk("attn_q"), n_embd, n_head * head_dim),
    };
    let form = if h.has(&blk("attn_k_b.weight")) {
        LatentForm::Absorbed {
            k: h.tensor(blk("attn_k_b.weight"), &[n_nope, n_latent, n_head]),
            v: h.tensor(blk("attn_v_b.weight"), &[n_latent, head_dim_v, n_head]),
        }
    } else {
        LatentForm::Expanded { kv: h.linear(blk("attn_kv_b"), n_latent, n_head * (n_nope + head_dim_v)) }
    };
    Ok(LatentPlan {
        n_head,
        n_nope,
        n_rope,
        n_latent,
        head_dim_v,
        q_a,
        q,
        kv_a: h.linear(blk("attn_kv_a_mqa"), n_embd, n_latent + n_rope),
        kv_norm: norm("attn_kv_a_norm", n_latent),
        form,
        rope: t.rope_of[il],
        scale: 1.0 / (head_dim as f32).sqrt(),
        seen: t.seen[il],
        choice: None,
        sinks: None,
        rope_norm: None,
        temperature: None,
        gate: None,
        out: h.linear(blk("attn_output"), n_head * head_dim_v, n_embd),
    })
}
