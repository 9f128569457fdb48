//! `llama`: Llama 1 to 3.3, Mistral, Mixtral and all that were converted under this name; and those that are the same but
//! for a detail.

use super::super::plan::{
    Activation, BranchPlan, Gating, HeadNorm, LayerPlan, Mixer, NormAt, Plan, RopePairs, Seen, Slot, StepPlan, Temperature, Xielu,
};
use super::transformer::{Router, Transformer};
use super::{ArchError, Header};

pub fn plan(h: &Header) -> Result<Plan, ArchError> {
    Transformer::new(h)?.rope(RopePairs::Norm)?.plan()
}

/// Halves of a head are turned together.
pub fn neox(h: &Header) -> Result<Plan, ArchError> {
    Transformer::new(h)?.rope(RopePairs::Neox)?.plan()
}

/// Text by a rope whose pairs a picture's dimensions share out.
pub fn neox_sections(h: &Header) -> Result<Plan, ArchError> {
    sections(Transformer::new(h)?.rope(RopePairs::Neox)?, false)?.plan()
}

pub fn sections<'a>(mut t: Transformer<'a>, interleaved: bool) -> Result<Transformer<'a>, ArchError> {
    for rope in &mut t.ropes {
        rope.still = t.h.still_pairs(rope.n_rot, interleaved)?;
    }
    Ok(t)
}

/// Qwen 2 VL; llama.cpp reads no epsilon for it, and computes with none.
pub fn qwen2vl(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer { eps: 0.0, ..Transformer::new(h)?.rope(RopePairs::Neox)? };
    sections(t, false)?.plan()
}

pub fn qwen3vl(h: &Header) -> Result<Plan, ArchError> {
    sections(Transformer::new(h)?.rope(RopePairs::Neox)?, true)?.plan()
}

/// Queries and keys are normed after they are turned.
pub fn maincoder(h: &Header) -> Result<Plan, ArchError> {
    Transformer { head_norm_at: NormAt::AfterRope, ..Transformer::new(h)?.rope(RopePairs::Norm)? }.plan()
}

pub fn arcee(h: &Header) -> Result<Plan, ArchError> {
    Transformer { activation: Activation::ReluSquared, ..Transformer::new(h)?.rope(RopePairs::Norm)? }.plan()
}

/// The norm before the feed-forward has an older name.
pub fn seed_oss(h: &Header) -> Result<Plan, ArchError> {
    Transformer { ffn_norm: "post_attention_norm", ..Transformer::new(h)?.rope(RopePairs::Neox)? }.plan()
}

/// Every fourth layer does not rotate.
pub fn smollm3(h: &Header) -> Result<Plan, ArchError> {
    Transformer::new(h)?.rope_where(RopePairs::Norm, |il| !(il + 1).is_multiple_of(4))?.plan()
}

/// 7B rotates, 13B takes off what distance costs; the layer count tells which.
pub fn baichuan(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer::new(h)?;
    if t.dims.n_layer == 40 { with_alibi(t, 8.0) } else { t.rope(RopePairs::Norm)?.plan() }
}

pub fn refact(h: &Header) -> Result<Plan, ArchError> {
    with_alibi(Transformer::new(h)?, 8.0)
}

pub fn with_alibi(t: Transformer, bias: f32) -> Result<Plan, ArchError> {
    t.plan_with(|_, attention| {
        attention.alibi = Some(bias);
        Ok(())
    })
}

/// Ministral 3: YaRN with its own ramp, and queries that grow with their position.
pub fn mistral3(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Norm)?;
    let factor = h.positive_or("rope.scaling.factor", 1.0)?;
    if let Some(yarn) = &mut t.ropes[0].yarn {
        yarn.beta_fast = h.positive_or("rope.scaling.yarn_beta_fast", yarn.beta_fast)?;
        yarn.beta_slow = h.positive_or("rope.scaling.yarn_beta_slow", yarn.beta_slow)?;
        if let Some(m) = h.positive_opt("rope.scaling.yarn_log_multiplier")? {
            t.ropes[0].magnitude /= 1.0 + 0.1 * m * factor.ln();
        }
    }
    let temperature = temperature(h)?;
    t.plan_with(|_, attention| {
        attention.temperature = temperature;
        Ok(())
    })
}

pub fn temperature(h: &Header) -> Result<Option<Temperature>, ArchError> {
    let Some(scale) = h.positive_opt("attention.temperature_scale")? else { return Ok(None) };
    let original = h.count_or("rope.scaling.original_context_length", h.count("context_length")?)?;
    let length = h.count_or("attention.temperature_length", original)?;
    Ok(Some(Temperature { scale, length, offset: 0 }))
}

