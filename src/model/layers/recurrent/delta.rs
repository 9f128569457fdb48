//! The gated delta rule.

use super::super::super::kernels::{Curve, KernelSet, Turn};
use super::super::super::plan::{DeltaGate, DeltaInput, DeltaPlan, DeltaRates, Remains, TensorError};
use super::super::super::weight::{Linear, Norm, vector};
use super::super::activation::sigmoid;
use super::conv::Conv;
use super::{Buffers, Pass, State, Strided, Target, apply, beside, chain};
use crate::gguf::Gguf;

pub struct Delta {
    plan: DeltaPlan,
    input: Input,
    rates: Rates,
    conv: Conv,
    decay_bias: Vec<f32>,
    a: Vec<f32>,
    norm: Norm,
    out: Linear,
}

enum Input {
    /// q, k and v side by side, and the gate by matrices one after the other.
    Apart { qkv: Vec<Linear>, gate: Vec<Linear> },
    /// All of them for each key head.
    ByHead(Linear),
}

enum Rates {
    Apart {
        strength: Linear,
        decay: Vec<Linear>,
    },
    /// Both for each key head.
    ByHead(Linear),
}

impl Delta {
    pub fn bind(file: &Gguf, plan: &DeltaPlan) -> Result<Self, TensorError> {
        let bind = |linears: &[_]| linears.iter().map(|l| Linear::bind(file, l)).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            input: match &plan.input {
                DeltaInput::Apart { qkv, gate } => Input::Apart { qkv: bind(qkv)?, gate: bind(gate)? },
                DeltaInput::ByHead(all) => Input::ByHead(Linear::bind(file, all)?),
            },
            rates: match &plan.rates {
                DeltaRates::Apart { strength, decay } => Rates::Apart { strength: Linear::bind(file, strength)?, decay: bind(decay)? },
                DeltaRates::ByHead(both) => Rates::ByHead(Linear::bind(file, both)?),
            },
            conv: Conv::bind(file, &plan.conv)?,
            decay_bias: vector(file, &plan.decay_bias)?,
            a: vector(file, &plan.a)?,
            norm: Norm::bind(file, &plan.norm)?,
            out: Linear::bind(file, &plan.out)?,
            plan: plan.clone(),
        })
    }

    /// Decays of a head.
    fn n_decay(&self) -> usize {
        if self.plan.by_channel { self.plan.head_dim_k } else { 1 }
    }

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers, to: Target) {
        self.read(pass, x, b);
        self.read_rates(pass, x, b);
        let DeltaPlan { n_head_k, n_head_v, head_dim_k: dk, head_dim_v: dv, .. } = self.plan;
        let (n_k, n_v, set) = (n_head_k * dk, n_head_v * dv, pass.compute.set());
        let stride = 2 * n_k + n_v;
        let inputs = Strided { rows: &b.mixed, first: 0, stride };
        self.conv.run(pass, state.conv, inputs, &mut b.step, |_, _, sums| set.curve(Curve::Silu, sums));
        b.given.resize(pass.rows * n_v, 0.0);
        let Buffers { step: mixed, rates, select: gates, given, .. } = b;
        let n_rates = 1 + self.n_decay();
        state.rest.each_columns(pass, given, dv, |columns, s, out| {
            let h = columns.start / dv;
            let head = if self.plan.heads_in_turn { h % n_head_k } else { h / (n_head_v / n_head_k) };
            let (mut q, mut k, mut remains) = (vec![0.0; dk], vec![0.0; dk], vec![0.0; n_rates - 1]);
            let (mut given, mut gate) = (vec![0.0; dv], vec![0.0; dv]);
            for r in 0..pass.rows {
                let row = &mixed[r * stride..][..stride];
                self.unit(set, &row[head * dk..][..dk], 1.0 / (dk as f32).sqrt(), &mut q);
                self.unit(set, &row[n_k + head * dk..][..dk], 1.0, &mut k);
                let rates = &rates[(r * n_head_v + h) * n_rates..][..n_rates];
                self.remains(set, h, &rates[1..], &mut remains);
                let turn = Turn { q: &q, k: &k, v: &row[2 * n_k..][columns.clone()], remains: &remains };
                set.delta(s, &turn, sigmoid(rates[0]), &mut given);
                gate.copy_from_slice(&gates[r * n_v..][columns.clone()]);
                set.curve(self.gate(), &mut gate);
                let out = out.row(r);
                self.norm.row(set, &given, out);
                set.multiply(out, &gate);
            }
        });
        to.linear(pass, &self.out, given);
    }

    fn gate(&self) -> Curve {
        match self.plan.gate {
            DeltaGate::Silu => Curve::Silu,
            DeltaGate::Sigmoid => Curve::Sigmoid,
        }
    }

    /// What remains of head `h`'s state, from its decays.
    fn remains(&self, set: &KernelSet, h: usize, decays: &[f32], out: &mut [f32]) {
        let (a, n) = (self.a[h], decays.len());
        out.copy_from_slice(decays);
        set.axpy(1.0, &self.decay_bias[h * n..][..n], out);
        match self.plan.remains {
            Remains::Softplus => {
                set.curve(Curve::Softplus, out);
                set.scale(out, a);
            }
            Remains::Bounded { floor } => {
                set.scale(out, a.abs());
                set.curve(Curve::Sigmoid, out);
                set.scale(out, floor);
            }
        }
        set.curve(Curve::Exp, out);
    }

    /// q | k | v into `mixed`, gates into `select`.
    fn read(&self, pass: &Pass, x: &[f32], b: &mut Buffers) {
        let DeltaPlan { n_head_k, n_head_v, head_dim_k: dk, head_dim_v: dv, .. } = self.plan;
        let each = n_head_v / n_head_k;
        match &self.input {
            Input::Apart { qkv, gate } => {
                beside(pass, qkv, x, &mut b.mixed);
                chain(pass, gate, x, &mut b.select, &mut b.input);
            }
            Input::ByHead(all) => {
                apply(pass, all, x, &mut b.input);
                let width = 2 * dk + 2 * each * dv;
                let heads = |r: usize| b.input[r * n_head_k * width..][..n_head_k * width].chunks_exact(width);
                b.mixed.resize(pass.rows * n_head_k * (2 * dk + each * dv), 0.0);
                pass.each_row(&mut b.mixed, n_head_k * (2 * dk + each * dv), |r, mut row| {
                    for part in [0..dk, dk..2 * dk, 2 * dk..2 * dk + each * dv] {
                        for head in heads(r) {
                            let (to, rest) = row.split_at_mut(part.len());
                            to.copy_from_slice(&head[part.clone()]);
                            row = rest;
                        }
                    }
                });
                b.select.resize(pass.rows * n_head_v * dv, 0.0);
                pass.each_row(&mut b.select, n_head_v * dv, |r, row| {
                    let gates = row.chunks_exact_mut(each * dv).zip(heads(r));
                    gates.for_each(|(to, head)| to.copy_from_slice(&head[2 * dk + each * dv..]));
                });
            }
        }
    }

    /// The strength and the decays of each value head, one behind the other.
    fn read_rates(&self, pass: &Pass, x: &[f32], b: &mut Buffers) {
        let n = self.n_decay();
        match &self.rates {
            Rates::Apart { strength, decay } => {
                chain(pass, decay, x, &mut b.decays, &mut b.input);
                apply(pass, strength, x, &mut b.strengths);
                b.rates.clear();
                for (strength, decays) in b.strengths.iter().zip(b.decays.chunks_exact(n)) {
                    b.rates.push(*strength);
                    b.rates.extend_from_slice(decays);
                }
            }
            Rates::ByHead(both) => {
                apply(pass, both, x, &mut b.strengths);
                let each = self.plan.n_head_v / self.plan.n_head_k;
                b.rates.clear();
                for head in b.strengths.chunks_exact(2 * each) {
                    b.rates.extend((0..each).flat_map(|i| [head[i], head[each + i]]));
                }
            }
        }
    }

    /// Brings a query or key to a length.
    fn unit(&self, set: &KernelSet, head: &[f32], length: f32, out: &mut [f32]) {
        out.copy_from_slice(head);
        set.scale(out, length / (set.dot(head, head) + self.plan.eps).sqrt());
    }
}
