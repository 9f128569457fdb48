//! Two matrices with an activation between, often a third one as a gate.

use super::{LinearPlan, NormPlan};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    Silu,
    /// The tanh form.
    Gelu,
    Relu,
    /// max(x, 0)^2
    ReluSquared,
    Xielu(Xielu),
    /// beta * tanh(x / beta) * sigmoid(x), times linear * tanh(up / linear) where there is a gate.
    Situ {
        beta: f32,
        linear: Option<f32>,
    },
}

/// xIELU (arXiv 2411.13010): positive * x^2 + beta * x above 0, else negative * (expm1(min(x, eps)) - x) + beta * x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Xielu {
    pub positive: f32,
    pub negative: f32,
    pub beta: f32,
    pub eps: f32,
}

/// Limits of a gate and what it multiplies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clamp {
    /// activation(min(gate, limit)) * clamp(up, -limit, limit)
    Before(f32),
    /// min(activation(gate), limit) * clamp(up, -limit, limit)
    After(f32),
    /// With g = min(gate, limit): g * sigmoid(alpha * g) * (clamp(up, -limit, limit) + 1)
    Swiglu { alpha: f32, limit: f32 },
}

#[derive(Debug, Clone, PartialEq)]
pub struct FeedForwardPlan {
    /// activation(gate x) * up x; without a gate activation(up x). A gate and up in one matrix are two linears that
    /// name halves of its rows.
    pub gate: Option<LinearPlan>,
    pub up: LinearPlan,
    /// `up` holds the gate's rows first, then its own.
    pub fused: bool,
    pub down: LinearPlan,
    pub activation: Activation,
    pub clamp: Option<Clamp>,
    /// Gates become what they are more than so many standard deviations above their row's mean, or 0, before the activation.
    pub keep_above: Option<f32>,
    /// Of the hidden values before the last matrix.
    pub hidden_norm: Option<NormPlan>,
}

impl FeedForwardPlan {
    /// Gate and up can be one step, which leaves nothing but their product.
    pub fn is_one_step(&self) -> bool {
        let plain = |l: &LinearPlan| l.bias.is_none() && l.scale.is_none();
        matches!(self.activation, Activation::Silu | Activation::Gelu)
            && self.clamp.is_none()
            && self.keep_above.is_none()
            && !self.fused
            && plain(&self.up)
            && self.gate.as_ref().is_some_and(plain)
    }

    /// Values of a row of gate and up where they are apart, or 0.
    pub fn apart(&self) -> usize {
        if self.is_one_step() { 0 } else { self.up.n_out + self.gate.as_ref().map_or(0, |g| g.n_out) }
    }
}
