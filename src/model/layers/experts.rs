//! A router chooses a few of many feed-forwards for each token; tokens are grouped by expert, so that each chosen
//! expert's weights are read once.

use super::super::kernels::{self, KernelSet};
use super::super::plan::{ExpertsPlan, Gating, Slot, TensorError, To};
use super::super::weight::{Linear, Norm, Stack, vector, whole_numbers};
use super::super::workspace::Workspace;
use super::super::{ForwardError, check};
use super::activation::{Hidden, sigmoid};
use super::feed_forward::FeedForward;
use super::route::{Route, Share};
use super::{LinearGroup, NormInPlace, Pass, project, values, values_mut, width};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, InplaceOp3, Layout, Tensor};
use std::sync::atomic::{AtomicBool, Ordering};

pub struct Experts {
    router: Linear,
    router_from: Option<Slot>,
    route: Route,
    gate: Option<Stack>,
    up: Stack,
    down: Stack,
    shape: Hidden,
    /// [n_ff or n_embd, n_expert], or empty.
    gate_bias: Vec<f32>,
    up_bias: Vec<f32>,
    down_bias: Vec<f32>,
    /// [n_expert], or empty.
    gate_scale: Vec<f32>,
    up_scale: Vec<f32>,
    down_scale: Vec<f32>,
    /// Weights multiply the input.
    weigh_input: bool,
    shared: Option<(FeedForward, Option<Linear>)>,
    latent: Option<Latent>,
}

/// Into a smaller space and out of it.
struct Latent {
    into: Linear,
    norm: Option<Norm>,
    out: Linear,
}

/// Buffers for the tokens of one expert at a time.
#[derive(Default)]
pub struct ExpertScratch {
    /// [rows, n_expert]
    logits: Vec<f32>,
    shares: Vec<Share>,
    /// [rows of the expert, n_embd]
    input: Vec<f32>,
    /// [rows of the expert, up and gate]
    up_gate: Vec<f32>,
    /// [rows of the expert, n_ff]
    hidden: Vec<f32>,
    /// [rows of the expert, n_embd]
    output: Vec<f32>,
}

impl Experts {
    pub fn bind(file: &Gguf, plan: &ExpertsPlan) -> Result<Self, TensorError> {
        let read = |t: &Option<_>| t.as_ref().map(|t| vector(file, t)).transpose().map(Option::unwrap_or_default);
        let by_id = plan.by_id.as_ref().map(|t| whole_numbers(file, t, plan.n_expert));
        let shared = plan.shared.as_ref().map(|s| -> Result<_, TensorError> {
            let gate = s.gate.as_ref().map(|g| Linear::bind(file, g)).transpose()?;
            Ok((FeedForward::bind(file, &s.ffn)?, gate))
        });
        Ok(Self {
            router: Linear::bind(file, &plan.router)?,
            router_from: plan.router_from,
            route: Route::new(plan, read(&plan.choice_bias)?, by_id.transpose()?.unwrap_or_default()),
            gate: plan.gate.as_ref().map(|g| Stack::bind(file, g)).transpose()?,
            up: Stack::bind(file, &plan.up)?,
            down: Stack::bind(file, &plan.down)?,
            shape: Hidden {
                activation: plan.activation,
                clamp: plan.clamp,
                keep_above: None,
                has_gate: plan.gate.is_some() || plan.fused,
                fused: plan.fused,
                n_ff: plan.n_ff,
            },
            gate_bias: read(&plan.gate_bias)?,
            up_bias: read(&plan.up_bias)?,
            down_bias: read(&plan.down_bias)?,
            gate_scale: read(&plan.gate_scale)?,
            up_scale: read(&plan.up_scale)?,
            down_scale: read(&plan.down_scale)?,
            weigh_input: plan.gating == Gating::SigmoidOfInput,
            shared: shared.transpose()?,
            latent: match &plan.latent {
                Some(latent) => Some(Latent {
                    into: Linear::bind(file, &latent.into)?,
                    norm: latent.norm.as_ref().map(|n| Norm::bind(file, n)).transpose()?,
                    out: Linear::bind(file, &latent.out)?,
                }),
                None => None,
            },
        })
    }

