//! Gemma 4: layers of two kinds whose heads differ, keys that later layers read again, small inputs for each layer.

use super::super::plan::{
    Activation, AttentionPlan, BranchPlan, KeysOf, LayerInputPlan, LayerPlan, Mixer, NormKind, NormPlan, PerLayerPlan, Plan, RopePairs,
    Seen, Slot, StepPlan, To,
};
use super::transformer::Transformer;
use super::{ArchError, Header};

pub fn gemma4(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?;
    t.activation = Activation::Gelu;
    t.embedding_scale = (t.dims.n_embd as f32).sqrt();
    t.scale = Some(1.0);
    t.logit_cap = h.positive_opt("final_logit_softcapping")?;
    t = t.rope(RopePairs::Neox)?.windows(6)?;
    two_kinds(&mut t)?;
    let own = own_keys(&t)?;
    let width = h.whole_or("embedding_length_per_layer_input", 0)?;
    let mut plan = t.plan_of(|il| layer(&t, il, own[il], width))?;
    plan.per_layer = (width > 0).then(|| per_layer(&t, width));
    Ok(plan)
}

/// Layers with a window have heads and a rope of their own; the frequencies' factors are the others'.
fn two_kinds(t: &mut Transformer) -> Result<(), ArchError> {
    let h = t.h;
    let full = t.head_dim(0)?;
    let short = (h.count_or("attention.key_length_swa", full.0)?, h.count_or("attention.value_length_swa", full.1)?);
    t.head_dims = t.seen.iter().map(|seen| if *seen == Seen::All { full } else { short }).collect();
    let n_rot = h.count_or("rope.dimension_count_swa", short.0)?;
    let mut sliding = h.rope(RopePairs::Neox, n_rot, short.0)?;
    (sliding.factors, sliding.base) = (None, h.positive_or("rope.freq_base_swa", 10_000.0)?);
    t.ropes.push(sliding);
    t.rope_of = t.seen.iter().map(|seen| Some(usize::from(*seen != Seen::All))).collect();
    Ok(())
}

/// Whose keys and values each layer reads: the last layers those of the last of their kind that has its own.
fn own_keys(t: &Transformer) -> Result<Vec<KeysOf>, ArchError> {
    let n = t.dims.n_layer;
    let n_shared = t.h.whole_or("attention.shared_kv_layers", 0)?;
    let n_own = n.checked_sub(n_shared).filter(|n| *n > 0);
    let n_own = n_own.ok_or_else(|| t.h.wrong("attention.shared_kv_layers", "fewer than block_count"))?;
    let of = |il: usize| match il < n_own {
        true => Ok(KeysOf::Own),
        false => {
            let kind = |other: &usize| (t.seen[*other] == Seen::All) == (t.seen[il] == Seen::All);
            let other = (0..n_own).rev().find(kind).map(KeysOf::Other);
            other.ok_or_else(|| t.h.wrong("attention.shared_kv_layers", "a layer of each kind with keys of its own"))
        }
    };
    (0..n).map(of).collect()
}

fn attention(t: &Transformer, il: usize, keys_of: KeysOf) -> Result<AttentionPlan, ArchError> {
    let mut a = t.attention(il)?;
    a.keys_of = keys_of;
    a.value_norm = Some(NormPlan { kind: NormKind::Rms, weight: None, bias: None, eps: t.eps });
    if keys_of != KeysOf::Own {
        a.qkv.truncate(1);
    } else if !t.h.has(&t.blk(il, "attn_v.weight")) {
        a.qkv.truncate(2);
        a.values_are_keys = true;
    }
    Ok(a)
}

