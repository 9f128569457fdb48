//! Families with recurrent layers: Mamba 1 and 2 and their hybrids, LFM 2, Qwen 3 Next and 3.5.

use super::super::plan::{
    Activation, AttentionPlan, BranchPlan, ChannelScanPlan, ConvPlan, DeltaGate, DeltaInput, DeltaPlan, DeltaRates, Gate, GateActivation,
    GateFrom, GatedConvPlan, Gating, HeadScanPlan, LayerPlan, LinearPlan, Mixer, NormKind, Plan, RecurrentPlan, Remains, RetentionPlan,
    RopePairs, ScanSource, Slot, StepPlan, To,
};
use super::granite;
use super::llama::sections;
use super::transformer::{Router, Transformer};
use super::{ArchError, Header};

/// A convolution whose shape the file shows.
fn conv(t: &Transformer, il: usize, name: &str, n_channels: usize) -> ConvPlan {
    let (weight, bias) = (t.blk(il, &format!("{name}.weight")), t.blk(il, &format!("{name}.bias")));
    let n_taps = t.h.shape(&weight).and_then(|s| s.first().copied()).unwrap_or(1).max(1);
    ConvPlan {
        n_taps,
        n_channels,
        weights: vec![t.h.tensor(weight, &[n_taps, n_channels])],
        bias: t.h.has(&bias).then(|| t.h.tensor(bias, &[n_channels])),
    }
}

fn channel_scan(t: &Transformer, il: usize) -> Result<Mixer, ArchError> {
    let (h, n_embd) = (t.h, t.dims.n_embd);
    let (n_inner, n_state, n_rank) = (h.count("ssm.inner_size")?, h.count("ssm.state_size")?, h.count("ssm.time_step_rank")?);
    let blk = |what: &str| t.blk(il, what);
    let named = |what: &str, n| h.norm(&blk(what), NormKind::Rms, n, t.eps);
    let norms = if h.flag_or("ssm.dt_b_c_rms", false) {
        Some([t.plain_norm(), t.plain_norm(), t.plain_norm()])
    } else if h.has(&blk("ssm_dt_norm.weight")) {
        Some([named("ssm_dt_norm", n_rank), named("ssm_b_norm", n_state), named("ssm_c_norm", n_state)])
    } else {
        None
    };
    Ok(Mixer::Recurrent(RecurrentPlan::ChannelScan(ChannelScanPlan {
        n_inner,
        n_state,
        n_rank,
        input: h.linear(blk("ssm_in"), n_embd, 2 * n_inner),
        conv: conv(t, il, "ssm_conv1d", n_inner),
        select: h.linear(blk("ssm_x"), n_inner, n_rank + 2 * n_state),
        step: h.linear(blk("ssm_dt"), n_rank, n_inner),
        norms,
        a: h.tensor(blk("ssm_a"), &[n_state, n_inner]),
        d: h.tensor(blk("ssm_d"), &[n_inner]),
        out: h.linear(blk("ssm_out"), n_inner, n_embd),
    })))
}

fn head_scan(t: &Transformer, il: usize) -> Result<Mixer, ArchError> {
    let (h, n_embd) = (t.h, t.dims.n_embd);
    let (n_inner, n_state) = (h.count("ssm.inner_size")?, h.count("ssm.state_size")?);
    let (n_head, n_group) = (h.count("ssm.time_step_rank")?, h.count("ssm.group_count")?);
    if !n_inner.is_multiple_of(n_head) || !n_head.is_multiple_of(n_group) {
        return Err(
            h.wrong("ssm.time_step_rank", format!("a divisor of ssm.inner_size, {n_inner}, and a multiple of ssm.group_count, {n_group}"))
        );
    }
    let blk = |what: &str| t.blk(il, what);
    let n_mixed = n_inner + 2 * n_group * n_state;
    let norm = h.norm_if(&blk("ssm_norm"), NormKind::Rms, n_inner, t.eps).map(|mut norm| {
        norm.weight = norm.weight.map(|w| h.tensor(w.name, &[n_inner / n_group, n_group]));
        norm
    });
    Ok(Mixer::Recurrent(RecurrentPlan::HeadScan(HeadScanPlan {
        n_inner,
        n_state,
        n_head,
        n_group,
        source: ScanSource::Together(h.linear(blk("ssm_in"), n_embd, n_inner + n_mixed + n_head)),
        conv: conv(t, il, "ssm_conv1d", n_mixed),
        step_bias: h.tensor(blk("ssm_dt.bias"), &[n_head]),
        a: h.tensor(blk("ssm_a"), &[1, n_head]),
        d: h.tensor(blk("ssm_d"), &[1, n_head]),
        norm,
        out: h.linear(blk("ssm_out"), n_inner, n_embd),
    })))
}

