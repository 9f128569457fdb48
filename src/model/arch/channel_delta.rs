//! Families whose recurrent layers are a delta rule that forgets by channel, with latent attention every few layers.

use super::super::plan::{
    Activation, Clamp, ConvPlan, DeltaGate, DeltaInput, DeltaPlan, DeltaRates, GateActivation, Gating, LayerPlan, LinearPlan, Mixer,
    NormKind, Plan, RecurrentPlan, Remains, RopePairs, Slot, StepPlan, TensorPlan, To,
};
use super::latent::latent;
use super::transformer::{ClampLimits, Router, Transformer};
use super::{ArchError, Header};

/// Kimi Linear: what should rotate does not.
pub fn kimi_linear(h: &Header) -> Result<Plan, ArchError> {
    let t = base(h)?;
    t.plan_of(|il| Ok(t.layer(il, mixer(&t, il)?, t.feed_forward(il)?)))
}

/// Ling 3: latent attention rotates and has a gate for each head; limits for each layer's feed-forwards.
pub fn bailingmoe3(h: &Header) -> Result<Plan, ArchError> {
    let mut t = base(h)?;
    let n_rot = h.count("rope.dimension_count")?;
    // Files of a model that also sees pictures rotate halves against each other.
    let pairs = if h.numbers("rope.dimension_sections", 4)?.is_some() { RopePairs::Neox } else { RopePairs::Norm };
    t.ropes.push(h.rope(pairs, n_rot, n_rot)?);
    t.rope_of = vec![Some(0); t.dims.n_layer];
    let limits = ClampLimits::read(h, t.dims.n_layer)?;
    t.plan_of(|il| {
        let mut feed_forward = t.feed_forward(il)?;
        limits.set(il, Clamp::After, &mut feed_forward);
        Ok(t.layer(il, mixer(&t, il)?, feed_forward))
    })
}

/// Kimi K3: every few layers the residual is kept and begun anew, and what a branch reads is mixed of all that was kept;
/// experts in a smaller space.
pub fn kimi_k3(h: &Header) -> Result<Plan, ArchError> {
    let mut t = base(h)?;
    let linear = h.number("activation.situ_linear_beta").filter(|b| *b > 0.0);
    t.activation = Activation::Situ { beta: h.positive("activation.situ_beta")?, linear };
    let every = h.whole_or("attn_res.block_size", 0)?;
    t.plan_of(|il| {
        if every == 0 {
            return Ok(t.layer(il, mixer(&t, il)?, t.feed_forward(il)?));
        }
        let is_kept = il.is_multiple_of(every);
        let (before, after) = (il.div_ceil(every), il / every + 1);
        let score = |name: String| h.tensor(name, &[t.dims.n_embd]);
        let recall = |n, name| StepPlan::Recall { from: Slot::Residual, to: Slot::Branch, n, score: score(name), eps: t.eps };
        let mix = |to, mixer| StepPlan::Mix { from: Slot::Input, to, mixer: Box::new(mixer) };
        let norm = |name| StepPlan::Norm { from: Slot::Branch, to: Slot::Input, norm: t.norm(il, name) };
        let mut steps = vec![recall(before, t.blk(il, "attn_res_score.weight")), norm("attn_norm")];
        if is_kept {
            steps.push(StepPlan::Keep { from: Slot::Residual, n: before });
        }
        steps.extend([
            mix(if is_kept { To::Set(Slot::Residual) } else { To::Add(Slot::Residual) }, mixer(&t, il)?),
            recall(after, t.blk(il, "ffn_res_score.weight")),
            norm("ffn_norm"),
            mix(To::Add(Slot::Residual), t.feed_forward(il)?),
        ]);
        if il + 1 == t.dims.n_layer {
            steps.push(recall(after, "output_res_score.weight".to_owned()));
            steps.push(StepPlan::Copy { from: Slot::Branch, to: Slot::Residual, scale: 1.0 });
        }
        Ok(LayerPlan { steps })
    })
}