    /// to = or += the weighted sum of the chosen experts' outputs, and of the shared one, for each row of `from`.
    pub fn forward(&self, pass: &Pass, w: &Workspace, from: &Tensor, to: To, cancel: &AtomicBool) -> Result<(), ForwardError> {
        let dst = w.slot(to.slot());
        let routed_from = self.router_from.map_or(from, |slot| w.slot(slot));
        self.choose(pass, routed_from)?;
        if let Some(Latent { into, norm, out }) = &self.latent {
            let linears = std::slice::from_ref(into);
            w.latent.inplace_op2(from, &LinearGroup { linears, pass, add: false })?;
            w.heads.inplace_op1(&Clear)?;
            let n = into.weight.n_out;
            w.heads.inplace_op2(&w.latent, &Mix { experts: self, n, pass, cancel })?;
            if let Some(norm) = norm {
                w.heads.inplace_op1(&NormInPlace { norm, pass, width: n })?;
            }
            check(cancel)?;
            project(out, 1.0, &w.heads, to, pass, w)?;
        } else {
            if let To::Set(_) = to {
                dst.inplace_op1(&Clear)?;
            }
            dst.inplace_op2(from, &Mix { experts: self, n: w.n_embd, pass, cancel })?;
        }
        check(cancel)?;
        match &self.shared {
            None => {}
            Some((ffn, None)) => ffn.forward(pass, w, from, To::Add(to.slot()), cancel)?,
            Some((ffn, Some(gate))) => {
                ffn.forward_to(pass, w, from, &w.spare, cancel)?;
                dst.inplace_op3(&w.spare, from, &AddGated { gate, pass })?;
            }
        }
        Ok(())
    }

    /// Leaves the shares of each row in the scratch.
    fn choose(&self, pass: &Pass, from: &Tensor) -> candle_core::Result<()> {
        let router = &self.router;
        let (storage, layout) = from.storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else {
            return Err(candle_core::Error::msg("the router's input is not on the CPU"));
        };
        let (src, n_embd, n_expert) = (values(storage, layout)?, width(layout), router.weight.n_out);
        let mut s = pass.compute.expert_scratch();
        let ExpertScratch { logits, shares, .. } = &mut *s;
        logits.resize(pass.rows * n_expert, 0.0);
        let x = pass.prepare(&src[..pass.rows * n_embd], pass.rows, &[router.weight.ty]);
        let bias = (!router.bias.is_empty()).then_some(&router.bias[..]);
        let part = kernels::Linear { bias, ..kernels::Linear::new(router.weight.rows(0), &x) };
        pass.compute.kernels().linear(&x, &[part], logits, n_expert);
        drop(x);
        self.route.choose(pass.compute.set(), logits, pass.ids, n_expert, shares);
        Ok(())
    }

    /// Computes one expert for its rows of `src` and adds its weighted outputs to `dst`.
    fn add(&self, pass: &Pass, s: &mut ExpertScratch, shares: &[Share], n_embd: usize, src: &[f32], dst: &mut [f32]) {
        let rows = shares.len();
        let expert = shares[0].0;
        s.input.clear();
        shares.iter().for_each(|(_, r, _)| s.input.extend_from_slice(&src[r * n_embd..(r + 1) * n_embd]));
        if self.weigh_input {
            s.input.chunks_exact_mut(n_embd).zip(shares).for_each(|(row, share)| pass.compute.set().scale(row, share.2));
        }
        s.hidden.resize(rows * self.shape.n_ff, 0.0);
        self.hidden(pass, s, expert, rows);
        s.output.resize(rows * n_embd, 0.0);
        let down = self.down.rows(expert);
        let x = pass.prepare(&s.hidden, rows, &[down.ty()]);
        pass.compute.kernels().linear(&x, &[kernels::Linear::new(down, &x)], &mut s.output, n_embd);
        for ((_, r, weight), out) in shares.iter().zip(s.output.chunks_exact_mut(n_embd)) {
            finish(pass.compute.set(), out, expert, &self.down_scale, &self.down_bias);
            let weight = if self.weigh_input { 1.0 } else { *weight };
            pass.compute.set().axpy(weight, out, &mut dst[r * n_embd..(r + 1) * n_embd]);
        }
    }