/// One branch a layer.
fn alone(t: &Transformer, il: usize, mixer: Mixer) -> LayerPlan {
    LayerPlan::of([BranchPlan::new(t.norm(il, "attn_norm"), mixer)])
}

pub fn mamba(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer::new(h)?;
    t.plan_of(|il| Ok(alone(&t, il, channel_scan(&t, il)?)))
}

pub fn mamba2(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer::new(h)?;
    t.plan_of(|il| Ok(alone(&t, il, head_scan(&t, il)?)))
}

/// Attention without rotation where a layer has heads for keys, a scan elsewhere.
pub fn jamba(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?;
    t.router = Router { gating: Gating::Softmax, renormalize: false };
    t.plan_of(|il| {
        let mixer = if t.dims.n_head_kv[il] > 0 { Mixer::Attention(t.attention(il)?) } else { channel_scan(&t, il)? };
        Ok(t.layer(il, mixer, t.feed_forward(il)?))
    })
}

/// Attention and a scan side by side in every layer.
pub fn falcon_h1(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer::new(h)?.rope(RopePairs::Neox)?;
    t.plan_of(|il| {
        let branch = |mixer| BranchPlan::new(t.norm(il, "attn_norm"), mixer);
        let mut layer = LayerPlan::default();
        layer.parallel(branch(Mixer::Attention(t.attention(il)?)), branch(head_scan(&t, il)?));
        layer.branch(BranchPlan::new(t.norm(il, "ffn_norm"), t.feed_forward(il)?));
        Ok(layer)
    })
}

/// Granite 4: attention where a layer has heads for keys, a scan elsewhere.
pub fn granite_hybrid(h: &Header) -> Result<Plan, ArchError> {
    let t = granite::base(h)?;
    t.plan_of(|il| {
        let mixer = if t.dims.n_head_kv[il] > 0 { Mixer::Attention(t.attention(il)?) } else { head_scan(&t, il)? };
        Ok(t.layer(il, mixer, t.feed_forward(il)?))
    })
}

/// Nemotron-H: each layer one thing, told by its counts.
pub fn nemotron_h(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?;
    t.activation = Activation::ReluSquared;
    t.router = Router { gating: Gating::Sigmoid, renormalize: true };
    t.plan_of(|il| {
        let mixer = match (t.dims.n_head_kv[il], t.dims.n_ff[il]) {
            (0, 0) => head_scan(&t, il)?,
            (0, _) => t.feed_forward(il)?,
            _ => Mixer::Attention(t.attention(il)?),
        };
        Ok(alone(&t, il, mixer))
    })
}

/// LFM 2: gated convolutions where a layer has no heads for keys.
pub fn lfm2(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Neox)?;
    t.router = Router { gating: Gating::Sigmoid, renormalize: true };
    let n = t.dims.n_embd;
    let mut plan = t.plan_of(|il| {
        let mixer = if t.dims.n_head_kv[il] > 0 {
            Mixer::Attention(t.attention(il)?)
        } else {
            Mixer::Recurrent(RecurrentPlan::GatedConv(GatedConvPlan {
                input: h.linear(t.blk(il, "shortconv.in_proj"), n, 3 * n),
                conv: conv(&t, il, "shortconv.conv", n),
                out: h.linear(t.blk(il, "shortconv.out_proj"), n, n),
            }))
        };
        Ok(t.layer(il, mixer, t.feed_forward(il)?))
    })?;
    plan.out_norm = Some(h.norm("token_embd_norm", t.kind, n, t.eps));
    Ok(plan)
}

pub fn qwen3next(h: &Header) -> Result<Plan, ArchError> {
    delta_hybrid(Transformer::new(h)?.rope(RopePairs::Neox)?, false)
}

