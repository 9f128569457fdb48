//! The gated delta rule.

use super::super::super::plan::{DeltaInput, DeltaPlan, DeltaRates, TensorError};
use super::super::super::weight::{Linear, Norm, vector};
use super::super::activation::{sigmoid, softplus};
use super::conv::Conv;
use super::{Buffers, Pass, State, apply, silu};
use crate::gguf::Gguf;

pub struct Delta {
    plan: DeltaPlan,
    /// q | k | v and the gate, or all of them for each key head.
    input: Vec<Linear>,
    /// Strengths and decays, or both for each key head.
    rates: Vec<Linear>,
    conv: Conv,
    decay_bias: Vec<f32>,
    a: Vec<f32>,
    norm: Norm,
    out: Linear,
}

impl Delta {
    pub fn bind(file: &Gguf, plan: &DeltaPlan) -> Result<Self, TensorError> {
        let bind = |linears: &[&_]| linears.iter().map(|l| Linear::bind(file, l)).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            input: match &plan.input {
                DeltaInput::Apart { qkv, gate } => bind(&[qkv, gate])?,
                DeltaInput::ByHead(all) => bind(&[all])?,
            },
            rates: match &plan.rates {
                DeltaRates::Apart { strength, decay } => bind(&[strength, decay])?,
                DeltaRates::ByHead(both) => bind(&[both])?,
            },
            conv: Conv::bind(file, &plan.conv)?,
            decay_bias: vector(file, &plan.decay_bias)?,
            a: vector(file, &plan.a)?,
            norm: Norm::bind(file, &plan.norm)?,
            out: Linear::bind(file, &plan.out)?,
            plan: plan.clone(),
        })
    }

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers) {
        self.read(pass, x, b);
        self.conv.run(state.conv, &mut b.mixed, silu);
        let DeltaPlan { n_head_k, n_head_v, head_dim_k: dk, head_dim_v: dv, .. } = self.plan;
        let (n_k, n_v) = (n_head_k * dk, n_head_v * dv);
        b.step.resize(pass.rows * n_v, 0.0);
        let (mut given, mut normed) = (vec![0.0; dv], vec![0.0; dv]);
        for (r, row) in b.mixed.chunks_exact_mut(2 * n_k + n_v).enumerate() {
            let (qk, v) = row.split_at_mut(2 * n_k);
            qk.chunks_exact_mut(dk).for_each(|head| self.unit(head));
            for h in 0..n_head_v {
                let head = if self.plan.heads_in_turn { h % n_head_k } else { h / (n_head_v / n_head_k) };
                let (q, k) = (&qk[head * dk..][..dk], &qk[n_k + head * dk..][..dk]);
                let rates = &b.rates[(r * n_head_v + h) * 2..][..2];
                let decay = (softplus(rates[1] + self.decay_bias[h]) * self.a[h]).exp();
                let s = &mut state.rest[h * dk * dv..][..dk * dv];
                turn(s, (q, k), &v[h * dv..][..dv], sigmoid(rates[0]), decay, &mut given);
                let scale = 1.0 / (dk as f32).sqrt();
                given.iter_mut().for_each(|x| *x *= scale);
                self.norm.row(pass.compute.set(), &given, &mut normed);
                let gate = &b.select[r * n_v + h * dv..][..dv];
                let out = &mut b.step[r * n_v + h * dv..][..dv];
                out.iter_mut().zip(normed.iter().zip(gate)).for_each(|(y, (x, g))| *y = x * silu(*g));
            }
        }
        apply(pass, &self.out, &b.step, &mut b.output);
    }

    /// b.mixed = q | k | v, b.select = the gate, b.rates = (strength, decay) of each value head.
    fn read(&self, pass: &Pass, x: &[f32], b: &mut Buffers) {
        let DeltaPlan { n_head_k, n_head_v, head_dim_k: dk, head_dim_v: dv, .. } = self.plan;
        let each = n_head_v / n_head_k;
        match &self.input[..] {
            [qkv, gate] => {
                apply(pass, qkv, x, &mut b.mixed);
                apply(pass, gate, x, &mut b.select);
            }
            [all, ..] => {
                apply(pass, all, x, &mut b.input);
                b.mixed.clear();
                b.select.clear();
                let width = 2 * dk + 2 * each * dv;
                for row in b.input.chunks_exact(n_head_k * width) {
                    for part in [0..dk, dk..2 * dk, 2 * dk..2 * dk + each * dv] {
                        row.chunks_exact(width).for_each(|head| b.mixed.extend_from_slice(&head[part.clone()]));
                    }
                    row.chunks_exact(width).for_each(|head| b.select.extend_from_slice(&head[2 * dk + each * dv..]));
                }
            }
            [] => {}
        }
        b.rates.clear();
        match &self.rates[..] {
            [strength, decay] => {
                apply(pass, strength, x, &mut b.input);
                apply(pass, decay, x, &mut b.step);
                b.rates.extend(b.input.iter().zip(&b.step).flat_map(|(s, d)| [*s, *d]));
            }
            [both, ..] => {
                apply(pass, both, x, &mut b.input);
                for head in b.input.chunks_exact(2 * each) {
                    b.rates.extend((0..each).flat_map(|i| [head[i], head[each + i]]));
                }
            }
            [] => {}
        }
    }

    /// Brings a query or key to length 1.
    fn unit(&self, head: &mut [f32]) {
        let sum: f32 = head.iter().map(|x| x * x).sum();
        let scale = 1.0 / (sum + self.plan.eps).sqrt();
        head.iter_mut().for_each(|x| *x *= scale);
    }
}

/// s, [head_dim_k][head_dim_v], forgets by `decay`, writes what `v` differs from what it gives for `k`, and gives what it
/// holds for `q`.
fn turn(s: &mut [f32], (q, k): (&[f32], &[f32]), v: &[f32], strength: f32, decay: f32, given: &mut [f32]) {
    let dv = v.len();
    given.fill(0.0);
    for (row, k) in s.chunks_exact_mut(dv).zip(k) {
        row.iter_mut().zip(given.iter_mut()).for_each(|(s, g)| {
            *s *= decay;
            *g += *s * k;
        });
    }
    given.iter_mut().zip(v).for_each(|(g, v)| *g = strength * (v - *g));
    let change = given.to_vec();
    given.fill(0.0);
    for ((row, k), q) in s.chunks_exact_mut(dv).zip(k).zip(q) {
        for ((s, d), g) in row.iter_mut().zip(&change).zip(given.iter_mut()) {
            *s += k * d;
            *g += *s * q;
        }
    }
}
