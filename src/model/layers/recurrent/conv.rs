//! A causal convolution over the last few rows.

use super::super::super::plan::{ConvPlan, TensorError};
use super::super::super::weight::vector;
use super::super::Pass;
use super::{Kept, Strided};
use crate::gguf::Gguf;
use std::ops::Range;

pub struct Conv {
    n_taps: usize,
    n_channels: usize,
    /// [n_taps][n_channels], the oldest first: the other way round than in the file.
    taps: Vec<f32>,
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
        let (n_taps, n_channels) = (plan.n_taps, plan.n_channels);
        let taps = (0..n_taps).flat_map(|j| weight.iter().skip(j).step_by(n_taps)).copied().collect();
        Ok(Self { n_taps, n_channels, taps, bias })
    }

    /// out[r] = `then` of the sums for row r: which row, which channels of it. The state holds the rows before, oldest first.
    pub fn run(&self, pass: &Pass, state: Kept, x: Strided, out: &mut Vec<f32>, then: impl Fn(usize, Range<usize>, &mut [f32]) + Sync) {
        let (n, kept, set) = (self.n_channels, self.n_taps - 1, pass.compute.set());
        // The input `at` rows behind the oldest that is kept.
        let input = |at: usize, channels: Range<usize>| match at.checked_sub(kept) {
            Some(r) => &x.row(r)[channels],
            None => &state.now[at * n..][channels],
        };
        out.resize(pass.rows * n, 0.0);
        pass.each_part(out, n, |r, channels, sums| {
            match self.bias.get(channels.clone()) {
                Some(bias) => sums.copy_from_slice(bias),
                None => sums.fill(0.0),
            }
            for (j, taps) in self.taps.chunks_exact(n).enumerate() {
                set.multiply_add(sums, input(r + j, channels.clone()), &taps[channels.clone()]);
            }
            then(r, channels, sums);
        });
        for (i, row) in state.next.chunks_exact_mut(n).enumerate() {
            row.copy_from_slice(input(pass.rows + i, 0..n));
        }
    }
}
