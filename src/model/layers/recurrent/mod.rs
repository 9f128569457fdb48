//! Layers with a state of fixed size. Each reads its rows one after the other and leaves its state behind the last.

mod conv;
mod delta;
mod gated_conv;
mod retention;
mod scan;
mod wkv;

use super::super::kernels;
use super::super::plan::{RecurrentPlan, TensorError, To};
use super::super::weight::Linear;
use super::super::workspace::Workspace;
use super::super::{ForwardError, check};
use super::{Pass, values, values_mut, width};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp2, Layout, Tensor};
use delta::Delta;
use gated_conv::GatedConv;
use retention::Retention;
use scan::{ChannelScan, HeadScan};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use wkv::{ChannelMix, Decay, Removal};

pub struct Recurrent {
    kind: Kind,
    /// Which of the states is this layer's.
    pub il_state: usize,
    /// Values of it that are the convolution's.
    n_conv: usize,
}

enum Kind {
    GatedConv(Box<GatedConv>),
    ChannelScan(Box<ChannelScan>),
    HeadScan(Box<HeadScan>),
    Delta(Box<Delta>),
    Retention(Box<Retention>),
    Removal(Box<Removal>),
    Decay(Box<Decay>),
    ChannelMix(Box<ChannelMix>),
}

/// Rows between the steps of one layer.
#[derive(Default)]
pub struct Buffers {
    pub input: Vec<f32>,
    pub mixed: Vec<f32>,
    pub select: Vec<f32>,
    pub step: Vec<f32>,
    pub rates: Vec<f32>,
    pub output: Vec<f32>,
    /// What the first layer of a pass leaves for the others.
    pub first: Vec<f32>,
}

/// A layer's state: the last inputs of its convolution or mix, and the rest.
pub struct State<'a> {
    pub conv: &'a mut [f32],
    pub rest: &'a mut [f32],
}

impl Recurrent {
    pub fn bind(file: &Gguf, plan: &RecurrentPlan, il_state: usize) -> Result<Self, TensorError> {
        let kind = match plan {
            RecurrentPlan::GatedConv(p) => Kind::GatedConv(Box::new(GatedConv::bind(file, p)?)),
            RecurrentPlan::ChannelScan(p) => Kind::ChannelScan(Box::new(ChannelScan::bind(file, p)?)),
            RecurrentPlan::HeadScan(p) => Kind::HeadScan(Box::new(HeadScan::bind(file, p)?)),
            RecurrentPlan::Delta(p) => Kind::Delta(Box::new(Delta::bind(file, p)?)),
            RecurrentPlan::Retention(p) => Kind::Retention(Box::new(Retention::bind(file, p)?)),
            RecurrentPlan::Removal(p) => Kind::Removal(Box::new(Removal::bind(file, p)?)),
            RecurrentPlan::Decay(p) => Kind::Decay(Box::new(Decay::bind(file, p)?)),
            RecurrentPlan::ChannelMix(p) => Kind::ChannelMix(Box::new(ChannelMix::bind(file, p)?)),
        };
        Ok(Self { kind, il_state, n_conv: plan.state().0 })
    }

    /// to = or += what the layer makes of `from` and its state, which it changes.
    pub fn forward(
        &self,
        pass: &Pass,
        w: &Workspace,
        from: &Tensor,
        to: To,
        state: &mut [f32],
        cancel: &AtomicBool,
    ) -> Result<(), ForwardError> {
        check(cancel)?;
        let op = Run { recurrent: self, pass, add: matches!(to, To::Add(_)), state: Mutex::new(state) };
        Ok(w.slot(to.slot()).inplace_op2(from, &op)?)
    }
}

struct Run<'a> {
    recurrent: &'a Recurrent,
    pass: &'a Pass<'a>,
    add: bool,
    state: Mutex<&'a mut [f32]>,
}

impl InplaceOp2 for Run<'_> {
    fn name(&self) -> &'static str {
        "recurrent"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let n = self.pass.rows * width(l1);
        let (dst, src) = (&mut values_mut(s1, l1)?[..n], &values(s2, l2)?[..n]);
        let mut state = self.state.lock().map_err(|_| candle_core::Error::msg("the state's lock is poisoned"))?;
        let (conv, rest) = state.split_at_mut(self.recurrent.n_conv);
        let state = State { conv, rest };
        let mut buffers = self.pass.compute.recurrent_buffers();
        match &self.recurrent.kind {
            Kind::GatedConv(layer) => layer.run(self.pass, src, state, &mut buffers),
            Kind::ChannelScan(layer) => layer.run(self.pass, src, state, &mut buffers),
            Kind::HeadScan(layer) => layer.run(self.pass, src, state, &mut buffers),
            Kind::Delta(layer) => layer.run(self.pass, src, state, &mut buffers),
            Kind::Retention(layer) => layer.run(self.pass, src, state, &mut buffers),
            Kind::Removal(layer) => layer.run(self.pass, src, state, &mut buffers),
            Kind::Decay(layer) => layer.run(self.pass, src, state, &mut buffers),
            Kind::ChannelMix(layer) => layer.run(self.pass, src, state, &mut buffers),
        }
        if self.add {
            dst.iter_mut().zip(&buffers.output).for_each(|(y, x)| *y += x);
        } else {
            dst.copy_from_slice(&buffers.output[..n]);
        }
        Ok(())
    }
}

/// out = linear(x) for each row.
pub fn apply(pass: &Pass, linear: &Linear, x: &[f32], out: &mut Vec<f32>) {
    let n_out = linear.weight.n_out;
    out.resize(pass.rows * n_out, 0.0);
    let x = pass.prepare(&x[..pass.rows * linear.weight.n_in], pass.rows, &[linear.weight.ty]);
    let bias = (!linear.bias.is_empty()).then_some(&linear.bias[..]);
    let part = kernels::Linear { bias, ..kernels::Linear::new(linear.weight.rows(0), &x) };
    pass.compute.kernels().linear(&x, &[part], out, n_out);
}

/// out = the last of `linears` of what the one before gives, and so on.
pub fn chain(pass: &Pass, linears: &[Linear], x: &[f32], out: &mut Vec<f32>, between: &mut Vec<f32>) {
    for (i, linear) in linears.iter().enumerate() {
        match i {
            0 => apply(pass, linear, x, out),
            _ => {
                std::mem::swap(out, between);
                apply(pass, linear, between, out);
            }
        }
    }
}

/// out = what each of `linears` gives, side by side in each row.
pub fn beside(pass: &Pass, linears: &[Linear], x: &[f32], out: &mut Vec<f32>, one: &mut Vec<f32>) {
    if let [linear] = linears {
        return apply(pass, linear, x, out);
    }
    let width: usize = linears.iter().map(|l| l.weight.n_out).sum();
    out.resize(pass.rows * width, 0.0);
    let mut at = 0;
    for linear in linears {
        let n = linear.weight.n_out;
        apply(pass, linear, x, one);
        for (row, part) in out.chunks_exact_mut(width).zip(one.chunks_exact(n)) {
            row[at..at + n].copy_from_slice(part);
        }
        at += n;
    }
}

pub fn silu(x: f32) -> f32 {
    x / (1.0 + (-x).exp())
}