fn layer(t: &Transformer, il: usize, keys_of: KeysOf, width: usize) -> Result<LayerPlan, ArchError> {
    let h = t.h;
    let norm = |what: &str| t.norm(il, what);
    let branch = |before, mixer, after: &str| BranchPlan { before: Some(before), mixer, after: Some(norm(after)), scale: 1.0 };
    let mut layer = LayerPlan::default();
    layer.branch(branch(norm("attn_norm"), Mixer::Attention(attention(t, il, keys_of)?), "post_attention_norm"));
    let dense = Mixer::FeedForward(t.dense(il, "", t.dims.n_ff[il]));
    if h.has(&t.blk(il, "ffn_gate_inp.weight")) {
        layer.steps.extend(beside_experts(t, il, dense)?);
    } else {
        layer.branch(branch(norm("ffn_norm"), dense, "post_ffw_norm"));
    }
    if width > 0 {
        let mixer = Mixer::LayerInput(LayerInputPlan {
            il,
            gate: h.linear(t.blk(il, "inp_gate"), t.dims.n_embd, width),
            activation: t.activation,
            out: h.linear(t.blk(il, "proj"), width, t.dims.n_embd),
        });
        layer.branch(BranchPlan { before: None, mixer, after: Some(norm("post_norm")), scale: 1.0 });
    }
    let scale = t.blk(il, "layer_output_scale.weight");
    if h.has(&scale) {
        layer.steps.push(StepPlan::Scale { slot: Slot::Residual, by: h.tensor(scale, &[1]) });
    }
    Ok(layer)
}

/// A dense feed-forward and experts, each normed before and after, and their sum normed again.
fn beside_experts(t: &Transformer, il: usize, dense: Mixer) -> Result<Vec<StepPlan>, ArchError> {
    let n_embd = t.dims.n_embd;
    let norm = |what: &str| t.norm(il, what);
    let router_scale = t.h.tensor(t.blk(il, "ffn_gate_inp.scale"), &[n_embd]);
    let router_norm = NormPlan { kind: NormKind::Rms, weight: Some(router_scale), bias: None, eps: t.eps };
    let mut experts = t.experts(il)?;
    experts.router_from = Some(Slot::Aside);
    // The name's ending is taken by the norm before the router.
    experts.router.scale = None;
    Ok(vec![
        StepPlan::Norm { from: Slot::Residual, to: Slot::Input, norm: norm("ffn_norm") },
        StepPlan::Mix { from: Slot::Input, to: To::Set(Slot::Branch), mixer: Box::new(dense) },
        StepPlan::Norm { from: Slot::Branch, to: Slot::Branch, norm: norm("post_ffw_norm_1") },
        StepPlan::Norm { from: Slot::Residual, to: Slot::Kept, norm: router_norm },
        StepPlan::Copy { from: Slot::Kept, to: Slot::Aside, scale: 1.0 / (n_embd as f32).sqrt() },
        StepPlan::Norm { from: Slot::Residual, to: Slot::Input, norm: norm("pre_ffw_norm_2") },
        StepPlan::Mix { from: Slot::Input, to: To::Set(Slot::Kept), mixer: Box::new(Mixer::Experts(experts)) },
        StepPlan::Norm { from: Slot::Kept, to: Slot::Kept, norm: norm("post_ffw_norm_2") },
        StepPlan::Add { from: Slot::Kept, to: Slot::Branch, scale: 1.0 },
        StepPlan::Norm { from: Slot::Branch, to: Slot::Branch, norm: norm("post_ffw_norm") },
        StepPlan::Add { from: Slot::Branch, to: Slot::Residual, scale: 1.0 },
    ])
}

pub fn per_layer(t: &Transformer, width: usize) -> PerLayerPlan {
    let (h, n_embd, all) = (t.h, t.dims.n_embd, width * t.dims.n_layer);
    PerLayerPlan {
        width,
        rows: h.tensor("per_layer_token_embd.weight".to_owned(), &[all, t.dims.n_vocab]),
        scale: (width as f32).sqrt(),
        projection: h.linear("per_layer_model_proj".to_owned(), n_embd, all),
        projection_scale: 1.0 / (n_embd as f32).sqrt(),
        norm: h.norm("per_layer_proj_norm", NormKind::Rms, width, t.eps),
        mix: std::f32::consts::FRAC_1_SQRT_2,
    }
}
