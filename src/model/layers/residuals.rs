//! Several residuals side by side, merged for a branch and written to by it.

use super::super::kernels::{Curve, KernelSet};
use super::super::plan::{MergePlan, SpreadPlan, TensorError};
use super::super::weight::{Linear, Norm, vector};
use super::activation::sigmoid;
use super::recurrent::apply;
use super::{Pass, values, values_mut, width};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp2, Layout};

pub struct Merge {
    n: usize,
    kind: Kind,
}

enum Kind {
    Mean,
    Weighted(Box<Weighted>),
    Gated(Box<Gated>),
}

struct Weighted {
    norm_eps: f32,
    eps: f32,
    weights: Linear,
    scale: Vec<f32>,
    base: Vec<f32>,
    spread: Option<SpreadPlan>,
}

struct Gated {
    norm: Norm,
    down: Linear,
    up: Linear,
    spread: Option<Linear>,
}

/// What a merge leaves for the spread that follows it, and buffers.
#[derive(Default)]
pub struct ResidualScratch {
    /// Of each row a weight for each residual, [rows][n].
    weights: Vec<f32>,
    /// Of each row how residuals mix, [rows][from][to]; empty where they stay as they are.
    mixes: Vec<f32>,
    normed: Vec<f32>,
    given: Vec<f32>,
    low: Vec<f32>,
}

impl Merge {
    pub fn bind(file: &Gguf, plan: &MergePlan, n: usize) -> Result<Self, TensorError> {
        let kind = match plan {
            MergePlan::Mean => Kind::Mean,
            MergePlan::Weighted(w) => Kind::Weighted(Box::new(Weighted {
                norm_eps: w.norm_eps,
                eps: w.eps,
                weights: Linear::bind(file, &w.weights)?,
                scale: vector(file, &w.scale)?,
                base: vector(file, &w.base)?,
                spread: w.spread,
            })),
            MergePlan::Gated(g) => Kind::Gated(Box::new(Gated {
                norm: Norm::bind(file, &g.norm)?,
                down: Linear::bind(file, &g.down)?,
                up: Linear::bind(file, &g.up)?,
                spread: g.spread.as_ref().map(|l| Linear::bind(file, l)).transpose()?,
            })),
        };
        Ok(Self { n, kind })
    }
}

/// dst[r] = the residuals of src[r] merged
pub struct MergeRows<'a> {
    pub merge: &'a Merge,
    pub pass: &'a Pass<'a>,
}

impl InplaceOp2 for MergeRows<'_> {
    fn name(&self) -> &'static str {
        "merge"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (pass, n, d) = (self.pass, self.merge.n, width(l1));
        let (dst, src) = (&mut values_mut(s1, l1)?[..pass.rows * d], &values(s2, l2)?[..pass.rows * n * d]);
        let mut s = pass.compute.residual_scratch();
        s.mixes.clear();
        dst.fill(0.0);
        match &self.merge.kind {
            Kind::Mean => mean(pass, src, dst, (n, d)),
            Kind::Weighted(merge) => merge.run(pass, &mut s, src, dst, (n, d)),
            Kind::Gated(merge) => merge.run(pass, &mut s, src, dst, (n, d)),
        }
        Ok(())
    }
}

fn mean(pass: &Pass, src: &[f32], dst: &mut [f32], (n, d): (usize, usize)) {
    let set = pass.compute.set();
    pass.each_part(dst, d, |r, part, out| {
        src[r * n * d..][..n * d].chunks_exact(d).for_each(|residual| set.axpy(1.0, &residual[part.clone()], out));
        set.scale(out, 1.0 / n as f32);
    });
}

impl Weighted {
    fn run(&self, pass: &Pass, s: &mut ResidualScratch, src: &[f32], dst: &mut [f32], (n, d): (usize, usize)) {
        let ResidualScratch { weights, mixes, normed, given, .. } = s;
        normed.resize(src.len(), 0.0);
        let set = pass.compute.set();
        pass.each_row(normed, n * d, |r, out| set.rms_norm(&src[r * n * d..][..n * d], None, self.norm_eps, out));
        apply(pass, &self.weights, normed, given);
        weights.clear();
        let n_given = self.weights.weight.n_out;
        for given in given.chunks_exact_mut(n_given) {
            for (i, (x, base)) in given.iter_mut().zip(&self.base).enumerate() {
                *x = *x * self.scale[(i / n).min(self.scale.len() - 1)] + base;
            }
        }
        pass.each_part(dst, d, |r, part, out| {
            for (x, residual) in given[r * n_given..][..n_given].iter().zip(src[r * n * d..][..n * d].chunks_exact(d)) {
                set.axpy(sigmoid(*x) + self.eps, &residual[part.clone()], out);
            }
        });
        for given in given.chunks_exact_mut(n_given) {
            let Some(SpreadPlan { magnitude, eps, rounds }) = self.spread else { continue };
            weights.extend(given[n..2 * n].iter().map(|x| magnitude * sigmoid(*x) + eps));
            if let Some(rounds) = rounds {
                balance(set, &mut given[2 * n..], n, rounds, self.eps);
                mixes.extend_from_slice(&given[2 * n..]);
            }
        }
    }
}

