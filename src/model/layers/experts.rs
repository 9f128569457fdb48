//! A router chooses a few of many feed-forwards for each token; tokens are grouped by expert, so that each chosen
//! expert's weights are read once.

use super::super::kernels::{self, KernelSet};
use super::super::plan::{Activation, ExpertsPlan, Gating, TensorError};
use super::super::weight::{Linear, Weight};
use super::{Pass, values, values_mut, width};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp2, Layout};
use std::sync::atomic::{AtomicBool, Ordering};

/// Divides no sum smaller than the least normal F16 (llama.cpp src/llama-graph.cpp, build_moe_ffn).
const WEIGHT_SUM_MIN: f32 = 6.103_515_6e-5;

pub struct Experts {
    router: Linear,
    gate: Weight,
    up: Weight,
    down: Weight,
    n_used: usize,
    gating: Gating,
    renormalize: bool,
    activation: Activation,
}

/// One expert's share of a token: (expert, token's row, weight).
type Share = (usize, usize, f32);

/// Buffers for the tokens of one expert at a time.
#[derive(Default)]
pub struct ExpertScratch {
    /// [rows, n_expert]
    probs: Vec<f32>,
    shares: Vec<Share>,
    /// [rows of the expert, n_embd]
    input: Vec<f32>,
    /// [rows of the expert, n_ff]
    hidden: Vec<f32>,
    /// [rows of the expert, n_embd]
    output: Vec<f32>,
}

impl Experts {
    pub fn bind(file: &Gguf, plan: &ExpertsPlan) -> Result<Self, TensorError> {
        Ok(Self {
            router: Linear::bind(file, &plan.router)?,
            gate: Weight::bind(file, &plan.gate)?,
            up: Weight::bind(file, &plan.up)?,
            down: Weight::bind(file, &plan.down)?,
            n_used: plan.n_used,
            gating: plan.gating,
            renormalize: plan.renormalize,
            activation: plan.activation,
        })
    }

    /// dst[r] += the weighted sum of the chosen experts' outputs for src[r].
    pub fn op<'a>(&'a self, pass: &'a Pass<'a>, cancel: &'a AtomicBool) -> impl InplaceOp2 + 'a {
        Mix { experts: self, pass, cancel }
    }

    /// Chooses the experts of each row from its router logits in `probs`, sorted by expert.
    fn choose(&self, set: &KernelSet, probs: &mut [f32], n_expert: usize, shares: &mut Vec<Share>) {
        shares.clear();
        for (r, row) in probs.chunks_exact_mut(n_expert).enumerate() {
            match self.gating {
                Gating::Softmax => set.softmax(row),
            }
            let first = shares.len();
            for _ in 0..self.n_used {
                let taken = &shares[first..];
                let free = row.iter().enumerate().filter(|(e, _)| taken.iter().all(|(t, ..)| t != e));
                // The first of equal ones, as a stable sort would give.
                let best = free.fold(None, |best: Option<(usize, f32)>, (e, &p)| match best {
                    Some((_, b)) if p <= b || p.is_nan() => best,
                    _ => Some((e, p)),
                });
                shares.extend(best.map(|(e, p)| (e, r, p)));
            }
            if self.renormalize {
                let sum = shares[first..].iter().map(|s| s.2).sum::<f32>().max(WEIGHT_SUM_MIN);
                shares[first..].iter_mut().for_each(|s| s.2 /= sum);
            }
        }
        shares.sort_by_key(|&(expert, row, _)| (expert, row));
    }

    /// Computes one expert for its rows of `src` and adds its weighted outputs to `dst`.
    fn add(&self, pass: &Pass, s: &mut ExpertScratch, shares: &[Share], src: &[f32], dst: &mut [f32]) {
        let (n_embd, n_ff, rows) = (self.gate.n_in, self.gate.n_out, shares.len());
        let expert = shares[0].0;
        s.input.clear();
        shares.iter().for_each(|(_, r, _)| s.input.extend_from_slice(&src[r * n_embd..(r + 1) * n_embd]));
        s.hidden.resize(rows * n_ff, 0.0);
        let x = pass.prepare(&s.input, rows, &[self.gate.ty, self.up.ty]);
        match self.activation {
            Activation::SwiGlu => {
                let part = kernels::Linear { gate: Some(self.gate.rows(expert)), ..kernels::Linear::new(self.up.rows(expert), &x) };
                pass.compute.kernels().linear(&x, &[part], &mut s.hidden, n_ff);
            }
        }
        drop(x);
        s.output.resize(rows * n_embd, 0.0);
        let x = pass.prepare(&s.hidden, rows, &[self.down.ty]);
        pass.multiply(&x, &self.down, expert, &mut s.output);
        for ((_, r, weight), out) in shares.iter().zip(s.output.chunks_exact(n_embd)) {
            pass.compute.set().axpy(*weight, out, &mut dst[r * n_embd..(r + 1) * n_embd]);
        }
    }
}

struct Mix<'a> {
    experts: &'a Experts,
    pass: &'a Pass<'a>,
    cancel: &'a AtomicBool,
}

impl InplaceOp2 for Mix<'_> {
    fn name(&self) -> &'static str {
        "experts"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let Mix { experts, pass, cancel } = self;
        let n_embd = width(l1);
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        let dst = &mut dst[..pass.rows * n_embd];
        let mut s = pass.compute.expert_scratch();
        let n_expert = experts.router.weight.n_out;
        let mut probs = std::mem::take(&mut s.probs);
        probs.resize(pass.rows * n_expert, 0.0);
        let x = pass.prepare(&src[..pass.rows * n_embd], pass.rows, &[experts.router.weight.ty]);
        pass.multiply(&x, &experts.router.weight, 0, &mut probs);
        drop(x);
        if !experts.router.bias.is_empty() {
            probs.chunks_exact_mut(n_expert).for_each(|row| row.iter_mut().zip(&experts.router.bias).for_each(|(y, b)| *y += b));
        }
        let mut shares = std::mem::take(&mut s.shares);
        experts.choose(pass.compute.set(), &mut probs, n_expert, &mut shares);
        for of_expert in shares.chunk_by(|a, b| a.0 == b.0) {
            // Cancelled between experts: the forward pass looks again right after this step.
            if cancel.load(Ordering::Relaxed) {
                break;
            }
            experts.add(pass, &mut s, of_expert, src, dst);
        }
        (s.probs, s.shares) = (probs, shares);
        Ok(())
    }
}
