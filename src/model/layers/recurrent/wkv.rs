//! Linear attention by tokens that are mixed with the token before them.

use super::super::super::plan::{ChannelMixPlan, DecayPlan, GroupNormPlan, LowRankPlan, RemovalPlan, TensorError};
use super::super::super::weight::{Linear, Weight, vector};
use super::super::activation::sigmoid;
use super::{Buffers, Pass, State, apply, silu};
use crate::gguf::Gguf;

/// Of the norm of each head (as RWKV's own code has it).
const GROUP_EPS: f32 = 64e-5;
/// Least length of a removal key.
const REMOVAL_EPS: f32 = 1e-12;
/// exp(-0.5): the fastest decay of a step is e to minus this.
const DECAY_MAX: f32 = 0.606_531;

struct LowRank {
    a: Linear,
    b: Linear,
    base: Vec<f32>,
}

impl LowRank {
    fn bind(file: &Gguf, plan: &LowRankPlan) -> Result<Self, TensorError> {
        let base = plan.base.as_ref().map(|t| vector(file, t)).transpose()?.unwrap_or_default();
        Ok(Self { a: Linear::bind(file, &plan.a)?, b: Linear::bind(file, &plan.b)?, base })
    }

    fn run(&self, pass: &Pass, x: &[f32], squash: impl Fn(f32) -> f32) -> Vec<f32> {
        let (mut low, mut out) = (Vec::new(), Vec::new());
        apply(pass, &self.a, x, &mut low);
        low.iter_mut().for_each(|x| *x = squash(*x));
        apply(pass, &self.b, &low, &mut out);
        if !self.base.is_empty() {
            out.chunks_exact_mut(self.base.len()).for_each(|row| row.iter_mut().zip(&self.base).for_each(|(x, b)| *x += b));
        }
        out
    }
}

struct GroupNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl GroupNorm {
    fn bind(file: &Gguf, plan: &GroupNormPlan) -> Result<Self, TensorError> {
        Ok(Self { weight: vector(file, &plan.weight)?, bias: vector(file, &plan.bias)? })
    }

    fn run(&self, y: &mut [f32], head_dim: usize) {
        for (h, head) in y.chunks_exact_mut(head_dim).enumerate() {
            let mean = head.iter().sum::<f32>() / head_dim as f32;
            head.iter_mut().for_each(|x| *x -= mean);
            let variance = head.iter().map(|x| x * x).sum::<f32>() / head_dim as f32;
            let scale = 1.0 / (variance + GROUP_EPS).sqrt();
            let own = h * head_dim..(h + 1) * head_dim;
            for (x, (w, b)) in head.iter_mut().zip(self.weight[own.clone()].iter().zip(&self.bias[own])) {
                *x = *x * scale * w + b;
            }
        }
    }
}

/// The difference of each row to the row before; `last` holds the one before the first.
fn shifts(x: &[f32], last: &mut [f32]) -> Vec<f32> {
    let n = last.len();
    let mut out = Vec::with_capacity(x.len());
    for row in x.chunks_exact(n) {
        out.extend(last.iter().zip(row).map(|(before, x)| before - x));
        last.copy_from_slice(row);
    }
    out
}

/// x + shift * lerp
fn mixed(x: &[f32], shift: &[f32], lerp: &[f32]) -> Vec<f32> {
    x.iter().zip(shift).zip(lerp.iter().cycle()).map(|((x, s), l)| x + s * l).collect()
}

fn linear(pass: &Pass, linear: &Linear, x: &[f32]) -> Vec<f32> {
    let mut out = Vec::new();
    apply(pass, linear, x, &mut out);
    out
}

pub struct Removal {
    n_embd: usize,
    head_dim: usize,
    lerp: Vec<f32>,
    r: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    decay: LowRank,
    rate: LowRank,
    first: Option<LowRank>,
    gate: Option<LowRank>,
    removal_scale: Vec<f32>,
    rate_share: Vec<f32>,
    bonus: Vec<f32>,
    norm: Option<GroupNorm>,
}

