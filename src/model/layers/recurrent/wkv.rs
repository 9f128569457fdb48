//! Linear attention by tokens that are mixed with the token before them.

use super::super::super::kernels::{self, Curve, KernelSet, Turn};
use super::super::super::plan::{ChannelMixPlan, DecayPlan, GroupNormPlan, LowRankPlan, RemovalPlan, TensorError};
use super::super::super::weight::{Linear, Weight, vector};
use super::{Buffers, Kept, Pass, State, Target, apply};
use crate::gguf::Gguf;
use std::ops::Range;

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

    fn run(&self, pass: &Pass, x: &[f32], squash: Option<Curve>, low: &mut Vec<f32>, out: &mut Vec<f32>) {
        let set = pass.compute.set();
        apply(pass, &self.a, x, low);
        if let Some(squash) = squash {
            pass.each_part(low, self.a.weight.n_out, |_, _, x| set.curve(squash, x));
        }
        apply(pass, &self.b, low, out);
        if !self.base.is_empty() {
            pass.each_part(out, self.base.len(), |_, part, x| set.axpy(1.0, &self.base[part], x));
        }
    }
}

/// Rows between the steps of a layer whose tokens are mixed with those before them.
#[derive(Default)]
pub struct Rows {
    /// The shares of both tokens that each matrix reads.
    parts: [Vec<f32>; 6],
    low: Vec<f32>,
    hidden: Vec<f32>,
    shares: Vec<f32>,
    r: Vec<f32>,
    w: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    rate: Vec<f32>,
    gate: Vec<f32>,
    out: Vec<f32>,
    /// Values of the first layer of a pass, and how much of them a later one takes.
    first: Vec<f32>,
    first_share: Vec<f32>,
}

struct GroupNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl GroupNorm {
    fn bind(file: &Gguf, plan: &GroupNormPlan) -> Result<Self, TensorError> {
        Ok(Self { weight: vector(file, &plan.weight)?, bias: vector(file, &plan.bias)? })
    }

    /// Of the values of one head, which are those from `at` on.
    fn run(&self, set: &KernelSet, head: &mut [f32], at: usize) {
        let n = head.len();
        let mean = head.iter().sum::<f32>() / n as f32;
        head.iter_mut().for_each(|x| *x -= mean);
        set.scale(head, 1.0 / (set.dot(head, head) / n as f32 + GROUP_EPS).sqrt());
        set.multiply(head, &self.weight[at..at + n]);
        set.axpy(1.0, &self.bias[at..at + n], head);
    }
}

/// Rows and the ones before them; the state holds the one before the first, and then the last.
#[derive(Clone, Copy)]
struct Shifted<'a> {
    x: &'a [f32],
    last: &'a [f32],
}

impl<'a> Shifted<'a> {
    fn new(x: &'a [f32], state: Kept<'a>) -> Self {
        state.next.copy_from_slice(&x[x.len() - state.now.len()..]);
        Self { x, last: state.now }
    }

    fn width(&self) -> usize {
        self.last.len()
    }

    /// Row `r`, and the one before.
    fn row(&self, r: usize) -> (&'a [f32], &'a [f32]) {
        let n = self.width();
        (&self.x[r * n..][..n], if r == 0 { self.last } else { &self.x[(r - 1) * n..][..n] })
    }

    /// out[r] = x[r] with its share of the row before, as `lerp` has it.
    fn mix(&self, pass: &Pass, lerp: &[f32], out: &mut Vec<f32>) {
        out.resize(self.x.len(), 0.0);
        pass.each_part(out, self.width(), |r, part, out| {
            let (row, before) = self.row(r);
            out.copy_from_slice(&row[part.clone()]);
            pass.compute.set().approach(out, &before[part.clone()], &lerp[part]);
        });
    }
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

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers, to: Target) {
        let rows = &mut b.of_tokens;
        self.read(pass, Shifted::new(x, state.conv), rows);
        let mut out = std::mem::take(&mut rows.out);
        out.resize(x.len(), 0.0);
        state.rest.each_columns(pass, &mut out, self.head_dim, |own, s, out| {
            let mut head = Head::new(self, pass.compute.set(), own);
            for r in 0..pass.rows {
                head.token(rows, r, s, out.row(r));
            }
        });
        to.linear(pass, &self.out, &out);
        rows.out = out;
    }

    /// What tokens say, as the matrices give it.
    fn read(&self, pass: &Pass, x: Shifted, rows: &mut Rows) {
        let n = self.n_embd;
        for (i, part) in rows.parts.iter_mut().enumerate().take(if self.gate.is_some() { 6 } else { 5 }) {
            x.mix(pass, &self.lerp[i * n..(i + 1) * n], part);
        }
        let [of_r, of_w, of_k, of_v, of_rate, of_gate] = &rows.parts;
        apply(pass, &self.r, of_r, &mut rows.r);
        self.decay.run(pass, of_w, Some(Curve::Tanh), &mut rows.low, &mut rows.w);
        apply(pass, &self.k, of_k, &mut rows.k);
        apply(pass, &self.v, of_v, &mut rows.v);
        match &self.first {
            None => rows.first.clone_from(&rows.v),
            Some(low) => low.run(pass, of_v, None, &mut rows.low, &mut rows.first_share),
        }
        self.rate.run(pass, of_rate, None, &mut rows.low, &mut rows.rate);
        if let Some(gate) = &self.gate {
            gate.run(pass, of_gate, Some(Curve::Sigmoid), &mut rows.low, &mut rows.gate);
        }
    }
}

