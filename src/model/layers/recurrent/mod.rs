//! Layers with a state of fixed size. Each reads its rows one after the other and leaves its state behind the last; what does
//! not depend on the row before is done for rows, and the rest for heads or channels, by all threads.

mod conv;
mod delta;
mod gated_conv;
mod retention;
mod scan;
mod wkv;

use super::super::kernels::Columns;
use super::super::plan::{RecurrentPlan, TensorError, To};
use super::super::weight::Linear;
use super::super::workspace::Workspace;
use super::super::{ForwardError, check};
use super::{Pass, multiply, values, values_mut, width};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp2, Layout, Tensor};
use delta::Delta;
use gated_conv::GatedConv;
use retention::Retention;
use scan::{ChannelScan, HeadScan};
use std::ops::Range;
use std::slice::from_ref;
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
    pub strengths: Vec<f32>,
    pub decays: Vec<f32>,
    /// What is read of the states.
    pub given: Vec<f32>,
    pub of_tokens: wkv::Rows,
}

/// A part of a layer's state: as the pass before left it, and as this one leaves it, which holds nothing of use yet.
pub struct Kept<'a> {
    pub now: &'a [f32],
    pub next: &'a mut [f32],
}

/// A layer's state: the last inputs of its convolution or mix, and the rest.
pub struct State<'a> {
    pub conv: Kept<'a>,
    pub rest: Kept<'a>,
}

/// Rows that begin at `first` of each `stride` values.
#[derive(Clone, Copy)]
pub struct Strided<'a> {
    pub rows: &'a [f32],
    pub first: usize,
    pub stride: usize,
}

impl<'a> Strided<'a> {
    /// Row `r`, and what lies behind it.
    fn row(&self, r: usize) -> &'a [f32] {
        &self.rows[r * self.stride + self.first..]
    }
}

/// Where a layer's rows go: in place of those that are there, or added to them.
pub struct Target<'a> {
    rows: &'a mut [f32],
    add: bool,
}

impl Kept<'_> {
    /// Calls `work` for each `each` columns of `rows`, with the part of the state that is theirs, as the pass before left it.
    pub fn each_columns(self, pass: &Pass, rows: &mut [f32], each: usize, work: impl Fn(Range<usize>, &mut [f32], &mut Columns) + Sync) {
        let width = rows.len() / pass.rows;
        let depth = self.now.len() / width;
        pass.compute.kernels().each_columns((rows, width), each, self.next, |columns, s, out| {
            // Where it is used, it is copied: it stays in that thread's cache.
            s.copy_from_slice(&self.now[columns.start * depth..columns.end * depth]);
            work(columns, s, out);
        });
    }
}

impl Target<'_> {
    /// The layer ends with a matrix.
    pub fn linear(self, pass: &Pass, linear: &Linear, x: &[f32]) {
        if !self.add || linear.scale == 1.0 {
            return multiply(pass, from_ref(linear), x, self.rows, self.add);
        }
        let mut out = Vec::new();
        apply(pass, linear, x, &mut out);
        self.rows(pass, &out);
    }

    pub fn rows(self, pass: &Pass, rows: &[f32]) {
        let width = self.rows.len() / pass.rows;
        pass.each_row(self.rows, width, |r, to| {
            let row = &rows[r * width..][..width];
            if self.add { pass.compute.set().axpy(1.0, row, to) } else { to.copy_from_slice(row) }
        });
    }
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
        state: (&[f32], &mut [f32]),
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
    /// As it is, and room for the next.
    state: Mutex<(&'a [f32], &'a mut [f32])>,
}

impl InplaceOp2 for Run<'_> {
    fn name(&self) -> &'static str {
        "recurrent"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let n = self.pass.rows * width(l1);
        let (dst, src) = (&mut values_mut(s1, l1)?[..n], &values(s2, l2)?[..n]);
        let mut state = self.state.lock().map_err(|_| candle_core::Error::msg("the state's lock is poisoned"))?;
        let (now, next) = &mut *state;
        let (conv, rest) = next.split_at_mut(self.recurrent.n_conv);
        let (conv_now, rest_now) = now.split_at(self.recurrent.n_conv);
        let state = State { conv: Kept { now: conv_now, next: conv }, rest: Kept { now: rest_now, next: rest } };
        let to = Target { rows: dst, add: self.add };
        let mut buffers = self.pass.compute.recurrent_buffers();
        match &self.recurrent.kind {
            Kind::GatedConv(layer) => layer.run(self.pass, src, state, &mut buffers, to),
            Kind::ChannelScan(layer) => layer.run(self.pass, src, state, &mut buffers, to),
            Kind::HeadScan(layer) => layer.run(self.pass, src, state, &mut buffers, to),
            Kind::Delta(layer) => layer.run(self.pass, src, state, &mut buffers, to),
            Kind::Retention(layer) => layer.run(self.pass, src, state, &mut buffers, to),
            Kind::Removal(layer) => layer.run(self.pass, src, state, &mut buffers, to),
            Kind::Decay(layer) => layer.run(self.pass, src, state, &mut buffers, to),
            Kind::ChannelMix(layer) => layer.run(self.pass, src, state, &mut buffers, to),
        }
        Ok(())
    }
}

/// out = linear(x) for each row.
pub fn apply(pass: &Pass, linear: &Linear, x: &[f32], out: &mut Vec<f32>) {
    beside(pass, from_ref(linear), x, out);
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
pub fn beside(pass: &Pass, linears: &[Linear], x: &[f32], out: &mut Vec<f32>) {
    let width: usize = linears.iter().map(|l| l.weight.n_out).sum();
    out.resize(pass.rows * width, 0.0);
    multiply(pass, linears, x, out, false);
}

pub fn silu(x: f32) -> f32 {
    x / (1.0 + (-x).exp())
}
