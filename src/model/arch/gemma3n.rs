//! Gemma 3n: several streams of which each layer computes one, keys that the last layers read again, small inputs for
//! each layer, a low-rank branch beside attention.

use super::super::plan::{
    Activation, AttentionPlan, BranchPlan, KeysOf, LayerInputPlan, LayerPlan, LowRankPlan, Mixer, Plan, RopePairs, Seen, Slot, StepPlan,
    StreamRouter, StreamStep, To,
};
use super::gemma4::per_layer;
use super::transformer::Transformer;
use super::{ArchError, Header};

/// Layers with keys of their own: a fact of the published models that no file has (llama.cpp src/models/gemma3n.cpp), as the
/// following ones.
const N_OWN: usize = 20;
/// Layers whose feed-forward keeps few of its gates.
const N_SPARSE: usize = 10;
/// Deviations above the mean that a kept gate has: 95 % are dropped.
const SPARSE_ABOVE: f32 = 1.644_853_4;
const LOGIT_CAP: f32 = 30.0;

pub fn gemma3n(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer::new(h)?.rope(RopePairs::Neox)?.windows(5)?.sliding_rope(10_000.0)?;
    t.activation = Activation::Gelu;
    t.embedding_scale = (t.dims.n_embd as f32).sqrt();
    t.scale = Some(1.0);
    t.logit_cap = Some(h.positive_or("final_logit_softcapping", LOGIT_CAP)?);
    let width = h.count("embedding_length_per_layer_input")?;
    let n_stream = h.shape("altup_proj.weight").and_then(|s| s.get(2).copied()).unwrap_or(3) + 1;
    let mut plan = t.plan_of(|il| layer(&t, il, width, n_stream))?;
    plan.per_layer = Some(per_layer(&t, width));
    Ok(plan)
}

fn attention(t: &Transformer, il: usize) -> Result<AttentionPlan, ArchError> {
    let mut a = t.attention(il)?;
    a.value_norm = Some(t.plain_norm());
    if il >= N_OWN {
        a.keys_of = KeysOf::Other(if t.seen[il] == Seen::All { N_OWN - 1 } else { N_OWN - 2 });
        a.qkv.truncate(1);
    }
    Ok(a)
}

fn layer(t: &Transformer, il: usize, width: usize, n_stream: usize) -> Result<LayerPlan, ArchError> {
    let (h, n) = (t.h, t.dims.n_embd);
    let norm = |what: &str| t.norm(il, what);
    let tensor = |what: &str, shape: &[usize]| h.tensor(t.blk(il, &format!("{what}.weight")), shape);
    let streams = |step| StepPlan::Streams(Box::new(step));
    let projections = |name: &str| h.tensor(name.to_owned(), &[n, n, n_stream - 1]);
    let router = || StreamRouter { norm: norm("altup_router_norm"), weight: tensor("altup_router", &[n, n_stream]) };
    let mut layer = LayerPlan::default();
    if il == 0 {
        layer.steps.push(streams(StreamStep::Spread { projections: projections("altup_proj.weight") }));
    }
    let coefficients = tensor("altup_predict_coef", &[n_stream, n_stream * n_stream]);
    layer.steps.push(streams(StreamStep::Predict { router: router(), coefficients }));
    layer.steps.extend(beside_attention(t, il)?);
    let mut dense = t.dense(il, "", t.dims.n_ff[il]);
    dense.keep_above = (il < N_SPARSE).then_some(SPARSE_ABOVE);
    let after = Some(norm("post_ffw_norm"));
    layer.branch(BranchPlan { before: Some(norm("ffn_norm")), mixer: Mixer::FeedForward(dense), after, scale: 1.0 });
    let input = Mixer::LayerInput(LayerInputPlan {
        il,
        gate: h.linear(t.blk(il, "inp_gate"), n, width),
        activation: t.activation,
        out: h.linear(t.blk(il, "proj"), width, n),
    });
    layer.steps.extend([
        streams(StreamStep::Correct {
            router: router(),
            coefficients: tensor("altup_correct_coef", &[n_stream, n_stream]),
            scale: tensor("altup_correct_scale", &[n]),
        }),
        StepPlan::Mix { from: Slot::Residual, to: To::Set(Slot::Branch), mixer: Box::new(input) },
        StepPlan::Norm { from: Slot::Branch, to: Slot::Branch, norm: norm("post_norm") },
        streams(StreamStep::AddToOthers { from: Slot::Branch }),
    ]);
    if il + 1 == t.dims.n_layer {
        layer.steps.push(streams(StreamStep::Merge { projections: projections("altup_unembd_proj.weight") }));
    }
    Ok(layer)
}

/// (residual + attention + low-rank branch) / sqrt(2), all of one norm of the residual.
fn beside_attention(t: &Transformer, il: usize) -> Result<Vec<StepPlan>, ArchError> {
    let (h, n) = (t.h, t.dims.n_embd);
    let rank = h.n_rows(&t.blk(il, "laurel_l.weight")).unwrap_or(64);
    let low_rank = LowRankPlan { a: h.linear(t.blk(il, "laurel_l"), n, rank), b: h.linear(t.blk(il, "laurel_r"), rank, n), base: None };
    let mix = |to, mixer| StepPlan::Mix { from: Slot::Input, to: To::Set(to), mixer: Box::new(mixer) };
    Ok(vec![
        StepPlan::Norm { from: Slot::Residual, to: Slot::Input, norm: t.norm(il, "attn_norm") },
        mix(Slot::Aside, Mixer::LowRank(low_rank)),
        StepPlan::Norm { from: Slot::Aside, to: Slot::Aside, norm: t.norm(il, "laurel_post_norm") },
        StepPlan::Add { from: Slot::Input, to: Slot::Aside, scale: 1.0 },
        StepPlan::Add { from: Slot::Residual, to: Slot::Aside, scale: 1.0 },
        mix(Slot::Branch, Mixer::Attention(attention(t, il)?)),
        StepPlan::Norm { from: Slot::Branch, to: Slot::Branch, norm: t.norm(il, "post_attention_norm") },
        StepPlan::Add { from: Slot::Branch, to: Slot::Aside, scale: 1.0 },
        StepPlan::Copy { from: Slot::Aside, to: Slot::Residual, scale: 0.5f32.sqrt() },
    ])
}