/// One head's tokens, one after the other.
struct Head<'a> {
    of: &'a Removal,
    set: &'a KernelSet,
    own: Range<usize>,
    w: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    rate: Vec<f32>,
    removal: Vec<f32>,
    back: Vec<f32>,
}

impl<'a> Head<'a> {
    fn new(of: &'a Removal, set: &'a KernelSet, own: Range<usize>) -> Self {
        let room = || vec![0.0; own.len()];
        Self { of, set, w: room(), k: room(), v: room(), rate: room(), removal: room(), back: room(), own }
    }

    fn token(&mut self, rows: &Rows, r: usize, s: &mut [f32], out: &mut [f32]) {
        let (of, set) = (self.of, self.set);
        let at = r * of.n_embd + self.own.start..r * of.n_embd + self.own.end;
        let Self { own, w, k, v, rate, removal, back, .. } = self;
        w.copy_from_slice(&rows.w[at.clone()]);
        set.curve(Curve::Sigmoid, w);
        set.scale(w, -DECAY_MAX);
        set.curve(Curve::Exp, w);
        v.copy_from_slice(&rows.v[at.clone()]);
        if of.first.is_some() {
            back.copy_from_slice(&rows.first_share[at.clone()]);
            set.curve(Curve::Sigmoid, back);
            set.approach(v, &rows.first[at.clone()], back);
        }
        rate.copy_from_slice(&rows.rate[at.clone()]);
        set.curve(Curve::Sigmoid, rate);
        k.copy_from_slice(&rows.k[at.clone()]);
        removal.copy_from_slice(k);
        set.multiply(removal, &of.removal_scale[own.clone()]);
        let length = set.dot(removal, removal).sqrt();
        set.scale(removal, 1.0 / length.max(REMOVAL_EPS));
        // A key's share that the rate leaves: k + (rate - 1) * k * share.
        back.copy_from_slice(k);
        set.multiply(back, rate);
        set.approach(k, back, &of.rate_share[own.clone()]);
        back.copy_from_slice(removal);
        set.multiply(back, rate);
        let q = &rows.r[at.clone()];
        set.remove(s, &kernels::Removal { q, k, remains: w, removal, back, v }, out);
        if let Some(norm) = &of.norm {
            norm.run(set, out, own.start);
        }
        set.multiply(k, &of.bonus[own.clone()]);
        set.axpy(set.dot(k, q), v, out);
        if of.gate.is_some() {
            set.multiply(out, &rows.gate[at]);
        }
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

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers, to: Target) {
        let DecayPlan { n_embd: n, head_dim: dim, n_head_kv, .. } = self.plan;
        let (set, rows) = (pass.compute.set(), &mut b.of_tokens);
        self.read(pass, Shifted::new(x, state.conv), rows);
        let mut out = std::mem::take(&mut rows.out);
        out.resize(x.len(), 0.0);
        // Fewer heads of keys and values serve several heads of states each; with a bonus there are as many.
        let (n_kv, each) = (n_head_kv * dim, n / dim / n_head_kv);
        let own_bonus = !self.bonus.is_empty();
        state.rest.each_columns(pass, &mut out, dim, |own, s, out| {
            let h = own.start / dim;
            let kv = if own_bonus { own.start } else { h / each * dim };
            let stride = if own_bonus { n } else { n_kv };
            let (mut w, mut k, mut q, mut gate) = (vec![0.0; dim], vec![0.0; dim], vec![0.0; dim], vec![0.0; dim]);
            for r in 0..pass.rows {
                let at = r * n + own.start..r * n + own.end;
                w.copy_from_slice(&rows.w[at.clone()]);
                set.curve(Curve::Exp, &mut w);
                set.scale(&mut w, -1.0);
                set.curve(Curve::Exp, &mut w);
                q.copy_from_slice(&rows.r[at.clone()]);
                k.copy_from_slice(&rows.k[r * stride + kv..][..dim]);
                let (v, out) = (&rows.v[r * stride + kv..][..dim], out.row(r));
                gate.copy_from_slice(&rows.gate[at]);
                if own_bonus {
                    set.read_and_write(s, &Turn { q: &q, k: &k, v, remains: &w }, out);
                    set.multiply(&mut q, &self.bonus[own.clone()]);
                    set.axpy(set.dot(&q, &k), v, out);
                } else {
                    // A key is what the decay leaves free of it.
                    k.iter_mut().zip(&w).for_each(|(k, w)| *k *= 1.0 - w);
                    set.scale(&mut q, 1.0 / (dim as f32).sqrt());
                    set.write_and_read(s, &Turn { q: &q, k: &k, v, remains: &w }, out);
                }
                if let Some(norm) = &self.norm {
                    norm.run(set, out, own.start);
                }
                set.curve(if own_bonus { Curve::Silu } else { Curve::Sigmoid }, &mut gate);
                set.multiply(out, &gate);
            }
        });
        to.linear(pass, &self.out, &out);
        rows.out = out;
    }

