//! Families whose point is their experts.

use super::super::plan::{
    Activation, BranchPlan, Clamp, ExpertsPlan, Gate, GateActivation, GateFrom, Gating, LayerPlan, Matrices, Mixer, NormAt, Plan,
    RopePairs, Seen, Slot, StepPlan, To,
};
use super::transformer::{Block, ClampLimits, Router, Transformer};
use super::{ArchError, Header};

const SOFTMAX_AS_IT_IS: Router = Router { gating: Gating::Softmax, renormalize: false };
const SIGMOID: Router = Router { gating: Gating::Sigmoid, renormalize: true };

/// The first DeepSeek with experts.
pub fn deepseek(h: &Header) -> Result<Plan, ArchError> {
    Transformer { router: SOFTMAX_AS_IT_IS, ..Transformer::new(h)?.rope(RopePairs::Norm)? }.plan()
}

pub fn deepseek_neox(h: &Header) -> Result<Plan, ArchError> {
    Transformer { router: SOFTMAX_AS_IT_IS, ..Transformer::new(h)?.rope(RopePairs::Neox)? }.plan()
}

/// Sigmoid routers on a plain stack: dots.1, Ling 2, MiniMax M2, Hunyuan 3.
pub fn sigmoid_neox(h: &Header) -> Result<Plan, ArchError> {
    Transformer { router: SIGMOID, ..Transformer::new(h)?.rope(RopePairs::Neox)? }.plan()
}

/// Ling: scores are scaled by what is rotated.
pub fn bailingmoe(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Norm)?;
    t.router = SOFTMAX_AS_IT_IS;
    t.scale = Some(1.0 / (t.ropes[0].n_rot as f32).sqrt());
    t.plan()
}

/// Hunyuan: heads are normed after they are turned, and `alpha` raises the base.
pub fn hunyuan(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer { head_norm_at: NormAt::AfterRope, ..Transformer::new(h)?.rope(RopePairs::Neox)? };
    t = super::llama::sections(t, false)?;
    if let Some(alpha) = h.positive_opt("rope.scaling.alpha")? {
        let d = t.head_dim(0)?.0 as f32;
        t.ropes[0].base *= alpha.powf(d / (d - 2.0));
    }
    t.plan()
}

/// gpt-oss: every other layer a window, sinks, biases everywhere, a gate held to limits.
pub fn gpt_oss(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer::new(h)?.rope(RopePairs::Neox)?.windows(2)?;
    Transformer {
        ffn_norm: "post_attention_norm",
        router: Router { gating: Gating::SoftmaxOfChosen, renormalize: false },
        clamp: Some(Clamp::Swiglu { alpha: 1.702, limit: 7.0 }),
        ..t
    }
    .plan()
}

