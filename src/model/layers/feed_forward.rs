//! down(activation(gate(x)) * up(x))

use super::super::kernels;
use super::super::plan::{Activation, FeedForwardPlan, TensorError};
use super::super::weight::Linear;
use super::super::workspace::Workspace;
use super::super::{ForwardError, check};
use super::{LinearGroup, Pass, values, values_mut};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp2, Layout};
use std::sync::atomic::AtomicBool;

pub struct FeedForward {
    up_gate: [Linear; 2],
    down: Linear,
    activation: Activation,
}

impl FeedForward {
    pub fn bind(file: &Gguf, plan: &FeedForwardPlan) -> Result<Self, TensorError> {
        Ok(Self {
            up_gate: [Linear::bind(file, &plan.up)?, Linear::bind(file, &plan.gate)?],
            down: Linear::bind(file, &plan.down)?,
            activation: plan.activation,
        })
    }

    /// w.residual += the feed-forward of w.normed
    pub fn forward(&self, pass: &Pass, w: &Workspace, cancel: &AtomicBool) -> Result<(), ForwardError> {
        if self.up_gate.iter().all(|l| l.bias.is_empty()) {
            w.hidden.inplace_op2(&w.normed, &GatedUp { ffn: self, pass })?;
        } else {
            w.up_gate.inplace_op2(&w.normed, &LinearGroup { linears: &self.up_gate, pass, add: false })?;
            w.hidden.inplace_op2(&w.up_gate, &Gate { ffn: self, pass })?;
        }
        check(cancel)?;
        w.residual.inplace_op2(&w.hidden, &LinearGroup { linears: std::slice::from_ref(&self.down), pass, add: true })?;
        Ok(())
    }
}

/// dst[r] = activation(gate(src[r])) * up(src[r]) in one step, where no bias comes between.
struct GatedUp<'a> {
    ffn: &'a FeedForward,
    pass: &'a Pass<'a>,
}

impl InplaceOp2 for GatedUp<'_> {
    fn name(&self) -> &'static str {
        "gated up"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        let [up, gate] = &self.ffn.up_gate;
        let (rows, n_in, n_ff) = (self.pass.rows, up.weight.n_in, up.weight.n_out);
        let x = self.pass.prepare(&src[..rows * n_in], rows, &[up.weight.ty, gate.weight.ty]);
        match self.ffn.activation {
            Activation::SwiGlu => {
                let part = kernels::Linear { gate: Some(gate.weight.rows(0)), ..kernels::Linear::new(up.weight.rows(0), &x) };
                self.pass.compute.kernels().linear(&x, &[part], &mut dst[..rows * n_ff], n_ff);
            }
        }
        Ok(())
    }
}

/// dst[r] = activation(gate) * up of src[r], which holds up | gate.
struct Gate<'a> {
    ffn: &'a FeedForward,
    pass: &'a Pass<'a>,
}

impl InplaceOp2 for Gate<'_> {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        let n_ff = self.ffn.down.weight.n_in;
        for (out, row) in dst.chunks_exact_mut(n_ff).zip(src.chunks_exact(2 * n_ff)).take(self.pass.rows) {
            let (up, gate) = row.split_at(n_ff);
            out.copy_from_slice(gate);
            match self.ffn.activation {
                Activation::SwiGlu => self.pass.compute.set().silu_mul(out, up),
            }
        }
        Ok(())
    }
}
