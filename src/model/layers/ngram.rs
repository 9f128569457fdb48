//! Rows of a table that the last few ids are hashed to, given to several residuals.

use super::super::plan::{NgramPlan, TensorError};
use super::super::weight::{Linear, Norm, Weight, vector};
use super::activation::sigmoid;
use super::recurrent::{apply, silu};
use super::{Pass, Taken, values_mut};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp1, Layout};
use std::sync::Mutex;

/// Squares of scores are no smaller, so that their roots have a sign.
const SCORE_MIN: f32 = 1e-6;

pub struct Ngram {
    plan: NgramPlan,
    table: Weight,
    key: Linear,
    value: Linear,
    key_norm: Norm,
    query_norm: Norm,
    conv_norm: Norm,
    /// [n * n_embd][n_taps]
    conv: Vec<f32>,
    pub il_state: usize,
}

/// Of all rows of a pass what the table gives.
#[derive(Default)]
struct Given {
    rows: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Ngram {
    pub fn bind(file: &Gguf, plan: &NgramPlan, taken: &mut Taken) -> Result<Self, TensorError> {
        taken.states += 1;
        Ok(Self {
            table: Weight::bind(file, &plan.table)?,
            key: Linear::bind(file, &plan.key)?,
            value: Linear::bind(file, &plan.value)?,
            key_norm: Norm::bind(file, &plan.key_norm)?,
            query_norm: Norm::bind(file, &plan.query_norm)?,
            conv_norm: Norm::bind(file, &plan.conv_norm)?,
            conv: vector(file, &plan.conv)?,
            il_state: taken.states - 1,
            plan: plan.clone(),
        })
    }

    /// The rows of the table for row `r` of the pass, side by side.
    fn look_up(&self, pass: &Pass, r: usize, out: &mut [f32]) {
        let NgramPlan { n_gram, dim, reset, ref multipliers, ref parts, .. } = self.plan;
        let each = parts.len() / (n_gram - 1);
        // Nothing counts that stands before a reset; the token's own id may be one.
        let (mut mixed, mut is_cut) = (u64::from(pass.ids[r]).wrapping_mul(multipliers[0]), false);
        for (back, parts) in (1..n_gram).zip(parts.chunks_exact(each)) {
            let id = pass.id_before(r, back).filter(|_| !is_cut).unwrap_or(reset);
            is_cut |= id == reset;
            mixed ^= u64::from(id).wrapping_mul(multipliers[back]);
            for (i, (first, n)) in parts.iter().enumerate() {
                let row = first + (mixed % *n as u64) as usize;
                self.table.row(row, &mut out[((back - 1) * each + i) * dim..][..dim]);
            }
        }
    }

    fn given(&self, pass: &Pass) -> Given {
        let mut given = Given::default();
        let width = self.plan.parts.len() * self.plan.dim;
        given.rows.resize(pass.rows * width, 0.0);
        given.rows.chunks_exact_mut(width).enumerate().for_each(|(r, out)| self.look_up(pass, r, out));
        apply(pass, &self.key, &given.rows, &mut given.keys);
        apply(pass, &self.value, &given.rows, &mut given.values);
        given
    }

    /// gated = the value times each residual's gate.
    fn gate(&self, pass: &Pass, residuals: &[f32], keys: &[f32], value: &[f32], gated: &mut [f32]) {
        let (d, set) = (self.plan.n_embd, pass.compute.set());
        let (mut key, mut query) = (vec![0.0; d], vec![0.0; d]);
        for (i, out) in gated.chunks_exact_mut(d).enumerate() {
            self.key_norm.part(set, &keys[i * d..][..d], i * d, &mut key);
            self.query_norm.part(set, &residuals[i * d..][..d], i * d, &mut query);
            let score = set.dot(&key, &query) / (d as f32).sqrt();
            let root = score.abs().max(SCORE_MIN).sqrt();
            let gate = sigmoid(if score == 0.0 { 0.0 } else { root.copysign(score) });
            out.iter_mut().zip(value).for_each(|(y, v)| *y = gate * v);
        }
    }

    /// out += silu of the convolution that ends with `newest` at `pos`, which takes its place in the state.
    fn convolve(&self, state: &mut [f32], pos: usize, newest: &[f32], out: &mut [f32]) {
        let NgramPlan { n_taps, n_gram, .. } = self.plan;
        let (width, n_kept) = (newest.len(), self.plan.n_kept());
        for (c, y) in out.iter_mut().enumerate() {
            let taps = &self.conv[c * n_taps..][..n_taps];
            let old = (1..n_taps).filter(|j| j * n_gram <= pos);
            let sum: f32 = old.map(|j| taps[n_taps - 1 - j] * state[(pos - j * n_gram) % n_kept * width + c]).sum();
            *y += silu(sum + taps[n_taps - 1] * newest[c]);
        }
        if n_kept > 0 {
            state[pos % n_kept * width..][..width].copy_from_slice(newest);
        }
    }
}

/// Gives each row's residuals what its last tokens are together.
pub struct Inject<'a> {
    pub ngram: &'a Ngram,
    pub pass: &'a Pass<'a>,
    pub state: Mutex<&'a mut [f32]>,
}

impl InplaceOp1 for Inject<'_> {
    fn name(&self) -> &'static str {
        "inject"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let (ngram, pass) = (self.ngram, self.pass);
        let (d, width) = (ngram.plan.n_embd, ngram.plan.n * ngram.plan.n_embd);
        let mut state = self.state.lock().map_err(|_| candle_core::Error::msg("the state's lock is poisoned"))?;
        let given = ngram.given(pass);
        let (mut gated, mut normed) = (vec![0.0; width], vec![0.0; width]);
        for (r, residuals) in values_mut(storage, layout)?.chunks_exact_mut(width).take(pass.rows).enumerate() {
            ngram.gate(pass, residuals, &given.keys[r * width..][..width], &given.values[r * d..][..d], &mut gated);
            for (i, out) in normed.chunks_exact_mut(d).enumerate() {
                ngram.conv_norm.part(pass.compute.set(), &gated[i * d..][..d], i * d, out);
            }
            residuals.iter_mut().zip(&gated).for_each(|(x, g)| *x += g);
            ngram.convolve(&mut state, pass.pos + r, &normed, residuals);
        }
        Ok(())
    }
}