/// Grok: scores and logits capped, GELU experts; the second one has a dense feed-forward beside them.
pub fn grok(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Neox)?;
    if let Some(yarn) = &mut t.ropes[0].yarn {
        yarn.beta_fast = h.positive_or("rope.scaling.yarn_beta_fast", 8.0)?;
        yarn.beta_slow = h.positive_or("rope.scaling.yarn_beta_slow", yarn.beta_slow)?;
    }
    t.activation = Activation::Gelu;
    t.embedding_scale = h.positive_or("embedding_scale", 78.383_67)?;
    t.logit_scale = h.positive_or("logit_scale", 0.577_350_26)?;
    t.logit_cap = h.positive_opt("final_logit_softcapping")?;
    t.scale = Some(h.positive_or("attention.output_scale", 0.088_388_346)?);
    t.attn_post_norm = "attn_output_norm";
    t.ffn_post_norm = if h.has("blk.0.layer_output_norm.weight") { "layer_output_norm" } else { "post_ffw_norm" };
    let cap = h.positive_or("attn_logit_softcapping", 30.0)?;
    t.plan_of(|il| {
        let mut attention = t.attention(il)?;
        attention.score_cap = Some(cap);
        if !h.has(&t.blk(il, "ffn_up.weight")) || !h.has(&t.blk(il, "ffn_up_exps.weight")) {
            return Ok(t.layer(il, Mixer::Attention(attention), t.feed_forward(il)?));
        }
        let mut layer = LayerPlan::default();
        let after = |name: &str| Some(t.norm(il, name));
        let mixer = Mixer::Attention(attention);
        layer.branch(BranchPlan { before: Some(t.norm(il, "attn_norm")), mixer, after: after(t.attn_post_norm), scale: 1.0 });
        let dense = Mixer::FeedForward(t.dense(il, "", t.dims.n_ff[il]));
        layer.steps.extend([
            StepPlan::Norm { from: Slot::Residual, to: Slot::Input, norm: t.norm(il, "ffn_norm") },
            StepPlan::Mix { from: Slot::Input, to: To::Set(Slot::Aside), mixer: Box::new(t.feed_forward(il)?) },
            StepPlan::Mix { from: Slot::Input, to: To::Add(Slot::Aside), mixer: Box::new(dense) },
            StepPlan::Copy { from: Slot::Aside, to: Slot::Branch, scale: 0.5f32.sqrt() },
            StepPlan::Norm { from: Slot::Branch, to: Slot::Branch, norm: t.norm(il, t.ffn_post_norm) },
            StepPlan::Add { from: Slot::Branch, to: Slot::Residual, scale: 1.0 },
        ]);
        Ok(layer)
    })
}

/// Experts read a norm of the layer's input, a dense feed-forward what attention left.
pub fn arctic(h: &Header) -> Result<Plan, ArchError> {
    let t = Transformer::new(h)?.rope(RopePairs::Norm)?;
    t.plan_of(|il| {
        let mut layer = LayerPlan::default();
        layer.steps.push(StepPlan::Norm { from: Slot::Residual, to: Slot::Aside, norm: t.norm(il, "ffn_norm_exps") });
        layer.branch(BranchPlan::new(t.norm(il, "attn_norm"), Mixer::Attention(t.attention(il)?)));
        layer.branch(BranchPlan::new(t.norm(il, "ffn_norm"), Mixer::FeedForward(t.dense(il, "", t.dims.n_ff[il]))));
        let experts = Box::new(Mixer::Experts(t.experts(il)?));
        layer.steps.push(StepPlan::Mix { from: Slot::Aside, to: To::Add(Slot::Residual), mixer: experts });
        Ok(layer)
    })
}

/// The router reads the layer's input before attention; a ReLU gate.
pub fn smallthinker(h: &Header) -> Result<Plan, ArchError> {
    const WINDOW: usize = 4096;
    let mut t = Transformer::new(h)?.rope(RopePairs::Neox)?;
    t.activation = Activation::Relu;
    if h.whole_or("attention.sliding_window", 0)? > 0 && t.dims.n_layer != 4 {
        // Dense first: every fourth layer, from the first on, sees everything and does not rotate.
        for il in 0..t.dims.n_layer {
            if !il.is_multiple_of(4) {
                t.seen[il] = Seen::Window(WINDOW);
            } else {
                t.rope_of[il] = None;
            }
        }
    }
    t.plan_of(|il| {
        let mut experts = t.experts(il)?;
        experts.router_from = Some(Slot::Kept);
        let mut layer = LayerPlan::default();
        layer.steps.push(StepPlan::Copy { from: Slot::Residual, to: Slot::Kept, scale: 1.0 });
        layer.steps.extend(t.layer(il, Mixer::Attention(t.attention(il)?), Mixer::Experts(experts)).steps);
        Ok(layer)
    })
}