impl Removal {
    pub fn bind(file: &Gguf, plan: &RemovalPlan) -> Result<Self, TensorError> {
        let low = |plan: &Option<LowRankPlan>| plan.as_ref().map(|p| LowRank::bind(file, p)).transpose();
        Ok(Self {
            n_embd: plan.n_embd,
            head_dim: plan.head_dim,
            lerp: vector(file, &plan.lerp)?,
            r: Linear::bind(file, &plan.r)?,
            k: Linear::bind(file, &plan.k)?,
            v: Linear::bind(file, &plan.v)?,
            out: Linear::bind(file, &plan.out)?,
            decay: LowRank::bind(file, &plan.decay)?,
            rate: LowRank::bind(file, &plan.rate)?,
            first: low(&plan.first)?,
            gate: low(&plan.gate)?,
            removal_scale: vector(file, &plan.removal_scale)?,
            rate_share: vector(file, &plan.rate_share)?,
            bonus: vector(file, &plan.bonus)?,
            norm: plan.norm.as_ref().map(|n| GroupNorm::bind(file, n)).transpose()?,
        })
    }

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers) {
        let (n, dim) = (self.n_embd, self.head_dim);
        let shift = shifts(x, state.conv);
        let part = |i: usize| mixed(x, &shift, &self.lerp[i * n..(i + 1) * n]);
        let r = linear(pass, &self.r, &part(0));
        let mut w = self.decay.run(pass, &part(1), f32::tanh);
        w.iter_mut().for_each(|x| *x = (-DECAY_MAX * sigmoid(*x)).exp());
        let mut k = linear(pass, &self.k, &part(2));
        let xv = part(3);
        let mut v = linear(pass, &self.v, &xv);
        match &self.first {
            None => b.first.clone_from(&v),
            Some(low) => {
                let share = low.run(pass, &xv, |x| x);
                v.iter_mut().zip(b.first.iter().zip(&share)).for_each(|(v, (first, s))| *v += (first - *v) * sigmoid(*s));
            }
        }
        let mut a = self.rate.run(pass, &part(4), |x| x);
        a.iter_mut().for_each(|x| *x = sigmoid(*x));
        let gate = self.gate.as_ref().map(|g| g.run(pass, &part(5), sigmoid));
        b.mixed.resize(x.len(), 0.0);
        let mut removal = vec![0.0; n];
        for row in 0..pass.rows {
            let at = row * n..(row + 1) * n;
            let (k, a) = (&mut k[at.clone()], &a[at.clone()]);
            removal.iter_mut().zip(k.iter().zip(&self.removal_scale)).for_each(|(y, (k, s))| *y = k * s);
            removal.chunks_exact_mut(dim).for_each(unit);
            k.iter_mut().zip(a.iter().zip(&self.rate_share)).for_each(|(k, (a, s))| *k += (a - 1.0) * (*k * s));
            let (r, w, v, y) = (&r[at.clone()], &w[at.clone()], &v[at.clone()], &mut b.mixed[at.clone()]);
            for h in 0..n / dim {
                let own = h * dim..(h + 1) * dim;
                let state = &mut state.rest[h * dim * dim..][..dim * dim];
                let parts = [&r[own.clone()], &w[own.clone()], &k[own.clone()], &v[own.clone()], &removal[own.clone()], &a[own.clone()]];
                turn(state, parts, &mut y[own]);
            }
            if let Some(norm) = &self.norm {
                norm.run(y, dim);
            }
            for h in 0..n / dim {
                let own = h * dim..(h + 1) * dim;
                let sum: f32 = own.clone().map(|i| k[i] * r[i] * self.bonus[i]).sum();
                y[own.clone()].iter_mut().zip(&v[own]).for_each(|(y, v)| *y += sum * v);
            }
            if let Some(gate) = &gate {
                y.iter_mut().zip(&gate[at]).for_each(|(y, g)| *y *= g);
            }
        }
        apply(pass, &self.out, &b.mixed, &mut b.output);
    }
}

/// Brings a removal key to length 1.
fn unit(head: &mut [f32]) {
    let length = head.iter().map(|x| x * x).sum::<f32>().sqrt().max(REMOVAL_EPS);
    head.iter_mut().for_each(|x| *x /= length);
}

/// One token of one head: s, [value][key], forgets, loses what the removal key finds, takes k v, and is read by r.
fn turn(s: &mut [f32], [r, w, k, v, removal, rate]: [&[f32]; 6], y: &mut [f32]) {
    let dim = r.len();
    for (row, (v, y)) in s.chunks_exact_mut(dim).zip(v.iter().zip(y)) {
        let found: f32 = row.iter().zip(removal).map(|(s, x)| -s * x).sum();
        let mut sum = 0.0;
        for j in 0..dim {
            row[j] = row[j] * w[j] + v * k[j] + found * (removal[j] * rate[j]);
            sum += row[j] * r[j];
        }
        *y = sum;
    }
}

pub struct Decay {
    plan: DecayPlan,
    lerp_all: Vec<f32>,
    lerp: Vec<f32>,
    shares_a: Linear,
    shares_b: Weight,
    r: Linear,
    k: Linear,
    v: Linear,
    gate: Linear,
    out: Linear,
    decay: LowRank,
    bonus: Vec<f32>,
    norm: Option<GroupNorm>,
}

