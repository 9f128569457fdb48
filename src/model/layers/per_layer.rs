//! A second, small embedding of each token for each layer.

use super::super::ForwardError;
use super::super::plan::{Activation, LayerInputPlan, PerLayerPlan, TensorError, To};
use super::super::weight::{Linear, Norm, Weight};
use super::super::workspace::Workspace;
use super::activation::gated;
use super::{LinearGroup, Pass, project, values, values_mut};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Tensor};

pub struct PerLayer {
    plan: PerLayerPlan,
    rows: Weight,
    projection: Linear,
    norm: Norm,
}

impl PerLayer {
    pub fn bind(file: &Gguf, plan: &PerLayerPlan) -> Result<Self, TensorError> {
        Ok(Self {
            rows: Weight::bind(file, &plan.rows)?,
            projection: Linear::bind(file, &plan.projection)?,
            norm: Norm::bind(file, &plan.norm)?,
            plan: plan.clone(),
        })
    }

    /// w.per_layer = what each layer gets for each id.
    pub fn forward(&self, pass: &Pass, w: &Workspace, ids: &[u32], embeddings: &Tensor) -> Result<(), ForwardError> {
        let linears = std::slice::from_ref(&self.projection);
        w.per_layer.inplace_op2(embeddings, &LinearGroup { linears, pass, add: false })?;
        Ok(w.per_layer.inplace_op1(&Blend { of: self, ids, pass })?)
    }
}

struct Blend<'a> {
    of: &'a PerLayer,
    ids: &'a [u32],
    pass: &'a Pass<'a>,
}

impl InplaceOp1 for Blend<'_> {
    fn name(&self) -> &'static str {
        "blend"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let PerLayer { plan, rows, norm, projection } = self.of;
        let n = projection.weight.n_out;
        self.pass.each_row(values_mut(storage, layout)?, n, |r, row| {
            let (mut own, mut scaled) = (vec![0.0; n], vec![0.0; plan.width]);
            rows.row(self.ids[r] as usize, &mut own);
            for (part, own) in row.chunks_exact_mut(plan.width).zip(own.chunks_exact(plan.width)) {
                scaled.iter_mut().zip(&*part).for_each(|(y, x)| *y = x * plan.projection_scale);
                norm.row(self.pass.compute.set(), &scaled, part);
                part.iter_mut().zip(own).for_each(|(y, x)| *y = plan.mix * (*y + plan.scale * x));
            }
        });
        Ok(())
    }
}

pub struct LayerInput {
    il: usize,
    gate: Linear,
    activation: Activation,
    out: Linear,
    /// Values of a row of all layers' inputs.
    stride: usize,
}

impl LayerInput {
    pub fn bind(file: &Gguf, plan: &LayerInputPlan, n_layer: usize) -> Result<Self, TensorError> {
        let (gate, out) = (Linear::bind(file, &plan.gate)?, Linear::bind(file, &plan.out)?);
        Ok(Self { il: plan.il, stride: n_layer * gate.weight.n_out, gate, activation: plan.activation, out })
    }

    /// to = or += what the layer makes of `from` and its own input.
    pub fn forward(&self, pass: &Pass, w: &Workspace, from: &Tensor, to: To) -> Result<(), ForwardError> {
        let linears = std::slice::from_ref(&self.gate);
        w.gate.inplace_op2(from, &LinearGroup { linears, pass, add: false })?;
        w.gate.inplace_op2(&w.per_layer, &Times { of: self, pass })?;
        Ok(project(&self.out, 1.0, &w.gate, to, pass, w)?)
    }
}

/// dst[r] = activation(dst[r]) * the layer's part of src[r]
struct Times<'a> {
    of: &'a LayerInput,
    pass: &'a Pass<'a>,
}

impl InplaceOp2 for Times<'_> {
    fn name(&self) -> &'static str {
        "times layer input"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        let n = self.of.gate.weight.n_out;
        self.pass.each_row(dst, n, |r, gate| {
            gated(self.pass.compute.set(), self.of.activation, None, gate, &src[r * self.of.stride + self.of.il * n..][..n]);
        });
        Ok(())
    }
}