pub fn qwen35(h: &Header) -> Result<Plan, ArchError> {
    delta_hybrid(sections(Transformer::new(h)?.rope(RopePairs::Neox)?, true)?, true)
}

/// Gated attention every few layers, the delta rule in the others.
fn delta_hybrid(mut t: Transformer, heads_in_turn: bool) -> Result<Plan, ArchError> {
    t.ffn_norm = "post_attention_norm";
    t.plan_of(|il| {
        let mixer = if t.h.has(&t.blk(il, "ssm_out.weight")) {
            Mixer::Recurrent(RecurrentPlan::Delta(delta(&t, il, heads_in_turn)?))
        } else {
            Mixer::Attention(gated_attention(&t, il)?)
        };
        Ok(t.layer(il, mixer, t.feed_forward(il)?))
    })
}

/// Attention whose query matrix also gives its gate.
pub fn gated_attention(t: &Transformer, il: usize) -> Result<AttentionPlan, ArchError> {
    let mut attention = t.attention(il)?;
    let n_q = 2 * attention.n_head * attention.head_dim_k;
    attention.qkv[0] = t.h.linear(t.blk(il, "attn_q"), t.dims.n_embd, n_q);
    attention.gate = Some(Gate { from: GateFrom::Queries, activation: GateActivation::Sigmoid });
    Ok(attention)
}

pub fn delta(t: &Transformer, il: usize, heads_in_turn: bool) -> Result<DeltaPlan, ArchError> {
    let (h, n_embd) = (t.h, t.dims.n_embd);
    let (n_head_k, n_head_v) = (h.count("ssm.group_count")?, h.count("ssm.time_step_rank")?);
    let (head_dim_k, n_inner) = (h.count("ssm.state_size")?, h.count("ssm.inner_size")?);
    if !n_inner.is_multiple_of(n_head_v) || !n_head_v.is_multiple_of(n_head_k) {
        return Err(h.wrong(
            "ssm.time_step_rank",
            format!("a divisor of ssm.inner_size, {n_inner}, and a multiple of ssm.group_count, {n_head_k}"),
        ));
    }
    let head_dim_v = n_inner / n_head_v;
    let blk = |what: &str| t.blk(il, what);
    let n_qkv = 2 * n_head_k * head_dim_k + n_inner;
    let input = if h.has(&blk("ssm_in.weight")) {
        DeltaInput::ByHead(h.linear(blk("ssm_in"), n_embd, n_qkv + n_inner))
    } else {
        DeltaInput::Apart { qkv: vec![h.linear(blk("attn_qkv"), n_embd, n_qkv)], gate: vec![h.linear(blk("attn_gate"), n_embd, n_inner)] }
    };
    let rates = if h.has(&blk("ssm_ba.weight")) {
        DeltaRates::ByHead(h.linear(blk("ssm_ba"), n_embd, 2 * n_head_v))
    } else {
        DeltaRates::Apart {
            strength: h.linear(blk("ssm_beta"), n_embd, n_head_v),
            decay: vec![h.linear(blk("ssm_alpha"), n_embd, n_head_v)],
        }
    };
    Ok(DeltaPlan {
        n_head_k,
        n_head_v,
        head_dim_k,
        head_dim_v,
        heads_in_turn,
        input,
        rates,
        conv: conv(t, il, "ssm_conv1d", n_qkv),
        by_channel: false,
        remains: Remains::Softplus,
        decay_bias: h.tensor(blk("ssm_dt.bias"), &[n_head_v]),
        a: h.tensor(blk("ssm_a"), &[n_head_v]),
        gate: DeltaGate::Silu,
        eps: t.eps,
        norm: h.norm(&blk("ssm_norm"), NormKind::Rms, head_dim_v, t.eps),
        out: h.linear(blk("ssm_out"), n_inner, n_embd),
    })
}

/// PLaMo 2: a scan whose step, b and c come from what it convolved; attention with norms for each head.
pub fn plamo2(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer::new(h)?.rope(RopePairs::Neox)?;
    t.plan_of(|il| {
        let mixer = if t.dims.n_head_kv[il] > 0 { Mixer::Attention(t.attention(il)?) } else { selected_scan(&t, il)? };
        Ok(t.layer(il, mixer, t.feed_forward(il)?))
    })
}