impl Gated {
    fn run(&self, pass: &Pass, s: &mut ResidualScratch, src: &[f32], dst: &mut [f32], (n, d): (usize, usize)) {
        let ResidualScratch { weights, normed, given, low, .. } = s;
        normed.resize(src.len(), 0.0);
        let set = pass.compute.set();
        pass.compute.kernels().each_row(normed, d, |i, out| self.norm.part(set, &src[i * d..][..d], i % n * d, out));
        apply(pass, &self.down, normed, low);
        pass.each_part(low, self.down.weight.n_out, |_, _, x| {
            set.scale(x, 1.0 / n as f32);
            set.curve(Curve::Silu, x);
        });
        apply(pass, &self.up, low, given);
        pass.each_part(given, n * d, |_, _, gates| set.curve(Curve::Sigmoid, gates));
        pass.each_part(dst, d, |r, part, out| {
            let rows = normed[r * n * d..][..n * d].chunks_exact(d).zip(given[r * n * d..][..n * d].chunks_exact(d));
            rows.for_each(|(residual, gates)| set.multiply_add(out, &residual[part.clone()], &gates[part.clone()]));
            set.scale(out, 1.0 / n as f32);
        });
        if let Some(spread) = &self.spread {
            apply(pass, spread, normed, weights);
            set.scale(weights, 1.0 / n as f32);
            set.curve(Curve::Sigmoid, weights);
            set.scale(weights, 2.0);
        }
    }
}

/// Makes [from][to] numbers into shares whose rows and columns sum to 1 (Sinkhorn), columns last.
fn balance(set: &KernelSet, mix: &mut [f32], n: usize, rounds: usize, eps: f32) {
    for row in mix.chunks_exact_mut(n) {
        set.softmax(row);
        row.iter_mut().for_each(|x| *x += eps);
    }
    for round in 0..rounds.max(1) {
        if round > 0 {
            for row in mix.chunks_exact_mut(n) {
                let sum = row.iter().sum::<f32>() + eps;
                row.iter_mut().for_each(|x| *x /= sum);
            }
        }
        for to in 0..n {
            let sum = mix.iter().skip(to).step_by(n).sum::<f32>() + eps;
            mix.iter_mut().skip(to).step_by(n).for_each(|x| *x /= sum);
        }
    }
}

/// The residuals of dst[r] get src[r], as the last merge weighed it, and mix.
pub struct SpreadRows<'a> {
    pub n: usize,
    pub pass: &'a Pass<'a>,
}

impl InplaceOp2 for SpreadRows<'_> {
    fn name(&self) -> &'static str {
        "spread"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (n, d, set) = (self.n, width(l2), self.pass.compute.set());
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        let s = self.pass.compute.residual_scratch();
        let ResidualScratch { mixes, weights, .. } = &*s;
        self.pass.each_row(dst, n * d, |r, residuals| {
            let branch = &src[r * d..][..d];
            if let Some(mix) = mixes.get(r * n * n..(r + 1) * n * n) {
                let before = residuals.to_vec();
                residuals.fill(0.0);
                for (from, shares) in before.chunks_exact(d).zip(mix.chunks_exact(n)) {
                    residuals.chunks_exact_mut(d).zip(shares).for_each(|(to, share)| set.axpy(*share, from, to));
                }
            }
            let weights = &weights[r * n..][..n];
            residuals.chunks_exact_mut(d).zip(weights).for_each(|(residual, weight)| set.axpy(*weight, branch, residual));
        });
        Ok(())
    }
}

/// Every residual of dst[r] = src[r]
pub struct Repeat<'a> {
    pub n: usize,
    pub pass: &'a Pass<'a>,
}

impl InplaceOp2 for Repeat<'_> {
    fn name(&self) -> &'static str {
        "repeat"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let d = width(l2);
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        self.pass.each_row(dst, self.n * d, |r, residuals| {
            residuals.chunks_exact_mut(d).for_each(|residual| residual.copy_from_slice(&src[r * d..][..d]));
        });
        Ok(())
    }
}