/// Cohere 2 with experts: routed and shared ones are averaged.
pub fn cohere2moe(h: &Header) -> Result<Plan, ArchError> {
    use super::super::plan::NormKind;
    let kind = if h.number("attention.layer_norm_epsilon").is_some() { NormKind::Layer } else { NormKind::Rms };
    let mut t = Transformer::with_norm(h, kind)?.rope(RopePairs::Norm)?.windows(4)?;
    t.only_windows_rotate(h.whole_or("leading_dense_block_count", 0)?);
    t.block = Block::Parallel;
    t.router = SIGMOID;
    t.logit_scale = h.positive_or("logit_scale", 1.0)?;
    t.plan_of(|il| {
        let mixer = t.feed_forward(il)?;
        let halved = matches!(&mixer, Mixer::Experts(e) if e.shared.is_some());
        let branch = |mixer, scale| BranchPlan { before: Some(t.norm(il, t.attn_norm)), mixer, after: None, scale };
        let mut layer = LayerPlan::default();
        layer.parallel(branch(Mixer::Attention(t.attention(il)?), 1.0), branch(mixer, if halved { 0.5 } else { 1.0 }));
        Ok(layer)
    })
}

/// A gate of its own on what is attended: one value for each, or one for each head.
pub fn gate(t: &Transformer, il: usize, n_out: usize, activation: GateActivation) -> Gate {
    let linear = t.h.linear(t.blk(il, "attn_gate"), t.dims.n_embd, n_out);
    Gate { from: GateFrom::Linear(linear), activation }
}

/// As many gates as the file's matrix has rows.
pub fn gate_of_file(t: &Transformer, il: usize, activation: GateActivation) -> Option<Gate> {
    let n_out = t.h.n_rows(&t.blk(il, "attn_gate.weight"))?;
    Some(gate(t, il, n_out, activation))
}

/// Trinity: gated attention, windows that rotate and full layers that do not.
pub fn afmoe(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope_where(RopePairs::Neox, |il| !(il + 1).is_multiple_of(4))?.windows(4)?;
    t.router = SIGMOID;
    t.embedding_scale = (t.dims.n_embd as f32).sqrt();
    t.plan_with(|il, attention| {
        attention.gate = gate_of_file(&t, il, GateActivation::Sigmoid);
        Ok(())
    })
}

pub fn exaone_moe(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Neox)?.windows(4)?;
    t.router = SIGMOID;
    t.only_windows_rotate(0);
    t.plan()
}

/// Layers with a window turn by a rope of another size and base.
pub fn laguna(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Neox)?.windows(1)?;
    t.router = SIGMOID;
    t = t.sliding_rope(10_000.0)?;
    t.ropes[1].n_rot = h.count_or("rope.dimension_count_swa", t.ropes[1].n_rot)?;
    t.plan_with(|il, attention| {
        attention.gate = gate_of_file(&t, il, GateActivation::Softplus);
        Ok(())
    })
}

/// Layers with a window have another count of heads for keys and values, and a base of their own.
pub fn mimo2(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Neox)?.windows(1)?;
    t.router = SIGMOID;
    t = t.sliding_rope(10_000.0)?;
    let scale = h.positive_or("attention.value_scale", 1.0)?;
    t.plan_with(|_, attention| {
        attention.out_scale = scale;
        Ok(())
    })
}

/// Windows turn without the scaling.
pub fn mellum(h: &Header) -> Result<Plan, ArchError> {
    let main = h.positive_or("rope.freq_base", 10_000.0)?;
    Transformer::new(h)?.rope(RopePairs::Neox)?.windows(4)?.sliding_rope(main)?.plan()
}

pub fn maple(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Neox)?.windows(1)?;
    t.only_windows_rotate(0);
    t.clamp = h.positive_opt("swiglu_clamp_exp")?.map(Clamp::Before);
    t.plan()
}

/// One gate for each head, a GELU gate in the feed-forward.
pub fn spark(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Neox)?.windows(1)?.sliding_rope(10_000.0)?;
    t.activation = Activation::Gelu;
    t.plan_with(|il, attention| {
        attention.gate = gate_of_file(&t, il, GateActivation::Sigmoid);
        Ok(())
    })
}