fn selected_scan(t: &Transformer, il: usize) -> Result<Mixer, ArchError> {
    /// Values of a step before its matrix, at least; else a sixteenth of the width.
    const N_STEP_MIN: usize = 64;
    let (h, n_embd) = (t.h, t.dims.n_embd);
    let (n_inner, n_state, n_head) = (h.count("ssm.inner_size")?, h.count("ssm.state_size")?, h.count("ssm.time_step_rank")?);
    if !n_inner.is_multiple_of(n_head) {
        return Err(h.wrong("ssm.time_step_rank", format!("a divisor of ssm.inner_size, {n_inner}")));
    }
    let blk = |what: &str| t.blk(il, what);
    let norm = |what: &str, n| h.norm(&blk(what), NormKind::Rms, n, t.eps);
    let n_step = N_STEP_MIN.max(n_embd / 16);
    Ok(Mixer::Recurrent(RecurrentPlan::HeadScan(HeadScanPlan {
        n_inner,
        n_state,
        n_head,
        n_group: 1,
        source: ScanSource::Selected {
            input: h.linear(blk("ssm_in"), n_embd, 2 * n_inner),
            select: h.linear(blk("ssm_x"), n_inner, 2 * n_state + n_step),
            norms: [norm("ssm_b_norm", n_state), norm("ssm_c_norm", n_state), norm("ssm_dt_norm", n_step)],
            // Its bias is the scan's.
            step: LinearPlan { bias: None, ..h.linear(blk("ssm_dt"), n_step, n_head) },
        },
        conv: conv(t, il, "ssm_conv1d", n_inner),
        step_bias: h.tensor(blk("ssm_dt.bias"), &[n_head]),
        a: h.tensor(blk("ssm_a"), &[n_head]),
        d: h.tensor(blk("ssm_d"), &[n_head]),
        norm: None,
        out: h.linear(blk("ssm_out"), n_inner, n_embd),
    })))
}

/// MiniMax 01: what a layer adds to is not its input but the norm of it, scaled.
pub fn minimax01(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer::new(h)?.rope(RopePairs::Neox)?;
    let (every, scale) = (h.count_or("full_attention_interval", 8)?, h.positive_or("residual_scale", 1.0)?);
    t.plan_of(|il| {
        let attention = if (il + 1).is_multiple_of(every) { Mixer::Attention(t.attention(il)?) } else { retention(&t, il)? };
        let mut layer = LayerPlan::default();
        for (norm, mixer) in [("attn_norm", attention), ("ffn_norm", t.feed_forward(il)?)] {
            layer.steps.extend([
                StepPlan::Norm { from: Slot::Residual, to: Slot::Input, norm: t.norm(il, norm) },
                StepPlan::Copy { from: Slot::Input, to: Slot::Residual, scale },
                StepPlan::Mix { from: Slot::Input, to: To::Add(Slot::Residual), mixer: Box::new(mixer) },
            ]);
        }
        Ok(layer)
    })
}

fn retention(t: &Transformer, il: usize) -> Result<Mixer, ArchError> {
    let (h, n_embd, n_head) = (t.h, t.dims.n_embd, t.dims.n_head[il]);
    let (head_dim, _) = t.head_dim(il)?;
    let n = n_head * head_dim;
    let blk = |what: &str| t.blk(il, what);
    // Heads forget at ALiBi's slopes, later layers more slowly (llama.cpp src/models/minimax-01.cpp).
    let slower = 1.0 - il as f32 / (t.dims.n_layer.max(2) - 1) as f32 + 1e-5;
    let first = 2f32.powf(-(2f32.powf(3.0 - (n_head as f32).log2())));
    let remains = (0..n_head).map(|head| (-first.powi(head as i32 + 1) * slower).exp()).collect();
    Ok(Mixer::Recurrent(RecurrentPlan::Retention(RetentionPlan {
        n_head,
        head_dim,
        qkv: h.linear(blk("attn_qkv"), n_embd, 3 * n),
        remains,
        norm: h.norm(&blk("attn_norm_2"), NormKind::Rms, n, t.eps),
        gate: h.linear(blk("attn_gate"), n_embd, n),
        out: h.linear(blk("attn_output"), n, n_embd),
    })))
}
