//! What stands between the matrices of a feed-forward.

use super::super::kernels::KernelSet;
use super::super::plan::{Activation, Clamp};
use half::f16;
use std::sync::LazyLock;

/// What is done with a row of what a feed-forward's first matrices give.
#[derive(Clone, Copy)]
pub struct Hidden {
    pub activation: Activation,
    pub clamp: Option<Clamp>,
    /// Deviations above the mean that a gate must have.
    pub keep_above: Option<f32>,
    pub has_gate: bool,
    /// The gate stands first, not last.
    pub fused: bool,
    pub n_ff: usize,
}

impl Hidden {
    /// Values of a row before.
    pub fn width(&self) -> usize {
        if self.has_gate { 2 * self.n_ff } else { self.n_ff }
    }

    /// Whether it is silu(gate) * up, which the product's kernel does by itself.
    pub fn is_plain(&self) -> bool {
        self.activation == Activation::Silu && self.clamp.is_none() && self.keep_above.is_none() && self.has_gate && !self.fused
    }

    /// out = activation(gate) * up of `row`, which holds up | gate, or gate | up, or up alone.
    pub fn row(&self, set: &KernelSet, row: &[f32], out: &mut [f32]) {
        let (first, second) = row.split_at(self.n_ff);
        let (gate, up) = if self.fused { (first, second) } else { (second, first) };
        if self.has_gate {
            out.copy_from_slice(gate);
            if let Some(deviations) = self.keep_above {
                keep_above(deviations, out);
            }
            gated(set, self.activation, self.clamp, out, up);
        } else {
            out.copy_from_slice(up);
            alone(set, self.activation, out);
        }
    }
}

/// x = max(x - mean - deviations * standard deviation, 0), with the deviation of a sample.
fn keep_above(deviations: f32, x: &mut [f32]) {
    let mean = x.iter().sum::<f32>() / x.len() as f32;
    let squares: f32 = x.iter().map(|x| (x - mean).powi(2)).sum();
    let least = mean + deviations * (squares / (x.len().max(2) - 1) as f32).sqrt();
    x.iter_mut().for_each(|x| *x = (*x - least).max(0.0));
}

/// gate = activation(gate) * up, held to the clamp's limits.
pub fn gated(set: &KernelSet, activation: Activation, clamp: Option<Clamp>, gate: &mut [f32], up: &[f32]) {
    let limited = match activation {
        Activation::Situ { linear, .. } => linear,
        _ => None,
    };
    match clamp {
        None if let Some(linear) = limited => {
            alone(set, activation, gate);
            gate.iter_mut().zip(up).for_each(|(g, u)| *g *= linear * (u / linear).tanh());
        }
        None if activation == Activation::Silu => set.silu_mul(gate, up),
        None => {
            alone(set, activation, gate);
            gate.iter_mut().zip(up).for_each(|(g, u)| *g *= u);
        }
        Some(Clamp::Before(limit)) => {
            gate.iter_mut().for_each(|g| *g = g.min(limit));
            alone(set, activation, gate);
            gate.iter_mut().zip(up).for_each(|(g, u)| *g *= u.clamp(-limit, limit));
        }
        Some(Clamp::After(limit)) => {
            alone(set, activation, gate);
            gate.iter_mut().zip(up).for_each(|(g, u)| *g = g.min(limit) * u.clamp(-limit, limit));
        }
        Some(Clamp::Swiglu { alpha, limit }) => gate.iter_mut().zip(up).for_each(|(g, u)| {
            let x = g.min(limit);
            *g = x / (1.0 + (-alpha * x).exp()) * (u.clamp(-limit, limit) + 1.0);
        }),
    }
}

/// x = activation(x)
fn alone(set: &KernelSet, activation: Activation, x: &mut [f32]) {
    match activation {
        Activation::Silu => x.iter_mut().for_each(|x| *x /= 1.0 + (-*x).exp()),
        Activation::Gelu if set.is_exact() => x.iter_mut().for_each(|x| *x = gelu(*x)),
        Activation::Gelu => x.iter_mut().for_each(|x| *x = gelu_by_table(*x)),
        Activation::Relu => x.iter_mut().for_each(|x| *x = x.max(0.0)),
        Activation::ReluSquared => x.iter_mut().for_each(|x| *x = x.max(0.0) * x.max(0.0)),
        Activation::Situ { beta, .. } => x.iter_mut().for_each(|x| *x = beta * (*x / beta).tanh() * sigmoid(*x)),
        Activation::Xielu(p) => x.iter_mut().for_each(|x| {
            *x = if *x > 0.0 { p.positive * *x * *x + p.beta * *x } else { p.negative * (x.min(p.eps).exp_m1() - *x) + p.beta * *x };
        }),
    }
}

/// The tanh form of GELU (arXiv 1606.08415).
fn gelu(x: f32) -> f32 {
    const ROOT_2_BY_PI: f32 = 0.797_884_6;
    0.5 * x * (1.0 + (ROOT_2_BY_PI * x * (1.0 + 0.044_715 * x * x)).tanh())
}

/// By the rounding of ggml's CPU path (ggml/src/ggml-cpu/vec.h): input and output in F16, nothing below -10, x above 10.
fn gelu_by_table(x: f32) -> f32 {
    static TABLE: LazyLock<Vec<f32>> =
        LazyLock::new(|| (0..=u16::MAX).map(|bits| f16::from_f32(gelu(f16::from_bits(bits).to_f32())).to_f32()).collect());
    match x {
        x if x <= -10.0 => 0.0,
        x if x >= 10.0 => x,
        x => TABLE[usize::from(f16::from_f32(x).to_bits())],
    }
}

pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// ln(1 + e^x), x itself where nothing else is left (as ggml: from 20 on).
pub fn softplus(x: f32) -> f32 {
    if x > 20.0 { x } else { x.exp().ln_1p() }
}
