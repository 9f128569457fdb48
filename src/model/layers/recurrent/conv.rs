//! A causal convolution over the last few rows.

use super::super::super::plan::{ConvPlan, TensorError};
use super::super::super::weight::vector;
use crate::gguf::Gguf;

pub struct Conv {
    n_taps: usize,
    n_channels: usize,
    /// [n_channels][n_taps]
    weight: Vec<f32>,
    /// [n_channels], or empty.
    bias: Vec<f32>,
}

impl Conv {
    pub fn bind(file: &Gguf, plan: &ConvPlan) -> Result<Self, TensorError> {
        let bias = plan.bias.as_ref().map(|b| vector(file, b)).transpose()?.unwrap_or_default();
        let mut weight = Vec::new();
        for part in &plan.weights {
            weight.extend(vector(file, part)?);
        }
        Ok(Self { n_taps: plan.n_taps, n_channels: plan.n_channels, weight, bias })
    }

    /// Each row's channels become `then` of their sums; `state` holds the rows before, oldest first.
    pub fn run(&self, state: &mut [f32], rows: &mut [f32], then: impl Fn(f32) -> f32) {
        let (n, kept) = (self.n_channels, self.n_taps - 1);
        let mut newest = vec![0.0; n];
        for row in rows.chunks_exact_mut(n) {
            newest.copy_from_slice(row);
            for (c, x) in row.iter_mut().enumerate() {
                let taps = &self.weight[c * self.n_taps..][..self.n_taps];
                let mut sum = self.bias.get(c).copied().unwrap_or(0.0);
                for (j, tap) in taps[..kept].iter().enumerate() {
                    sum += state[j * n + c] * tap;
                }
                *x = then(sum + *x * taps[kept]);
            }
            if kept > 0 {
                state.copy_within(n.., 0);
                state[(kept - 1) * n..].copy_from_slice(&newest);
            }
        }
    }
}
