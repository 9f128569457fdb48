//! RWKV 6 and 7, and Qwen 2 models whose attention was replaced by theirs.

use super::super::plan::{
    BranchPlan, ChannelMixPlan, DecayPlan, GroupNormPlan, LayerPlan, LowRankPlan, Mixer, NormKind, Plan, RecurrentPlan, RemovalPlan, Slot,
    StepPlan, TensorPlan,
};
use super::transformer::Transformer;
use super::{ArchError, Header};

pub fn rwkv7(h: &Header) -> Result<Plan, ArchError> {
    let t = with_embedding_norm(Transformer::with_norm(h, NormKind::Layer)?);
    t.plan_of(|il| {
        let mix = channel_mix(&t, il);
        Ok(LayerPlan::of([BranchPlan::new(t.norm(il, "attn_norm"), removal(&t, il)?), BranchPlan::new(t.norm(il, "attn_norm_2"), mix)]))
    })
}

pub fn arwkv7(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer::new(h)?;
    t.plan_of(|il| Ok(t.layer(il, removal(&t, il)?, t.feed_forward(il)?)))
}

pub fn rwkv6(h: &Header) -> Result<Plan, ArchError> {
    let t = with_embedding_norm(Transformer::with_norm(h, NormKind::Layer)?);
    let every = h.whole_or("rescale_every_n_layers", 0)?;
    t.plan_of(|il| {
        let mut layer = LayerPlan::of([
            BranchPlan::new(t.norm(il, "attn_norm"), decay(&t, il)?),
            BranchPlan::new(t.norm(il, "attn_norm_2"), channel_mix(&t, il)),
        ]);
        // Keeps F16 from overflowing; the file's matrices were divided to match.
        if every > 0 && (il + 1).is_multiple_of(every) {
            layer.steps.push(StepPlan::Copy { from: Slot::Residual, to: Slot::Kept, scale: 0.5 });
            layer.steps.push(StepPlan::Copy { from: Slot::Kept, to: Slot::Residual, scale: 1.0 });
        }
        Ok(layer)
    })
}

pub fn rwkv6qwen2(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer::new(h)?;
    t.plan_of(|il| Ok(t.layer(il, decay(&t, il)?, t.feed_forward(il)?)))
}

fn with_embedding_norm(mut t: Transformer) -> Transformer {
    t.embedding_norm = Some(t.h.norm("token_embd_norm", t.kind, t.dims.n_embd, t.eps));
    t
}

/// `NAME1` and `NAME2`, with `NAME0` added.
fn low_rank(t: &Transformer, il: usize, name: &str, n_rank: usize, base: Option<&str>) -> LowRankPlan {
    let (h, n) = (t.h, t.dims.n_embd);
    let blk = |i: usize| t.blk(il, &format!("{name}{i}"));
    let linear = |i, n_in, n_out| {
        let mut linear = h.linear(blk(i), n_in, n_out);
        if !h.has(&linear.weight.name) {
            linear.weight.name = blk(i);
        }
        linear
    };
    LowRankPlan { a: linear(1, n, n_rank), b: linear(2, n_rank, n), base: base.map(|b| vector(t, il, b, n)) }
}

/// A vector whose name may lack `.weight`.
fn vector(t: &Transformer, il: usize, name: &str, n: usize) -> TensorPlan {
    let name = t.blk(il, name);
    let full = format!("{name}.weight");
    t.h.tensor(if t.h.has(&full) { full } else { name }, &[n])
}

fn group_norm(t: &Transformer, il: usize) -> Option<GroupNormPlan> {
    let tensor = |what: &str| t.h.tensor(t.blk(il, what), &[t.dims.n_embd]);
    let has = t.h.has(&t.blk(il, "time_mix_ln.weight"));
    has.then(|| GroupNormPlan { weight: tensor("time_mix_ln.weight"), bias: tensor("time_mix_ln.bias") })
}

fn head_dim(t: &Transformer) -> Result<usize, ArchError> {
    let dim = t.h.count("wkv.head_size")?;
    if !t.dims.n_embd.is_multiple_of(dim) {
        return Err(t.h.wrong("wkv.head_size", format!("a divisor of embedding_length, {}", t.dims.n_embd)));
    }
    Ok(dim)
}

