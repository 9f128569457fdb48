//! Linear attention whose heads forget at fixed rates.

use super::super::super::plan::{RetentionPlan, TensorError};
use super::super::super::weight::{Linear, Norm};
use super::super::activation::sigmoid;
use super::{Buffers, Pass, State, apply, silu};
use crate::gguf::Gguf;

pub struct Retention {
    plan: RetentionPlan,
    qkv: Linear,
    norm: Norm,
    gate: Linear,
    out: Linear,
}

impl Retention {
    pub fn bind(file: &Gguf, plan: &RetentionPlan) -> Result<Self, TensorError> {
        Ok(Self {
            qkv: Linear::bind(file, &plan.qkv)?,
            norm: Norm::bind(file, &plan.norm)?,
            gate: Linear::bind(file, &plan.gate)?,
            out: Linear::bind(file, &plan.out)?,
            plan: plan.clone(),
        })
    }

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers) {
        let dim = self.plan.head_dim;
        let n = self.plan.n_head * dim;
        apply(pass, &self.qkv, x, &mut b.mixed);
        apply(pass, &self.gate, x, &mut b.select);
        b.mixed.iter_mut().for_each(|x| *x = silu(*x));
        b.step.resize(pass.rows * n, 0.0);
        let mut given = vec![0.0; n];
        let gates = b.select.chunks_exact(n);
        for ((row, gate), out) in b.mixed.chunks_exact(3 * n).zip(gates).zip(b.step.chunks_exact_mut(n)) {
            let heads = row.chunks_exact(3 * dim).zip(state.rest.chunks_exact_mut(dim * dim)).zip(given.chunks_exact_mut(dim));
            for (((qkv, s), given), remains) in heads.zip(&self.plan.remains) {
                let (q, kv) = qkv.split_at(dim);
                let (k, v) = kv.split_at(dim);
                turn(s, *remains, (q, k, v), given);
            }
            self.norm.row(pass.compute.set(), &given, out);
            out.iter_mut().zip(gate).for_each(|(y, g)| *y *= sigmoid(*g));
        }
        apply(pass, &self.out, &b.step, &mut b.output);
    }
}

/// s, [head_dim][head_dim], keeps what `remains`, writes `v` under `k`, and gives what it holds for `q`.
fn turn(s: &mut [f32], remains: f32, (q, k, v): (&[f32], &[f32], &[f32]), given: &mut [f32]) {
    given.fill(0.0);
    for ((row, k), q) in s.chunks_exact_mut(v.len()).zip(k).zip(q) {
        for ((s, v), g) in row.iter_mut().zip(v).zip(given.iter_mut()) {
            *s = *s * remains + k * v;
            *g += *s * q;
        }
    }
}
