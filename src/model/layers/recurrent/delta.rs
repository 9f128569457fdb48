//! The gated delta rule.

use super::super::super::plan::{DeltaGate, DeltaInput, DeltaPlan, DeltaRates, Remains, TensorError};
use super::super::super::weight::{Linear, Norm, vector};
use super::super::activation::{sigmoid, softplus};
use super::conv::Conv;
use super::{Buffers, Pass, State, apply, beside, chain, silu};
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

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers) {
        self.read(pass, x, b);
        self.read_rates(pass, x, b);
        self.conv.run(state.conv, &mut b.mixed, silu);
        let DeltaPlan { n_head_k, n_head_v, head_dim_k: dk, head_dim_v: dv, .. } = self.plan;
        let (n_k, n_v, n_rates) = (n_head_k * dk, n_head_v * dv, 1 + self.n_decay());
        b.step.resize(pass.rows * n_v, 0.0);
        let (mut given, mut normed) = (vec![0.0; dv], vec![0.0; dv]);
        for (r, row) in b.mixed.chunks_exact_mut(2 * n_k + n_v).enumerate() {
            let (qk, v) = row.split_at_mut(2 * n_k);
            qk.chunks_exact_mut(dk).for_each(|head| self.unit(head));
            for h in 0..n_head_v {
                let head = if self.plan.heads_in_turn { h % n_head_k } else { h / (n_head_v / n_head_k) };
                let (q, k) = (&qk[head * dk..][..dk], &qk[n_k + head * dk..][..dk]);
                let (strength, decays) = b.rates[(r * n_head_v + h) * n_rates..][..n_rates].split_at_mut(1);
                self.remains(h, decays);
                let s = &mut state.rest[h * dk * dv..][..dk * dv];
                turn(s, (q, k), &v[h * dv..][..dv], sigmoid(strength[0]), decays, &mut given);
                let scale = 1.0 / (dk as f32).sqrt();
                given.iter_mut().for_each(|x| *x *= scale);
                self.norm.row(pass.compute.set(), &given, &mut normed);
                let gate = &b.select[r * n_v + h * dv..][..dv];
                let out = &mut b.step[r * n_v + h * dv..][..dv];
                let open = |g: f32| match self.plan.gate {
                    DeltaGate::Silu => silu(g),
                    DeltaGate::Sigmoid => sigmoid(g),
                };
                out.iter_mut().zip(normed.iter().zip(gate)).for_each(|(y, (x, g))| *y = x * open(*g));
            }
        }
        apply(pass, &self.out, &b.step, &mut b.output);
    }

    /// Decays of head `h` become what remains of its state.
    fn remains(&self, h: usize, decays: &mut [f32]) {
        let (a, n) = (self.a[h], decays.len());
        for (x, bias) in decays.iter_mut().zip(&self.decay_bias[h * n..]) {
            *x = match self.plan.remains {
                Remains::Softplus => (softplus(*x + bias) * a).exp(),
                Remains::Bounded { floor } => (floor * sigmoid(a.abs() * (*x + bias))).exp(),
            };
        }
    }

    /// q | k | v into `mixed`, gates into `select`.
    fn read(&self, pass: &Pass, x: &[f32], b: &mut Buffers) {
        let DeltaPlan { n_head_k, n_head_v, head_dim_k: dk, head_dim_v: dv, .. } = self.plan;
        let each = n_head_v / n_head_k;
        match &self.input {
            Input::Apart { qkv, gate } => {
                beside(pass, qkv, x, &mut b.mixed, &mut b.input);
                chain(pass, gate, x, &mut b.select, &mut b.input);
            }
            Input::ByHead(all) => {
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
        }
    }

    /// The strength and the decays of each value head, one behind the other.
    fn read_rates(&self, pass: &Pass, x: &[f32], b: &mut Buffers) {
        let n = self.n_decay();
        match &self.rates {
            Rates::Apart { strength, decay } => {
                chain(pass, decay, x, &mut b.step, &mut b.input);
                apply(pass, strength, x, &mut b.input);
                b.rates.clear();
                for (strength, decays) in b.input.iter().zip(b.step.chunks_exact(n)) {
                    b.rates.push(*strength);
                    b.rates.extend_from_slice(decays);
                }
            }
            Rates::ByHead(both) => {
                apply(pass, both, x, &mut b.input);
                let each = self.plan.n_head_v / self.plan.n_head_k;
                b.rates.clear();
                for head in b.input.chunks_exact(2 * each) {
                    b.rates.extend((0..each).flat_map(|i| [head[i], head[each + i]]));
                }
            }
        }
    }

    /// Brings a query or key to length 1.
    fn unit(&self, head: &mut [f32]) {
        let sum: f32 = head.iter().map(|x| x * x).sum();
        let scale = 1.0 / (sum + self.plan.eps).sqrt();
        head.iter_mut().for_each(|x| *x *= scale);
    }
}

/// s, [head_dim_k][head_dim_v], keeps what `remains` of it (of each key's value, or of all), writes what `v` differs from
/// what it gives for `k`, and gives what it holds for `q`.
fn turn(s: &mut [f32], (q, k): (&[f32], &[f32]), v: &[f32], strength: f32, remains: &[f32], given: &mut [f32]) {
    let dv = v.len();
    given.fill(0.0);
    for (i, (row, k)) in s.chunks_exact_mut(dv).zip(k).enumerate() {
        let decay = remains[i.min(remains.len() - 1)];
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
