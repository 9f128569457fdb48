//! Families whose norms have no weights.

use super::super::plan::{BranchPlan, GateActivation, HeadNorm, LayerPlan, Mixer, NormAt, Plan, RopePairs, Slot, StepPlan};
use super::experts::gate;
use super::transformer::Transformer;
use super::{ArchError, Header};

/// Every layer adds a share of the embeddings; heads are normed after they are turned, queries with a scale for each.
pub fn talkie(h: &Header) -> Result<Plan, ArchError> {
    let mut t = Transformer { weightless: true, ..Transformer::new(h)?.rope(RopePairs::Neox)? };
    t.embedding_norm = Some(t.plain_norm());
    t.logit_scale = h.positive_or("logit_scale", 1.0)?;
    t.plan_of(|il| {
        let mut attention = t.attention(il)?;
        let (q_scales, norm) = (h.tensor(t.blk(il, "attn_q_norm.weight"), &[1, attention.n_head]), t.plain_norm());
        let head_norm =
            HeadNorm { q: Some(norm.clone()), k: Some(norm), whole: false, each: false, at: NormAt::AfterRope, q_scales: Some(q_scales) };
        attention.head_norm = Some(head_norm);
        let mut layer = LayerPlan::default();
        if il == 0 {
            layer.steps.push(StepPlan::Copy { from: Slot::Residual, to: Slot::Kept, scale: 1.0 });
        }
        layer.steps.extend(t.layer(il, Mixer::Attention(attention), t.feed_forward(il)?).steps);
        layer.steps.extend([
            StepPlan::Copy { from: Slot::Kept, to: Slot::Branch, scale: 1.0 },
            StepPlan::Scale { slot: Slot::Branch, by: h.tensor(t.blk(il, "layer_output_scale.weight"), &[1]) },
            StepPlan::Add { from: Slot::Branch, to: Slot::Residual, scale: 1.0 },
        ]);
        Ok(layer)
    })
}

/// Two stacks that are run in turns: the low one several times for each run of the high one, on the sum of both states.
/// Each run keeps keys and values of its own.
pub fn hrm_text(h: &Header) -> Result<Plan, ArchError> {
    const HIGH: Slot = Slot::Kept;
    const LOW: Slot = Slot::Aside;
    let mut t = Transformer { weightless: true, ..Transformer::new(h)?.rope(RopePairs::Neox)? };
    t.embedding_scale = h.positive_or("embedding_scale", 1.0)?;
    let (n_stack, n_low) = (h.count("hrm.layers_per_stack")?, h.count("hrm.l_cycles")?);
    let n_cycle = h.count("hrm.h_cycles")?;
    if n_stack.checked_mul(n_low + 1).and_then(|n| n.checked_mul(n_cycle)) != Some(t.dims.n_layer) {
        return Err(h.wrong("block_count", "a layer for each layer of each run of both stacks"));
    }
    let mut plan = t.plan_of(|slot| {
        let (run, il) = (slot / n_stack, slot % n_stack);
        let is_high = run % (n_low + 1) == n_low;
        let blk = if is_high { n_stack + il } else { il };
        let mut layer = LayerPlan::default();
        if slot == 0 {
            layer.steps.push(StepPlan::Copy { from: Slot::Residual, to: HIGH, scale: 1.0 });
            layer.steps.push(StepPlan::Fill { to: LOW, with: h.tensor("hrm.z_l_init".to_owned(), &[t.dims.n_embd]) });
        }
        if il == 0 {
            layer.steps.push(StepPlan::Copy { from: HIGH, to: Slot::Residual, scale: 1.0 });
            layer.steps.push(StepPlan::Add { from: LOW, to: Slot::Residual, scale: 1.0 });
        }
        let mut attention = t.attention(blk)?;
        attention.gate = Some(gate(&t, blk, attention.n_head * attention.head_dim_v, GateActivation::Sigmoid));
        layer.branch(BranchPlan::new(t.plain_norm(), Mixer::Attention(attention)));
        layer.branch(BranchPlan::new(t.plain_norm(), t.feed_forward(blk)?));
        if il + 1 == n_stack {
            layer.steps.push(StepPlan::Norm { from: Slot::Residual, to: if is_high { HIGH } else { LOW }, norm: t.plain_norm() });
        }
        if slot + 1 == t.dims.n_layer {
            layer.steps.push(StepPlan::Copy { from: HIGH, to: Slot::Residual, scale: 1.0 });
        }
        Ok(layer)
    })?;
    plan.out_norm = None;
    Ok(plan)
}
