//! Which keys each row of an attention looks at.

mod best;
#[cfg(test)]
mod tests;

use super::super::cache::KvCache;
use super::super::kernels::{self, Chosen};
use super::super::plan::{ChoicePlan, IndexerPlan, TensorError};
use super::super::rope::Rope;
use super::super::weight::{Linear, Norm};
use super::super::workspace::Workspace;
use super::super::{ForwardError, check};
use super::recurrent::apply;
use super::{Pass, with_values};
use crate::gguf::Gguf;
use best::best;
use candle_core::Tensor;
use std::sync::atomic::AtomicBool;

/// Rows whose scores are kept at a time.
const SCORED_ROWS: usize = 32;

pub enum Choice {
    Own(Box<Indexer>),
    Last,
}

pub struct Indexer {
    plan: IndexerPlan,
    q: Linear,
    k: Linear,
    k_norm: Norm,
    weights: Linear,
    /// Where in the cache its keys are.
    il_kv: usize,
}

/// What an indexer leaves for attentions, and its buffers.
#[derive(Default)]
pub struct ChoiceScratch {
    chosen: Chosen,
    /// Some row must leave out some of its keys.
    leaves_out: bool,
    q: Vec<f32>,
    k: Vec<f32>,
    weights: Vec<f32>,
    scores: Vec<f32>,
    heap: Vec<usize>,
}

impl ChoiceScratch {
    /// What the last indexer chose; nothing where every row sees all its keys.
    pub fn chosen(&self) -> Option<&Chosen> {
        self.leaves_out.then_some(&self.chosen)
    }

    pub fn bytes(&self) -> usize {
        let floats: usize = [&self.q, &self.k, &self.weights, &self.scores].map(Vec::capacity).iter().sum();
        self.chosen.bytes() + floats * size_of::<f32>() + self.heap.capacity() * size_of::<usize>()
    }
}

/// What a row reads: an attention's input, and its latent queries or the same again.
pub struct Inputs<'a> {
    pub input: &'a Tensor,
    pub queries: &'a Tensor,
}

impl Choice {
    pub fn bind(file: &Gguf, plan: &ChoicePlan, il_kv: usize) -> Result<Self, TensorError> {
        Ok(match plan {
            ChoicePlan::Own(indexer) => Choice::Own(Box::new(Indexer::bind(file, indexer, il_kv)?)),
            ChoicePlan::Last => Choice::Last,
        })
    }

    /// Chooses the keys of each row, where that is not done yet.
    pub fn make(
        &self,
        pass: &Pass,
        w: &Workspace,
        inputs: Inputs,
        ropes: &[Rope],
        kv: &mut KvCache,
        cancel: &AtomicBool,
    ) -> Result<(), ForwardError> {
        match self {
            Choice::Own(indexer) => indexer.choose(pass, w, inputs, ropes, kv, cancel),
            Choice::Last => Ok(()),
        }
    }
}

impl Indexer {
    fn bind(file: &Gguf, plan: &IndexerPlan, il_kv: usize) -> Result<Self, TensorError> {
        Ok(Self {
            q: Linear::bind(file, &plan.q)?,
            k: Linear::bind(file, &plan.k)?,
            k_norm: Norm::bind(file, &plan.k_norm)?,
            weights: Linear::bind(file, &plan.weights)?,
            il_kv,
            plan: plan.clone(),
        })
    }

    fn choose(
        &self,
        pass: &Pass,
        w: &Workspace,
        inputs: Inputs,
        ropes: &[Rope],
        kv: &mut KvCache,
        cancel: &AtomicBool,
    ) -> Result<(), ForwardError> {
        let mut scratch = pass.compute.choice_scratch();
        let s = &mut *scratch;
        with_values(inputs.input, |x| {
            apply(pass, &self.k, x, &mut s.k);
            apply(pass, &self.weights, x, &mut s.weights);
        })?;
        let scale = 1.0 / ((self.plan.head_dim * self.plan.n_head) as f32).sqrt();
        pass.compute.set().scale(&mut s.weights, scale);
        self.append(pass, w, ropes, &mut s.k, kv);
        s.leaves_out = pass.pos + pass.rows > self.plan.n_chosen;
        if !s.leaves_out {
            return Ok(());
        }
        with_values(inputs.queries, |x| apply(pass, &self.q, x, &mut s.q))?;
        self.rotate(pass, w, ropes, &mut s.q);
        self.score(pass, s, kv, cancel)
    }

    /// Norms and turns this pass's keys and stores them.
    fn append(&self, pass: &Pass, w: &Workspace, ropes: &[Rope], k: &mut [f32], kv: &mut KvCache) {
        let mut before = vec![0.0; self.plan.head_dim];
        for row in k.chunks_exact_mut(self.plan.head_dim) {
            before.copy_from_slice(row);
            self.k_norm.row(pass.compute.set(), &before, row);
        }
        self.rotate(pass, w, ropes, k);
        let layer = kv.layer_mut(self.il_kv);
        for (r, row) in k.chunks_exact(self.plan.head_dim).enumerate() {
            layer.k.store(0, pass.pos + r, row);
        }
    }

    /// Turns each row's heads.
    fn rotate(&self, pass: &Pass, w: &Workspace, ropes: &[Rope], heads: &mut [f32]) {
        let (rope, angles) = (&ropes[self.plan.rope.rope].plan, &w.angles[self.plan.rope.rope]);
        let first = if self.plan.rope.last { self.plan.head_dim - rope.n_rot } else { 0 };
        let width = heads.len() / pass.rows;
        for (row, angles) in heads.chunks_exact_mut(width).zip(angles.chunks_exact(rope.n_rot)) {
            let (cos, sin) = angles.split_at(rope.n_rot / 2);
            row.chunks_exact_mut(self.plan.head_dim)
                .for_each(|head| pass.compute.set().rope(rope.pairs, &mut head[first..first + rope.n_rot], cos, sin));
        }
    }

    fn score(&self, pass: &Pass, s: &mut ChoiceScratch, kv: &KvCache, cancel: &AtomicBool) -> Result<(), ForwardError> {
        let IndexerPlan { n_head, head_dim, n_chosen, .. } = self.plan;
        let n_keys = pass.pos + pass.rows;
        s.chosen.clear(pass.rows, 1, n_keys);
        for first in (0..pass.rows).step_by(SCORED_ROWS) {
            check(cancel)?;
            let n_rows = SCORED_ROWS.min(pass.rows - first);
            s.scores.resize(n_rows * n_keys, 0.0);
            let keys = kv.layer(self.il_kv).k.head(0);
            let shape = kernels::Index { n_head, head_dim, n_rows, n_keys, keys, weights: Some(&s.weights[first * n_head..]) };
            pass.compute.kernels().index(&shape, &s.q[first * n_head * head_dim..], &mut s.scores);
            for (r, scores) in s.scores.chunks_exact(n_keys).enumerate() {
                best(&scores[..pass.pos + first + r + 1], n_chosen, &mut s.heap);
                let words = s.chosen.words_mut(first + r, 0);
                s.heap.iter().for_each(|&key| kernels::choose(words, key..key + 1));
            }
        }
        Ok(())
    }
}
