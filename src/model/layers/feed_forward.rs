//! down(activation(gate(x)) * up(x)), or down(activation(up(x)))

use super::super::kernels::{self, Curve};
use super::super::plan::{FeedForwardPlan, TensorError, To};
use super::super::weight::{Linear, Norm};
use super::super::workspace::Workspace;
use super::super::{ForwardError, check};
use super::activation::Hidden;
use super::{LinearGroup, NormInPlace, Pass, project, values, values_mut};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp2, Layout, Tensor};
use std::sync::atomic::AtomicBool;

pub struct FeedForward {
    /// up, then gate where there is one of its own.
    up_gate: Vec<Linear>,
    down: Linear,
    shape: Hidden,
    hidden_norm: Option<Norm>,
    /// The curve of the gate, where gate and up are one step.
    one_step: Option<Curve>,
}

impl FeedForward {
    pub fn bind(file: &Gguf, plan: &FeedForwardPlan) -> Result<Self, TensorError> {
        let linears = std::iter::once(&plan.up).chain(&plan.gate);
        let shape = Hidden {
            activation: plan.activation,
            clamp: plan.clamp,
            keep_above: plan.keep_above,
            has_gate: plan.gate.is_some() || plan.fused,
            fused: plan.fused,
            n_ff: plan.down.n_in,
        };
        Ok(Self {
            up_gate: linears.map(|l| Linear::bind(file, l)).collect::<Result<_, _>>()?,
            down: Linear::bind(file, &plan.down)?,
            shape,
            hidden_norm: plan.hidden_norm.as_ref().map(|n| Norm::bind(file, n)).transpose()?,
            one_step: shape.plain().filter(|_| plan.is_one_step()),
        })
    }

    /// to = or += the feed-forward of `from`
    pub fn forward(&self, pass: &Pass, w: &Workspace, from: &Tensor, to: To, cancel: &AtomicBool) -> Result<(), ForwardError> {
        self.hidden(pass, w, from)?;
        check(cancel)?;
        Ok(project(&self.down, 1.0, &w.hidden, to, pass, w)?)
    }

    /// to = the feed-forward of `from`, in a tensor that is no slot.
    pub fn forward_to(&self, pass: &Pass, w: &Workspace, from: &Tensor, to: &Tensor, cancel: &AtomicBool) -> Result<(), ForwardError> {
        self.hidden(pass, w, from)?;
        check(cancel)?;
        Ok(to.inplace_op2(&w.hidden, &LinearGroup { linears: std::slice::from_ref(&self.down), pass, add: false })?)
    }

    fn hidden(&self, pass: &Pass, w: &Workspace, from: &Tensor) -> candle_core::Result<()> {
        if let Some(by) = self.one_step {
            w.hidden.inplace_op2(from, &GatedUp { ffn: self, by, pass })?;
        } else {
            w.up_gate.inplace_op2(from, &LinearGroup { linears: &self.up_gate, pass, add: false })?;
            w.hidden.inplace_op2(&w.up_gate, &Activate { shape: self.shape, pass })?;
        }
        if let Some(norm) = &self.hidden_norm {
            w.hidden.inplace_op1(&NormInPlace { norm, pass, width: self.shape.n_ff })?;
        }
        Ok(())
    }
}

/// dst[r] = curve(gate(src[r])) * up(src[r]) in one step, where nothing comes between.
struct GatedUp<'a> {
    ffn: &'a FeedForward,
    by: Curve,
    pass: &'a Pass<'a>,
}

impl InplaceOp2 for GatedUp<'_> {
    fn name(&self) -> &'static str {
        "gated up"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        let [up, gate] = &self.ffn.up_gate[..] else { return Err(candle_core::Error::msg("one step takes two matrices")) };
        let (rows, n_in, n_ff) = (self.pass.rows, up.weight.n_in, up.weight.n_out);
        let x = self.pass.prepare(&src[..rows * n_in], rows, &[up.weight.ty, gate.weight.ty]);
        let part = kernels::Linear { gate: Some(gate.weight.rows(0)), by: self.by, ..kernels::Linear::new(up.weight.rows(0), &x) };
        self.pass.compute.kernels().linear(&x, &[part], &mut dst[..rows * n_ff], n_ff);
        Ok(())
    }
}

/// dst[r] = activation(gate) * up of src[r], which holds up | gate, or gate | up, or up alone.
struct Activate<'a> {
    shape: Hidden,
    pass: &'a Pass<'a>,
}

impl InplaceOp2 for Activate<'_> {
    fn name(&self) -> &'static str {
        "activate"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        let (set, shape) = (self.pass.compute.set(), self.shape);
        self.pass.each_row(dst, shape.n_ff, |r, out| shape.row(set, &src[r * shape.width()..][..shape.width()], out));
        Ok(())
    }
}