    /// What tokens say, as the matrices give it.
    fn read(&self, pass: &Pass, x: Shifted, rows: &mut Rows) {
        self.parts(pass, x, rows);
        let [of_w, of_k, of_v, of_r, of_gate, _] = &rows.parts;
        apply(pass, &self.r, of_r, &mut rows.r);
        apply(pass, &self.k, of_k, &mut rows.k);
        apply(pass, &self.v, of_v, &mut rows.v);
        apply(pass, &self.gate, of_gate, &mut rows.gate);
        self.decay.run(pass, of_w, Some(Curve::Tanh), &mut rows.low, &mut rows.w);
    }

    /// The inputs of decay, keys, values, queries and gate, each with its share of the row before.
    fn parts(&self, pass: &Pass, x: Shifted, rows: &mut Rows) {
        let (n, set) = (self.plan.n_embd, pass.compute.set());
        let Rows { parts, low, shares, out, .. } = rows;
        x.mix(pass, &self.lerp_all, out);
        apply(pass, &self.shares_a, out, low);
        pass.each_part(low, self.shares_a.weight.n_out, |_, _, x| set.curve(Curve::Tanh, x));
        let rank = self.shares_b.n_in;
        for (i, part) in parts.iter_mut().enumerate().take(5) {
            let own: Vec<f32> = low.chunks_exact(5 * rank).flat_map(|row| &row[i * rank..(i + 1) * rank]).copied().collect();
            shares.resize(pass.rows * n, 0.0);
            let prepared = pass.prepare(&own, pass.rows, &[self.shares_b.ty]);
            pass.multiply(&prepared, &self.shares_b, i, shares);
            drop(prepared);
            let lerp = &self.lerp[i * n..(i + 1) * n];
            pass.each_row(shares, n, |_, share| set.axpy(1.0, lerp, share));
            part.resize(pass.rows * n, 0.0);
            pass.each_row(part, n, |r, out| {
                let (row, before) = x.row(r);
                out.copy_from_slice(row);
                set.approach(out, before, &shares[r * n..][..n]);
            });
        }
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

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers, to: Target) {
        let (set, x) = (pass.compute.set(), Shifted::new(x, state.conv));
        let Rows { parts: [part, ..], hidden, r, out, .. } = &mut b.of_tokens;
        x.mix(pass, &self.lerp_k, part);
        apply(pass, &self.key, part, hidden);
        pass.each_part(hidden, self.key.weight.n_out, |_, _, x| x.iter_mut().for_each(|x| *x = x.max(0.0) * x.max(0.0)));
        let Some((lerp, receptance)) = &self.receptance else { return to.linear(pass, &self.value, hidden) };
        apply(pass, &self.value, hidden, out);
        x.mix(pass, lerp, part);
        apply(pass, receptance, part, r);
        pass.each_part(r, x.width(), |_, _, r| set.curve(Curve::Sigmoid, r));
        pass.each_row(out, x.width(), |row, y| set.multiply(y, &r[row * x.width()..][..x.width()]));
        to.rows(pass, out);
    }
}