/// Three layers of four see their own chunk, rotate and norm their heads; the fourth sees all and grows its queries.
pub fn llama4(h: &Header) -> Result<Plan, ArchError> {
    const CHUNK: usize = 8192;
    /// Maverick's count of experts; it does not norm its heads.
    const MAVERICK: usize = 128;
    let rotates = |il: usize| !(il + 1).is_multiple_of(4);
    let mut t = Transformer::new(h)?.rope_where(RopePairs::Norm, rotates)?;
    t.router = Router { gating: Gating::SigmoidOfInput, renormalize: false };
    let norms_heads = h.experts(t.dims.n_layer)?.is_none_or(|(n, _)| n != MAVERICK);
    t.plan_with(|il, attention| {
        if rotates(il) {
            attention.seen = Seen::Chunk(CHUNK);
            let norm = norms_heads.then(|| t.plain_norm());
            attention.head_norm =
                Some(HeadNorm { q: norm.clone(), k: norm, whole: false, each: false, at: NormAt::AfterRope, q_scales: None });
        } else {
            attention.temperature = Some(Temperature { scale: 0.1, length: CHUNK, offset: 1 });
        }
        Ok(())
    })
}

/// The stack runs several times, normed between; each run keeps keys and values of its own.
pub fn nanbeige(h: &Header) -> Result<Plan, ArchError> {
    let mut plan = plan(h)?;
    let n_loops = h.count_or("num_loops", 1)?;
    if n_loops > super::header::LOOPS_MAX {
        return Err(h.wrong("num_loops", format!("at most {}", super::header::LOOPS_MAX)));
    }
    let once = plan.layers.clone();
    for _ in 1..n_loops {
        if let Some(norm) = plan.out_norm.clone().filter(|_| !h.flag_or("skip_loop_final_norm", false)) {
            plan.layers.push(LayerPlan { steps: vec![StepPlan::Norm { from: Slot::Residual, to: Slot::Residual, norm }] });
        }
        plan.layers.extend(once.clone());
    }
    Ok(plan)
}

/// xIELU between up and down, with numbers for each layer.
pub fn apertus(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer::new(h)?.rope(RopePairs::Neox)?;
    let n = t.dims.n_layer;
    let numbers = |name: &str| {
        let key = format!("xielu.{name}");
        h.numbers_at(key.clone(), n)?.ok_or(ArchError::Missing { key })
    };
    let (positive, negative, beta, eps) = (numbers("alpha_p")?, numbers("alpha_n")?, numbers("beta")?, numbers("eps")?);
    let softplus = |x: f32| x.exp().ln_1p();
    t.plan_of(|il| {
        let mut ffn = t.dense(il, "", t.dims.n_ff[il]);
        ffn.activation = Activation::Xielu(Xielu {
            positive: softplus(positive[il]),
            negative: beta[il] + softplus(negative[il]),
            beta: beta[il],
            eps: eps[il],
        });
        let mut attention = t.attention(il)?;
        // The file has biases for these norms, which llama.cpp reads and leaves out.
        if let Some(norm) = &mut attention.head_norm {
            [&mut norm.q, &mut norm.k].into_iter().flatten().for_each(|n| n.bias = None);
        }
        Ok(t.layer(il, Mixer::Attention(attention), Mixer::FeedForward(ffn)))
    })
}

/// Layers found by search: some without attention, some with one matrix in its place, some without a feed-forward.
pub fn deci(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer::new(h)?.rope(RopePairs::Norm)?;
    t.plan_of(|il| {
        let mut layer = LayerPlan::default();
        if t.dims.n_ff[il] == 0 {
            return Ok(layer);
        }
        match (t.dims.n_head[il], t.dims.n_head_kv[il]) {
            (0, _) => {}
            (_, 0) => {
                let linear = h.linear(t.blk(il, "attn_output"), t.dims.n_embd, t.dims.n_embd);
                layer.branch(BranchPlan::new(t.norm(il, "attn_norm"), Mixer::Linear(linear)));
            }
            _ => layer.branch(BranchPlan::new(t.norm(il, "attn_norm"), Mixer::Attention(t.attention(il)?))),
        }
        layer.branch(BranchPlan::new(t.norm(il, "ffn_norm"), t.feed_forward(il)?));
        Ok(layer)
    })
}

/// Norms of what is attended and of the hidden values, and a number beside each matrix.
pub fn bitnet(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer::new(h)?.rope(RopePairs::Neox)?;
    t.plan_of(|il| {
        let mut attention = t.attention(il)?;
        attention.attended_norm = Some(h.norm(&t.blk(il, "attn_sub_norm"), t.kind, attention.n_head * attention.head_dim_v, t.eps));
        let mut ffn = t.dense(il, "", t.dims.n_ff[il]);
        ffn.hidden_norm = Some(h.norm(&t.blk(il, "ffn_sub_norm"), t.kind, t.dims.n_ff[il], t.eps));
        Ok(t.layer(il, Mixer::Attention(attention), Mixer::FeedForward(ffn)))
    })
}
