//! The angles of rotary position embedding.

use super::plan::{RopePlan, TensorError};
use super::weight::vector;
use crate::gguf::Gguf;

/// A rope with its frequency factors read.
pub struct Rope {
    pub plan: RopePlan,
    /// [n_rot / 2], or empty.
    pub factors: Vec<f32>,
}

impl Rope {
    pub fn bind(file: &Gguf, plan: &RopePlan) -> Result<Self, TensorError> {
        let factors = plan.factors.as_ref().map(|t| vector(file, t)).transpose()?.unwrap_or_default();
        Ok(Self { plan: plan.clone(), factors })
    }

    /// cos and sin of each pair for each of `rows` positions from `pos` on: cos, then sin, [rows, 2, n_rot / 2].
    ///
    /// Follows ggml's rope_yarn (ggml/src/ggml-cpu/ops.cpp): theta is an iterated f32 product, not a power, so that
    /// rounding is the same.
    pub fn angles(&self, pos: usize, rows: usize, out: &mut Vec<f32>) {
        out.clear();
        let p = &self.plan;
        let theta_scale = p.base.powf(-2.0 / p.n_rot as f32);
        let ramp = p.yarn.as_ref().map(|y| {
            let bound = |beta: f32| p.n_rot as f32 * (y.n_ctx_orig as f32 / (beta * 2.0 * std::f32::consts::PI)).ln() / (2.0 * p.base.ln());
            (bound(y.beta_fast).floor().max(0.0), bound(y.beta_slow).ceil().min(p.n_rot as f32 - 1.0))
        });
        for row in 0..rows {
            let start = out.len();
            out.resize(start + p.n_rot, 0.0);
            let (cos, sin) = out[start..].split_at_mut(p.n_rot / 2);
            let mut theta = (pos + row) as f32;
            for pair in 0..p.n_rot / 2 {
                let extrapolated = theta / self.factors.get(pair).copied().unwrap_or(1.0);
                let interpolated = p.freq_scale * extrapolated;
                let angle = match ramp {
                    None => interpolated,
                    Some((low, high)) => {
                        let y = (pair as f32 - low) / (high - low).max(0.001);
                        let mix = 1.0 - y.clamp(0.0, 1.0);
                        interpolated * (1.0 - mix) + extrapolated * mix
                    }
                };
                let angle = if p.still.contains(&pair) { 0.0 } else { angle };
                cos[pair] = angle.cos() * p.magnitude;
                sin[pair] = angle.sin() * p.magnitude;
                theta *= theta_scale;
            }
        }
    }
}
