//! A router chooses a few of many feed-forwards for each token; tokens are grouped by expert, so that each chosen
//! expert's weights are read once.

use super::super::kernels::{self, Curve, KernelSet, SMALL_BATCH};
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

/// Values that one thread adds up sooner than several would begin, and columns to a thread's claim where there are more.
const GIVEN_ALONE: usize = 32 * 1024;
const GIVEN_COLUMNS: usize = 256;

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
        self.route.choose(pass, logits, n_expert, shares);
        Ok(())
    }

    /// Computes one expert for its rows of `src` and adds its weighted outputs to `dst`.
    fn add(&self, pass: &Pass, s: &mut ExpertScratch, shares: &[Share], n_embd: usize, src: &[f32], dst: &mut [f32]) {
        let (rows, set) = (shares.len(), pass.compute.set());
        let (of_expert, expert) = (pass.with_rows(rows), shares[0].0);
        s.input.resize(rows * n_embd, 0.0);
        of_expert.each_row(&mut s.input, n_embd, |i, row| self.input(set, &shares[i], src, row));
        s.hidden.resize(rows * self.shape.n_ff, 0.0);
        self.hidden(&of_expert, s, expert);
        s.output.resize(rows * n_embd, 0.0);
        let down = self.down.rows(expert);
        let x = pass.prepare(&s.hidden, rows, &[down.ty()]);
        pass.compute.kernels().linear(&x, &[kernels::Linear::new(down, &x)], &mut s.output, n_embd);
        drop(x);
        self.give(pass, shares, &mut s.output, dst);
    }

    /// What an expert reads for a share.
    fn input(&self, set: &KernelSet, &(_, r, weight): &Share, src: &[f32], out: &mut [f32]) {
        out.copy_from_slice(&src[r * out.len()..(r + 1) * out.len()]);
        if self.weigh_input {
            set.scale(out, weight);
        }
    }

    /// Adds what each share gives to its token's row. Several shares may be of one row, so threads have columns, not rows.
    fn give(&self, pass: &Pass, shares: &[Share], outputs: &mut [f32], dst: &mut [f32]) {
        let (set, n_embd) = (pass.compute.set(), outputs.len() / shares.len());
        let outputs_of = pass.with_rows(shares.len());
        if !self.down_scale.is_empty() || !self.down_bias.is_empty() {
            outputs_of.each_row(outputs, n_embd, |i, out| finish(set, out, shares[i].0, &self.down_scale, &self.down_bias));
        }
        let each = if shares.len() * n_embd < GIVEN_ALONE { n_embd } else { GIVEN_COLUMNS };
        pass.compute.kernels().each_columns((dst, n_embd), each, &mut [], |columns, _, dst| {
            for (i, (_, r, weight)) in shares.iter().enumerate() {
                let weight = if self.weigh_input { 1.0 } else { *weight };
                set.axpy(weight, &outputs[i * n_embd..][columns.clone()], dst.row(*r));
            }
        });
    }

    /// Whether nothing but one curve comes between an expert's two products, and which.
    fn plain(&self) -> Option<Curve> {
        let bare = [&self.up_bias, &self.gate_bias, &self.up_scale, &self.gate_scale].into_iter().all(Vec::is_empty);
        self.shape.plain().filter(|_| bare)
    }

    /// s.hidden = activation(gate(s.input)) * up(s.input)
    fn hidden(&self, pass: &Pass, s: &mut ExpertScratch, expert: usize) {
        let (n_ff, set, up) = (self.shape.n_ff, pass.compute.set(), self.up.rows(expert));
        let gate = self.gate.as_ref().map(|g| g.rows(expert));
        let types: Vec<_> = std::iter::once(up.ty()).chain(gate.map(|g| g.ty())).collect();
        let x = pass.prepare(&s.input, pass.rows, &types);
        if let Some((by, gate)) = self.plain().zip(gate) {
            let part = kernels::Linear { gate: Some(gate), by, ..kernels::Linear::new(up, &x) };
            return pass.compute.kernels().linear(&x, &[part], &mut s.hidden, n_ff);
        }
        let width = self.shape.width();
        s.up_gate.resize(pass.rows * width, 0.0);
        let mut parts = vec![kernels::Linear::new(up, &x)];
        parts.extend(gate.map(|gate| kernels::Linear::new(gate, &x).at_column(n_ff)));
        pass.compute.kernels().linear(&x, &parts, &mut s.up_gate, width);
        drop(x);
        pass.each_row(&mut s.up_gate, width, |_, row| self.finish_hidden(set, expert, up.n_rows(), row));
        pass.each_row(&mut s.hidden, n_ff, |r, out| self.shape.row(set, &s.up_gate[r * width..][..width], out));
    }

    fn finish_hidden(&self, set: &KernelSet, expert: usize, n_up: usize, row: &mut [f32]) {
        let (of_up, of_gate) = row.split_at_mut(n_up);
        finish(set, of_up, expert, &self.up_scale, &self.up_bias);
        finish(set, of_gate, expert, &self.gate_scale, &self.gate_bias);
    }

    /// One token's experts together, as many as small batches have rows: what it costs to begin is paid for all at once.
    fn add_for_one(&self, pass: &Pass, s: &mut ExpertScratch, shares: &[Share], src: &[f32], dst: &mut [f32]) {
        let (n, n_embd, n_ff, set) = (shares.len(), src.len(), self.shape.n_ff, pass.compute.set());
        let width = if self.plain().is_some() { n_ff } else { self.shape.width() };
        let types: Vec<_> =
            shares.iter().flat_map(|share| std::iter::once(&self.up).chain(&self.gate).map(|w| w.rows(share.0).ty())).collect();
        let n_up = self.up.rows(shares[0].0).n_rows();
        s.up_gate.resize(n * width, 0.0);
        let x = pass.prepare(src, 1, &types);
        let mut parts = Vec::with_capacity(2 * n);
        for (i, &(expert, _, _)) in shares.iter().enumerate() {
            let up = kernels::Linear::new(self.up.rows(expert), &x).at_column(i * width);
            let gate = self.gate.as_ref().map(|g| g.rows(expert));
            match self.plain() {
                Some(by) => parts.push(kernels::Linear { gate, by, ..up }),
                None => {
                    parts.push(up);
                    parts.extend(gate.map(|gate| kernels::Linear::new(gate, &x).at_column(i * width + n_ff)));
                }
            }
        }
        pass.compute.kernels().linear(&x, &parts, &mut s.up_gate, n * width);
        drop((parts, x));
        if self.plain().is_none() {
            s.hidden.resize(n * n_ff, 0.0);
            for ((share, row), out) in shares.iter().zip(s.up_gate.chunks_exact_mut(width)).zip(s.hidden.chunks_exact_mut(n_ff)) {
                self.finish_hidden(set, share.0, n_up, row);
                self.shape.row(set, row, out);
            }
        } else {
            std::mem::swap(&mut s.hidden, &mut s.up_gate);
        }
        s.output.resize(n * n_embd, 0.0);
        let types: Vec<_> = shares.iter().map(|share| self.down.rows(share.0).ty()).collect();
        let x = pass.prepare(&s.hidden, n, &types);
        let down = |(i, share): (usize, &Share)| kernels::Linear::new(self.down.rows(share.0), &x).at_column(i * n_embd).of_rows(i..i + 1);
        let parts: Vec<_> = shares.iter().enumerate().map(down).collect();
        pass.compute.kernels().linear(&x, &parts, &mut s.output, n * n_embd);
        drop((parts, x));
        self.give(pass, shares, &mut s.output, dst);
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
        // Where an expert's weights multiply its input, each reads another one.
        let one = pass.rows == 1 && !experts.weigh_input;
        let together = |a: &Share, b: &Share| one || a.0 == b.0;
        let groups = shares.chunk_by(together).flat_map(|group| group.chunks(if one { SMALL_BATCH } else { group.len() }));
        for group in groups {
            // Cancelled between experts: the forward pass looks again right after this step.
            if cancel.load(Ordering::Relaxed) {
                break;
            }
            if one {
                experts.add_for_one(pass, &mut s, group, &src[..*n], &mut dst[..*n]);
            } else {
                experts.add(pass, &mut s, group, *n, src, &mut dst[..pass.rows * n]);
            }
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
        self.pass.each_row(dst, d, |r, out| self.pass.compute.set().axpy(sigmoid(gates[r]), &src[r * d..][..d], out));
        Ok(())
    }
}
