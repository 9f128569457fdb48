//! Linear attention whose heads forget at fixed rates.

use super::super::super::kernels::{Curve, Turn};
use super::super::super::plan::{RetentionPlan, TensorError};
use super::super::super::weight::{Linear, Norm};
use super::{Buffers, Pass, State, Target, apply};
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

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers, to: Target) {
        let (dim, set) = (self.plan.head_dim, pass.compute.set());
        let n = self.plan.n_head * dim;
        apply(pass, &self.qkv, x, &mut b.mixed);
        apply(pass, &self.gate, x, &mut b.select);
        pass.each_part(&mut b.mixed, 3 * n, |_, _, x| set.curve(Curve::Silu, x));
        b.rates.resize(pass.rows * n, 0.0);
        let qkv = &b.mixed;
        state.rest.each_columns(pass, &mut b.rates, dim, |columns, s, given| {
            let h = columns.start / dim;
            for r in 0..pass.rows {
                let (q, kv) = qkv[r * 3 * n + 3 * h * dim..][..3 * dim].split_at(dim);
                let (k, v) = kv.split_at(dim);
                set.write_and_read(s, &Turn { q, k, v, remains: &self.plan.remains[h..=h] }, given.row(r));
            }
        });
        b.step.resize(pass.rows * n, 0.0);
        let (given, gates) = (&b.rates, &b.select);
        pass.each_row(&mut b.step, n, |r, out| {
            out.copy_from_slice(&gates[r * n..][..n]);
            set.curve(Curve::Sigmoid, out);
            let mut normed = vec![0.0; n];
            self.norm.row(set, &given[r * n..][..n], &mut normed);
            set.multiply(out, &normed);
        });
        to.linear(pass, &self.out, &b.step);
    }
}