fn base<'a>(h: &'a Header<'a>) -> Result<Transformer<'a>, ArchError> {
    let mut t = Transformer::new(h)?;
    t.router = Router { gating: Gating::Sigmoid, renormalize: true };
    Ok(t)
}

/// Latent attention where a layer has heads for keys, the delta rule elsewhere.
pub fn mixer(t: &Transformer, il: usize) -> Result<Mixer, ArchError> {
    if t.dims.n_head_kv[il] == 0 {
        return Ok(Mixer::Recurrent(RecurrentPlan::Delta(delta(t, il)?)));
    }
    let mut latent = latent(t, il)?;
    let name = t.blk(il, "attn_gate");
    latent.gate = t.h.n_rows(&format!("{name}.weight")).map(|n| (t.h.linear(name, t.dims.n_embd, n), GateActivation::Sigmoid));
    Ok(Mixer::Latent(latent))
}

fn delta(t: &Transformer, il: usize) -> Result<DeltaPlan, ArchError> {
    let (h, n_embd, n_head) = (t.h, t.dims.n_embd, t.dims.n_head[il]);
    let dim = h.count("kda.head_dim")?;
    let n = n_head * dim;
    let blk = |what: &str| t.blk(il, what);
    // One matrix, or two with a narrow row between.
    let chain = |a: &str, b: &str| -> Vec<LinearPlan> {
        if !h.has(&blk(&format!("{b}.weight"))) {
            return vec![h.linear(blk(a), n_embd, n)];
        }
        let rank = h.n_rows(&blk(&format!("{a}.weight"))).unwrap_or(dim);
        vec![h.linear(blk(a), n_embd, rank), h.linear(blk(b), rank, n)]
    };
    let gate = if h.has(&blk("ssm_g.weight")) { vec![h.linear(blk("ssm_g"), n_embd, n)] } else { chain("ssm_g_a", "ssm_g_b") };
    let floor = h.number("kda.gate_lower_bound");
    if floor.is_some_and(|f| f >= 0.0) {
        return Err(h.wrong("kda.gate_lower_bound", "a number below 0"));
    }
    let n_taps = h.count("ssm.conv_kernel")?;
    let conv = |which: &str| shaped(h, blk(&format!("ssm_conv1d_{which}.weight")), &[n_taps, n]);
    Ok(DeltaPlan {
        n_head_k: n_head,
        n_head_v: n_head,
        head_dim_k: dim,
        head_dim_v: dim,
        heads_in_turn: false,
        input: DeltaInput::Apart { qkv: t.qkv(il, (n, n, n)), gate },
        rates: DeltaRates::Apart { strength: h.linear(blk("ssm_beta"), n_embd, n_head), decay: chain("ssm_f_a", "ssm_f_b") },
        conv: ConvPlan { n_taps, n_channels: 3 * n, weights: vec![conv("q"), conv("k"), conv("v")], bias: None },
        by_channel: true,
        remains: floor.map_or(Remains::Softplus, |floor| Remains::Bounded { floor }),
        decay_bias: h.tensor(blk("ssm_dt.bias"), &[n]),
        a: shaped(h, blk("ssm_a"), &[n_head]),
        gate: DeltaGate::Sigmoid,
        eps: t.eps,
        norm: h.norm(&blk("ssm_norm"), NormKind::Rms, dim, t.eps),
        out: h.linear(blk("attn_output"), n, n_embd),
    })
}

/// A tensor of these dimensions, among which the file may have others of 1.
fn shaped(h: &Header, name: String, shape: &[usize]) -> TensorPlan {
    let found = h.shape(&name).unwrap_or_default();
    let same = found.iter().filter(|n| **n != 1).eq(shape.iter().filter(|n| **n != 1));
    h.tensor(name, if same { &found } else { shape })
}