    /// s.hidden = activation(gate(s.input)) * up(s.input)
    fn hidden(&self, pass: &Pass, s: &mut ExpertScratch, expert: usize, rows: usize) {
        let (n_ff, set, up) = (self.shape.n_ff, pass.compute.set(), self.up.rows(expert));
        let gate = self.gate.as_ref().map(|g| g.rows(expert));
        let types: Vec<_> = std::iter::once(up.ty()).chain(gate.map(|g| g.ty())).collect();
        let x = pass.prepare(&s.input, rows, &types);
        let bare = [&self.up_bias, &self.gate_bias, &self.up_scale, &self.gate_scale].into_iter().all(Vec::is_empty);
        let plain = self.shape.is_plain() && bare;
        if let Some(gate) = gate.filter(|_| plain) {
            let part = kernels::Linear { gate: Some(gate), ..kernels::Linear::new(up, &x) };
            return pass.compute.kernels().linear(&x, &[part], &mut s.hidden, n_ff);
        }
        let width = self.shape.width();
        s.up_gate.resize(rows * width, 0.0);
        let mut parts = vec![kernels::Linear::new(up, &x)];
        parts.extend(gate.map(|gate| kernels::Linear::new(gate, &x).at_column(n_ff)));
        pass.compute.kernels().linear(&x, &parts, &mut s.up_gate, width);
        for row in s.up_gate.chunks_exact_mut(width) {
            let (of_up, of_gate) = row.split_at_mut(up.n_rows());
            finish(set, of_up, expert, &self.up_scale, &self.up_bias);
            finish(set, of_gate, expert, &self.gate_scale, &self.gate_bias);
        }
        for (out, row) in s.hidden.chunks_exact_mut(n_ff).zip(s.up_gate.chunks_exact(width)) {
            self.shape.row(set, row, out);
        }
    }
}

/// An expert's scale and bias, where there are any, on a row of what its matrix gave.
fn finish(set: &KernelSet, row: &mut [f32], expert: usize, scales: &[f32], biases: &[f32]) {
    if let Some(scale) = scales.get(expert) {
        set.scale(row, *scale);
    }
    if !biases.is_empty() {
        let of_expert = &biases[expert * row.len()..][..row.len()];
        row.iter_mut().zip(of_expert).for_each(|(y, b)| *y += b);
    }
}

/// dst = 0
struct Clear;

impl InplaceOp1 for Clear {
    fn name(&self) -> &'static str {
        "clear"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        values_mut(storage, layout)?.fill(0.0);
        Ok(())
    }
}

/// dst[r] += the weighted sum of the chosen experts' outputs for src[r].
struct Mix<'a> {
    experts: &'a Experts,
    /// Values of a row.
    n: usize,
    pass: &'a Pass<'a>,
    cancel: &'a AtomicBool,
}

impl InplaceOp2 for Mix<'_> {
    fn name(&self) -> &'static str {
        "experts"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let Mix { experts, n, pass, cancel } = self;
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        let mut s = pass.compute.expert_scratch();
        let shares = std::mem::take(&mut s.shares);
        for of_expert in shares.chunk_by(|a, b| a.0 == b.0) {
            // Cancelled between experts: the forward pass looks again right after this step.
            if cancel.load(Ordering::Relaxed) {
                break;
            }
            experts.add(pass, &mut s, of_expert, *n, src, dst);
        }
        s.shares = shares;
        Ok(())
    }
}

/// dst[r] += sigmoid(gate · input[r]) * src[r]
struct AddGated<'a> {
    gate: &'a Linear,
    pass: &'a Pass<'a>,
}

impl InplaceOp3 for AddGated<'_> {
    fn name(&self) -> &'static str {
        "add gated"
    }

    fn cpu_fwd(
        &self,
        s1: &mut CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> candle_core::Result<()> {
        let (d, rows) = (width(l1), self.pass.rows);
        let (dst, src, input) = (values_mut(s1, l1)?, values(s2, l2)?, values(s3, l3)?);
        let mut gates = vec![0.0; rows];
        let x = self.pass.prepare(&input[..rows * d], rows, &[self.gate.weight.ty]);
        self.pass.multiply(&x, &self.gate.weight, 0, &mut gates);
        drop(x);
        for ((out, row), gate) in dst.chunks_exact_mut(d).zip(src.chunks_exact(d)).zip(&gates) {
            self.pass.compute.set().axpy(sigmoid(*gate), row, out);
        }
        Ok(())
    }
}
