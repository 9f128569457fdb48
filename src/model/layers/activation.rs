//! What stands between the matrices of a feed-forward.

use super::super::kernels::{Curve, KernelSet};
use super::super::plan::{Activation, Clamp};

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

    /// The curve of curve(gate) * up, where it is no more than that: the product's kernel does it by itself.
    pub fn plain(&self) -> Option<Curve> {
        let is_plain = self.clamp.is_none() && self.keep_above.is_none() && self.has_gate && !self.fused;
        plain(self.activation).filter(|_| is_plain)
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

/// The curve that an activation is.
fn plain(activation: Activation) -> Option<Curve> {
    match activation {
        Activation::Silu => Some(Curve::Silu),
        Activation::Gelu => Some(Curve::Gelu),
        _ => None,
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
        None => match plain(activation) {
            Some(curve) => set.gate(curve, gate, up),
            None => {
                alone(set, activation, gate);
                set.multiply(gate, up);
            }
        },
        Some(Clamp::Before(limit)) => {
            gate.iter_mut().for_each(|g| *g = g.min(limit));
            alone(set, activation, gate);
            gate.iter_mut().zip(up).for_each(|(g, u)| *g *= u.clamp(-limit, limit));
        }
        Some(Clamp::After(limit)) => {
            alone(set, activation, gate);
            gate.iter_mut().zip(up).for_each(|(g, u)| *g = g.min(limit) * u.clamp(-limit, limit));
        }
        Some(Clamp::Swiglu { alpha, limit }) => {
            // g * sigmoid(alpha * g) = silu(alpha * g) / alpha
            gate.iter_mut().for_each(|g| *g = alpha * g.min(limit));
            set.curve(Curve::Silu, gate);
            gate.iter_mut().zip(up).for_each(|(g, u)| *g *= (u.clamp(-limit, limit) + 1.0) / alpha);
        }
    }
}

/// x = activation(x)
fn alone(set: &KernelSet, activation: Activation, x: &mut [f32]) {
    match activation {
        Activation::Silu => set.curve(Curve::Silu, x),
        Activation::Gelu => set.gelu(x),
        Activation::Relu => x.iter_mut().for_each(|x| *x = x.max(0.0)),
        Activation::ReluSquared => x.iter_mut().for_each(|x| *x = x.max(0.0) * x.max(0.0)),
        Activation::Situ { beta, .. } => x.iter_mut().for_each(|x| *x = beta * (*x / beta).tanh() * sigmoid(*x)),
        Activation::Xielu(p) => x.iter_mut().for_each(|x| {
            *x = if *x > 0.0 { p.positive * *x * *x + p.beta * *x } else { p.negative * (x.min(p.eps).exp_m1() - *x) + p.beta * *x };
        }),
    }
}

pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// ln(1 + e^x), x itself where nothing else is left (as ggml: from 20 on).
pub fn softplus(x: f32) -> f32 {
    if x > 20.0 { x } else { x.exp().ln_1p() }
}