fn removal(t: &Transformer, il: usize) -> Result<Mixer, ArchError> {
    let (h, n) = (t.h, t.dims.n_embd);
    let linear = |what: &str| h.linear(t.blk(il, what), n, n);
    let rank = |name: &str| h.count(&format!("attention.{name}_lora_rank"));
    let has_gate = h.has(&t.blk(il, "time_mix_g1.weight"));
    let n_lerp = if has_gate { 6 } else { 5 };
    let gate = has_gate.then(|| rank("gate").map(|n| low_rank(t, il, "time_mix_g", n, None))).transpose()?;
    let first = (il > 0).then(|| rank("value_residual_mix").map(|n| low_rank(t, il, "time_mix_v", n, Some("time_mix_v0")))).transpose()?;
    Ok(Mixer::Recurrent(RecurrentPlan::Removal(RemovalPlan {
        n_embd: n,
        head_dim: head_dim(t)?,
        lerp: h.tensor(t.blk(il, "time_mix_lerp_fused.weight"), &[n, 1, 1, n_lerp]),
        r: linear("time_mix_receptance"),
        k: linear("time_mix_key"),
        v: linear("time_mix_value"),
        out: linear("time_mix_output"),
        decay: low_rank(t, il, "time_mix_w", rank("decay")?, Some("time_mix_w0")),
        rate: low_rank(t, il, "time_mix_a", rank("iclr")?, Some("time_mix_a0")),
        first,
        gate,
        removal_scale: vector(t, il, "time_mix_k_k", n),
        rate_share: vector(t, il, "time_mix_k_a", n),
        bonus: vector(t, il, "time_mix_r_k", n),
        norm: group_norm(t, il),
    })))
}

fn decay(t: &Transformer, il: usize) -> Result<Mixer, ArchError> {
    let (h, n) = (t.h, t.dims.n_embd);
    let dim = head_dim(t)?;
    let n_head_kv = match t.dims.n_head_kv[il] {
        0 => n / dim,
        kv => kv,
    };
    let (rank, decay_rank) = (h.count("time_mix_extra_dim")?, h.count("time_decay_extra_dim")?);
    let linear = |what: &str, n_out| h.linear(t.blk(il, what), n, n_out);
    let bonus = t.blk(il, "time_mix_first.weight");
    let mut decay = low_rank(t, il, "time_mix_decay_w", decay_rank, None);
    decay.base = Some(vector(t, il, "time_mix_decay", n));
    Ok(Mixer::Recurrent(RecurrentPlan::Decay(DecayPlan {
        n_embd: n,
        head_dim: dim,
        n_head_kv,
        lerp_all: vector(t, il, "time_mix_lerp_x", n),
        lerp: h.tensor(t.blk(il, "time_mix_lerp_fused.weight"), &[n, 1, 1, 5]),
        shares_a: linear("time_mix_w1", 5 * rank),
        shares_b: h.tensor(t.blk(il, "time_mix_w2.weight"), &[rank, n, 5]),
        r: linear("time_mix_receptance", n),
        k: linear("time_mix_key", n_head_kv * dim),
        v: linear("time_mix_value", n_head_kv * dim),
        gate: linear("time_mix_gate", n),
        out: linear("time_mix_output", n),
        decay,
        bonus: h.has(&bonus).then(|| h.tensor(bonus, &[dim, n / dim])),
        norm: group_norm(t, il),
    })))
}

fn channel_mix(t: &Transformer, il: usize) -> Mixer {
    let (h, n, n_ff) = (t.h, t.dims.n_embd, t.dims.n_ff[il]);
    let receptance = t.blk(il, "channel_mix_receptance");
    Mixer::Recurrent(RecurrentPlan::ChannelMix(ChannelMixPlan {
        n_embd: n,
        lerp_k: vector(t, il, "channel_mix_lerp_k", n),
        key: h.linear(t.blk(il, "channel_mix_key"), n, n_ff),
        value: h.linear(t.blk(il, "channel_mix_value"), n_ff, n),
        receptance: h.has(&format!("{receptance}.weight")).then(|| (vector(t, il, "channel_mix_lerp_r", n), h.linear(receptance, n, n))),
    }))
}
