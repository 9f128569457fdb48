//! Rows that stand for blocks of positions.

use super::super::super::plan::{PoolPlan, TensorError};
use super::super::super::rope::Rope;
use super::super::super::weight::{Linear, Norm, vector};
use super::super::recurrent::apply;
use super::super::{Caches, Pass, Taken};
use crate::gguf::Gguf;

pub struct Pool {
    plan: PoolPlan,
    values: Linear,
    value_norm: Option<Norm>,
    /// Logits, and [ratio][width] that is added to them.
    logits: Option<(Linear, Vec<f32>)>,
    norm: Option<Norm>,
    /// Where pooled rows are in the cache.
    pub il_kv: usize,
    il_state: usize,
}

#[derive(Default)]
pub struct PoolScratch {
    values: Vec<f32>,
    logits: Vec<f32>,
    row: Vec<f32>,
    angles: Vec<f32>,
}

impl Pool {
    /// Takes the next state; its rows are those at `il_kv`.
    pub fn bind(file: &Gguf, plan: &PoolPlan, il_kv: usize, taken: &mut Taken) -> Result<Self, TensorError> {
        let norm = |n: &Option<_>| n.as_ref().map(|n| Norm::bind(file, n)).transpose();
        let logits = plan.logits.as_ref().map(|(l, bias)| -> Result<_, TensorError> { Ok((Linear::bind(file, l)?, vector(file, bias)?)) });
        taken.states += 1;
        Ok(Self {
            values: Linear::bind(file, &plan.values)?,
            value_norm: norm(&plan.value_norm)?,
            logits: logits.transpose()?,
            norm: norm(&plan.norm)?,
            il_kv,
            il_state: taken.states - 1,
            plan: plan.clone(),
        })
    }

    pub fn ratio(&self) -> usize {
        self.plan.ratio
    }

    /// Takes this pass's rows of input, and stores the rows of the blocks that they fill.
    pub fn append(&self, pass: &Pass, x: &[f32], ropes: &[Rope], caches: &mut Caches, s: &mut PoolScratch) {
        let PoolPlan { ratio, .. } = self.plan;
        let (width, n_kept, stride) = (self.plan.width(), self.plan.n_kept(), self.plan.kept_width());
        apply(pass, &self.values, x, &mut s.values);
        if let Some(norm) = &self.value_norm {
            norm_rows(pass, norm, &mut s.values, width);
        }
        if let Some((logits, bias)) = &self.logits {
            apply(pass, logits, x, &mut s.logits);
            for (r, row) in s.logits.chunks_exact_mut(width).enumerate() {
                let bias = &bias[(pass.pos + r) % ratio * width..][..width];
                row.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
            }
        }
        let state = caches.states.next_mut(self.il_state);
        for r in 0..pass.rows {
            let pos = pass.pos + r;
            let kept = &mut state[pos % n_kept * stride..][..stride];
            kept[..width].copy_from_slice(&s.values[r * width..][..width]);
            if stride > width {
                kept[width..].copy_from_slice(&s.logits[r * width..][..width]);
            }
            if (pos + 1).is_multiple_of(ratio) {
                self.pool(state, pos + 1 - ratio, &mut s.row);
                self.finish(pass, pos + 1 - ratio, ropes, s);
                caches.kv.layer_mut(self.il_kv).k.store(0, pos / ratio, &s.row);
            }
        }
    }

    /// row = the block from position `first` on, whose rows are all in the state.
    fn pool(&self, state: &[f32], first: usize, row: &mut Vec<f32>) {
        let PoolPlan { ratio, dim, overlaps, .. } = self.plan;
        let (width, n_kept, stride) = (self.plan.width(), self.plan.n_kept(), self.plan.kept_width());
        row.clear();
        row.resize(dim, 0.0);
        let own = if overlaps { dim } else { 0 };
        let before = if overlaps && first >= ratio { first - ratio } else { first };
        let rows = || (before..first + ratio).map(|pos| (&state[pos % n_kept * stride..][..stride], if pos < first { 0 } else { own }));
        if stride == width {
            rows().for_each(|(kept, at)| row.iter_mut().zip(&kept[at..]).for_each(|(y, x)| *y += x / ratio as f32));
            return;
        }
        for (c, y) in row.iter_mut().enumerate() {
            let top = rows().map(|(kept, at)| kept[width + at + c]).fold(f32::NEG_INFINITY, f32::max);
            let (mut sum, mut total) = (0.0, 0.0);
            for (kept, at) in rows() {
                let share = (kept[width + at + c] - top).exp();
                sum += share;
                total += share * kept[at + c];
            }
            *y = total / sum;
        }
    }

    /// Norms and turns the pooled row of the block from `first` on.
    fn finish(&self, pass: &Pass, first: usize, ropes: &[Rope], s: &mut PoolScratch) {
        if let Some(norm) = &self.norm {
            norm_rows(pass, norm, &mut s.row, self.plan.dim);
        }
        let Some(at) = self.plan.rope else { return };
        let rope = &ropes[at.rope];
        rope.angles(first, 1, &mut s.angles);
        let n_rot = rope.plan.n_rot;
        let (cos, sin) = s.angles.split_at(n_rot / 2);
        let begin = if at.last { self.plan.dim - n_rot } else { 0 };
        pass.compute.set().rope(rope.plan.pairs, &mut s.row[begin..begin + n_rot], cos, sin);
    }
}

/// Norms each `width` values.
pub fn norm_rows(pass: &Pass, norm: &Norm, rows: &mut [f32], width: usize) {
    pass.compute.kernels().each_row(rows, width, |_, row| {
        let before = row.to_vec();
        norm.row(pass.compute.set(), &before, row);
    });
}