impl Decay {
    pub fn bind(file: &Gguf, plan: &DecayPlan) -> Result<Self, TensorError> {
        Ok(Self {
            lerp_all: vector(file, &plan.lerp_all)?,
            lerp: vector(file, &plan.lerp)?,
            shares_a: Linear::bind(file, &plan.shares_a)?,
            shares_b: Weight::bind(file, &plan.shares_b)?,
            r: Linear::bind(file, &plan.r)?,
            k: Linear::bind(file, &plan.k)?,
            v: Linear::bind(file, &plan.v)?,
            gate: Linear::bind(file, &plan.gate)?,
            out: Linear::bind(file, &plan.out)?,
            decay: LowRank::bind(file, &plan.decay)?,
            bonus: plan.bonus.as_ref().map(|t| vector(file, t)).transpose()?.unwrap_or_default(),
            norm: plan.norm.as_ref().map(|n| GroupNorm::bind(file, n)).transpose()?,
            plan: plan.clone(),
        })
    }

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers) {
        let DecayPlan { n_embd: n, head_dim: dim, n_head_kv, .. } = self.plan;
        let [xw, xk, xv, xr, xg] = self.parts(pass, x, &shifts(x, state.conv));
        let (r, mut k, v) = (linear(pass, &self.r, &xr), linear(pass, &self.k, &xk), linear(pass, &self.v, &xv));
        let gate = linear(pass, &self.gate, &xg);
        let mut w = self.decay.run(pass, &xw, f32::tanh);
        w.iter_mut().for_each(|x| *x = (-x.exp()).exp());
        let (n_head, n_kv) = (n / dim, n_head_kv * dim);
        let each = n_head / n_head_kv;
        let own_bonus = !self.bonus.is_empty();
        if !own_bonus {
            // Keys of fewer heads are repeated before the decay takes its share.
            let rows = k.chunks_exact(n_kv);
            k = rows.flat_map(|row| row.chunks_exact(dim).flat_map(|head| head.repeat(each))).collect();
            k.iter_mut().zip(&w).for_each(|(k, w)| *k *= 1.0 - w);
        }
        b.mixed.resize(pass.rows * n, 0.0);
        let scale = 1.0 / (dim as f32).sqrt();
        for row in 0..pass.rows {
            let y = &mut b.mixed[row * n..][..n];
            y.fill(0.0);
            for h in 0..n_head {
                let at = row * n + h * dim;
                let v = match own_bonus {
                    true => &v[at..at + dim],
                    false => &v[row * n_kv + h / each * dim..][..dim],
                };
                let out = &mut y[h * dim..][..dim];
                let s = &mut state.rest[h * dim * dim..][..dim * dim];
                for (i, s) in s.chunks_exact_mut(dim).enumerate() {
                    let (r, k, w) = (r[at + i], k[at + i], w[at + i]);
                    for (j, s) in s.iter_mut().enumerate() {
                        let kv = k * v[j];
                        if own_bonus {
                            out[j] += r * (*s + self.bonus[h * dim + i] * kv);
                            *s = *s * w + kv;
                        } else {
                            *s = *s * w + kv;
                            out[j] += r * scale * *s;
                        }
                    }
                }
            }
            if let Some(norm) = &self.norm {
                norm.run(y, dim);
            }
            let gate = &gate[row * n..][..n];
            y.iter_mut().zip(gate).for_each(|(y, g)| *y *= if own_bonus { silu(*g) } else { sigmoid(*g) });
        }
        apply(pass, &self.out, &b.mixed, &mut b.output);
    }

    /// The inputs of decay, keys, values, queries and gate, each with its share of the row before.
    fn parts(&self, pass: &Pass, x: &[f32], shift: &[f32]) -> [Vec<f32>; 5] {
        let n = self.plan.n_embd;
        let mut low = linear(pass, &self.shares_a, &mixed(x, shift, &self.lerp_all));
        low.iter_mut().for_each(|x| *x = x.tanh());
        let rank = self.shares_b.n_in;
        std::array::from_fn(|i| {
            let own: Vec<f32> = low.chunks_exact(5 * rank).flat_map(|row| row[i * rank..(i + 1) * rank].to_vec()).collect();
            let mut shares = vec![0.0; pass.rows * n];
            let prepared = pass.prepare(&own, pass.rows, &[self.shares_b.ty]);
            pass.multiply(&prepared, &self.shares_b, i, &mut shares);
            drop(prepared);
            let lerp = self.lerp[i * n..(i + 1) * n].iter().cycle();
            let terms = x.iter().zip(shift).zip(shares.iter().zip(lerp));
            terms.map(|((x, s), (share, l))| x + s * (l + share)).collect()
        })
    }
}

pub struct ChannelMix {
    lerp_k: Vec<f32>,
    key: Linear,
    value: Linear,
    receptance: Option<(Vec<f32>, Linear)>,
}

impl ChannelMix {
    pub fn bind(file: &Gguf, plan: &ChannelMixPlan) -> Result<Self, TensorError> {
        Ok(Self {
            lerp_k: vector(file, &plan.lerp_k)?,
            key: Linear::bind(file, &plan.key)?,
            value: Linear::bind(file, &plan.value)?,
            receptance: match &plan.receptance {
                Some((lerp, linear)) => Some((vector(file, lerp)?, Linear::bind(file, linear)?)),
                None => None,
            },
        })
    }

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers) {
        let shift = shifts(x, state.conv);
        let mut hidden = linear(pass, &self.key, &mixed(x, &shift, &self.lerp_k));
        hidden.iter_mut().for_each(|x| *x = x.max(0.0) * x.max(0.0));
        apply(pass, &self.value, &hidden, &mut b.output);
        if let Some((lerp, receptance)) = &self.receptance {
            let r = linear(pass, receptance, &mixed(x, &shift, lerp));
            b.output.iter_mut().zip(&r).for_each(|(y, r)| *y *= sigmoid(*r));
        }
    }
}