/// Embeddings normed without weights, gated attention, windows alone rotate.
pub fn muse_glimmer(h: &Header) -> Result<Plan, ArchError> {
    const AFTER_EPS: f32 = 1e-8;
    let mut t = Transformer::new(h)?.rope(RopePairs::Norm)?.windows(4)?;
    t.only_windows_rotate(0);
    t.embedding_norm = Some(t.plain_norm());
    t.logit_scale = h.positive_or("logit_scale", 1.0)?;
    t.logit_cap = h.positive_opt("final_logit_softcapping")?;
    t.plan_of(|il| {
        let mut attention = t.attention(il)?;
        attention.gate = gate_of_file(&t, il, GateActivation::Sigmoid);
        let mut layer = t.layer(il, Mixer::Attention(attention), t.feed_forward(il)?);
        for step in &mut layer.steps {
            if let StepPlan::Norm { from: Slot::Branch, norm, .. } = step {
                norm.eps = AFTER_EPS;
            }
        }
        Ok(layer)
    })
}

/// Norms before and after each branch, windows with a base of their own.
pub fn plamo3(h: &Header) -> Result<Plan, ArchError> {
    Transformer::new(h)?.rope(RopePairs::Neox)?.windows(1)?.sliding_rope(10_000.0)?.plan()
}

/// Full layers rotate half of what the file says; gates for each head; limits for each layer's feed-forwards.
pub fn step35(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Neox)?.windows(1)?.sliding_rope(10_000.0)?;
    t.router = SIGMOID;
    t.ropes[0].n_rot /= 2;
    let limits = ClampLimits::read(h, t.dims.n_layer)?;
    t.plan_of(|il| {
        let mut attention = t.attention(il)?;
        attention.gate = gate_of_file(&t, il, GateActivation::Sigmoid);
        // Whatever the file says of dense layers: a router is what makes experts.
        let mut mixer = t.experts_where_routed(il)?;
        limits.set(il, Clamp::After, &mut mixer);
        Ok(t.layer(il, Mixer::Attention(attention), mixer))
    })
}

/// Grove: after the routed experts smaller ones, shared by groups, that read what those gave.
pub fn grovemoe(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Neox)?;
    t.router = Router { gating: Gating::SoftmaxChosenBySigmoid, renormalize: true };
    let (n_sharing, by) = (h.count("experts_per_group")?, h.positive_or("expert_group_scale", 1.0)?);
    let n_ff = h.count_or("expert_chunk_feed_forward_length", t.head_dim(0)?.0)?;
    let n_embd = t.dims.n_embd;
    t.plan_of(|il| {
        let routed = t.experts(il)?;
        let n_shared = routed.n_expert / n_sharing;
        if !routed.n_expert.is_multiple_of(n_sharing) {
            return Err(h.wrong("experts_per_group", format!("a divisor of expert_count, {}", routed.n_expert)));
        }
        let stack =
            |what: &str, n_in, n_out| Matrices::Merged(h.tensor(t.blk(il, &format!("{what}_chexps.weight")), &[n_in, n_out, n_shared]));
        let after = ExpertsPlan {
            n_sharing,
            n_used: routed.n_used.min(n_shared),
            n_ff,
            router_from: Some(Slot::Input),
            gate: Some(stack("ffn_gate", n_embd, n_ff)),
            up: stack("ffn_up", n_embd, n_ff),
            down: stack("ffn_down", n_ff, n_embd),
            ..routed.clone()
        };
        let mut layer = LayerPlan::of([BranchPlan::new(t.norm(il, "attn_norm"), Mixer::Attention(t.attention(il)?))]);
        layer.steps.extend([
            StepPlan::Norm { from: Slot::Residual, to: Slot::Input, norm: t.norm(il, "ffn_norm") },
            StepPlan::Mix { from: Slot::Input, to: To::Set(Slot::Aside), mixer: Box::new(Mixer::Experts(routed)) },
            StepPlan::Mix { from: Slot::Aside, to: To::Set(Slot::Branch), mixer: Box::new(Mixer::Experts(after)) },
            StepPlan::Add { from: Slot::Aside, to: Slot::Residual, scale: 1.0 },
            StepPlan::Add { from: Slot::Branch, to: Slot::Residual, scale: by },
        ]);
        Ok(layer)
    })
}
