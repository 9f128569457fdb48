//! Which keys each row of an attention looks at.

mod best;
mod pool;
mod select;
#[cfg(test)]
mod tests;

use super::super::cache::KvCache;
use super::super::kernels::{self, Chosen};
use super::super::plan::{ChoicePlan, Chooses, IndexerKeys, IndexerPlan, TensorError};
use super::super::rope::Rope;
use super::super::weight::{Linear, Norm};
use super::super::workspace::Workspace;
use super::super::{ForwardError, check};
use super::recurrent::apply;
use super::{Caches, Pass, Taken, with_values};
use crate::gguf::Gguf;
use candle_core::Tensor;
use pool::norm_rows;
pub use pool::{Pool, PoolScratch};
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
    q_norm: Option<Norm>,
    keys: Keys,
    weights: Option<Linear>,
    /// Where in the cache its keys are.
    il_kv: usize,
}

enum Keys {
    Each { k: Linear, norm: Norm },
    Pooled(Box<Pool>),
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
    of_units: Vec<f32>,
    heap: Vec<usize>,
    pub pool: PoolScratch,
}

impl ChoiceScratch {
    /// What the last indexer chose; nothing where every row sees all its keys.
    pub fn chosen(&self) -> Option<&Chosen> {
        self.leaves_out.then_some(&self.chosen)
    }

    pub fn bytes(&self) -> usize {
        let floats: usize = [&self.q, &self.k, &self.weights, &self.scores, &self.of_units].map(Vec::capacity).iter().sum();
        self.chosen.bytes() + floats * size_of::<f32>() + self.heap.capacity() * size_of::<usize>()
    }
}

/// What a row reads: an attention's input, and its latent queries or the same again.
pub struct Inputs<'a> {
    pub input: &'a Tensor,
    pub queries: &'a Tensor,
}

impl Choice {
    /// An indexer's keys are those at `il_kv`.
    pub fn bind(file: &Gguf, plan: &ChoicePlan, il_kv: usize, taken: &mut Taken) -> Result<Self, TensorError> {
        Ok(match plan {
            ChoicePlan::Own(indexer) => Choice::Own(Box::new(Indexer::bind(file, indexer, il_kv, taken)?)),
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
        caches: &mut Caches,
        cancel: &AtomicBool,
    ) -> Result<(), ForwardError> {
        match self {
            Choice::Own(indexer) => indexer.choose(pass, w, inputs, ropes, caches, cancel),
            Choice::Last => Ok(()),
        }
    }
}

impl Indexer {
    pub fn bind(file: &Gguf, plan: &IndexerPlan, il_kv: usize, taken: &mut Taken) -> Result<Self, TensorError> {
        Ok(Self {
            q: Linear::bind(file, &plan.q)?,
            q_norm: plan.q_norm.as_ref().map(|n| Norm::bind(file, n)).transpose()?,
            keys: match &plan.keys {
                IndexerKeys::Each { k, norm } => Keys::Each { k: Linear::bind(file, k)?, norm: Norm::bind(file, norm)? },
                IndexerKeys::Pooled(pool) => Keys::Pooled(Box::new(Pool::bind(file, pool, il_kv, taken)?)),
            },
            weights: plan.weights.as_ref().map(|l| Linear::bind(file, l)).transpose()?,
            il_kv,
            plan: plan.clone(),
        })
    }

    pub fn choose(
        &self,
        pass: &Pass,
        w: &Workspace,
        inputs: Inputs,
        ropes: &[Rope],
        caches: &mut Caches,
        cancel: &AtomicBool,
    ) -> Result<(), ForwardError> {
        let mut scratch = pass.compute.choice_scratch();
        let s = &mut *scratch;
        with_values(inputs.input, |x| {
            match &self.keys {
                Keys::Each { k, norm } => {
                    apply(pass, k, x, &mut s.k);
                    norm_rows(pass, norm, &mut s.k, self.plan.head_dim);
                    self.append(pass, w, ropes, &mut s.k, caches.kv);
                }
                Keys::Pooled(pool) => pool.append(pass, x, ropes, caches, &mut s.pool),
            }
            self.weigh(pass, x, &mut s.weights);
        })?;
        s.leaves_out = self.leaves_out(pass.pos + pass.rows);
        if !s.leaves_out {
            return Ok(());
        }
        with_values(inputs.queries, |x| apply(pass, &self.q, x, &mut s.q))?;
        if let Some(norm) = &self.q_norm {
            norm_rows(pass, norm, &mut s.q, self.plan.head_dim);
        }
        self.rotate(pass, w, ropes, &mut s.q);
        self.score(pass, s, caches.kv, cancel)
    }

    /// Positions to a key.
    fn ratio(&self) -> usize {
        match &self.keys {
            Keys::Each { .. } => 1,
            Keys::Pooled(pool) => pool.ratio(),
        }
    }

    /// Whether rows that see so many positions must leave some out.
    fn leaves_out(&self, n_positions: usize) -> bool {
        match self.plan.chooses {
            Chooses::Keys(n) | Chooses::Blocks(n) => n_positions / self.ratio() > n,
            Chooses::Positions(n) => n_positions > n,
            Chooses::BlocksOfHeads { n, size, .. } => n_positions.div_ceil(size) > n,
        }
    }

    /// The weight of each row's heads.
    fn weigh(&self, pass: &Pass, x: &[f32], weights: &mut Vec<f32>) {
        match &self.weights {
            Some(linear) => {
                apply(pass, linear, x, weights);
                pass.compute.set().scale(weights, 1.0 / ((self.plan.head_dim * self.plan.n_head) as f32).sqrt());
            }
            None => {
                weights.clear();
                weights.resize(pass.rows * self.plan.n_head, 1.0);
            }
        }
    }

    /// Turns this pass's keys and stores them.
    fn append(&self, pass: &Pass, w: &Workspace, ropes: &[Rope], k: &mut [f32], kv: &mut KvCache) {
        self.rotate(pass, w, ropes, k);
        let layer = kv.layer_mut(self.il_kv);
        for (r, row) in k.chunks_exact(self.plan.head_dim).enumerate() {
            layer.k.store(0, pass.pos + r, row);
        }
    }

    /// Turns each row's heads.
    fn rotate(&self, pass: &Pass, w: &Workspace, ropes: &[Rope], heads: &mut [f32]) {
        let Some(at) = self.plan.rope else { return };
        let (rope, angles) = (&ropes[at.rope].plan, &w.angles[at.rope]);
        let first = if at.last { self.plan.head_dim - rope.n_rot } else { 0 };
        let width = heads.len() / pass.rows;
        pass.each_row(heads, width, |r, row| {
            let (cos, sin) = angles[r * rope.n_rot..(r + 1) * rope.n_rot].split_at(rope.n_rot / 2);
            row.chunks_exact_mut(self.plan.head_dim)
                .for_each(|head| pass.compute.set().rope(rope.pairs, &mut head[first..first + rope.n_rot], cos, sin));
        });
    }

    /// Scores all keys for a few rows at a time, and sets the bits of what each of them chooses.
    fn score(&self, pass: &Pass, s: &mut ChoiceScratch, kv: &KvCache, cancel: &AtomicBool) -> Result<(), ForwardError> {
        let IndexerPlan { n_head, head_dim, chooses, .. } = self.plan;
        let (ratio, n_positions) = (self.ratio(), pass.pos + pass.rows);
        let n_keys = n_positions / ratio;
        let n_each = if matches!(chooses, Chooses::BlocksOfHeads { .. }) { n_head } else { 1 };
        // What is chosen are keys where these are attended themselves, else positions.
        let n_bits = if matches!(chooses, Chooses::Keys(_)) { n_keys } else { n_positions };
        s.chosen.clear(pass.rows, n_each, n_bits);
        for first in (0..pass.rows).step_by(SCORED_ROWS) {
            check(cancel)?;
            let n_rows = SCORED_ROWS.min(pass.rows - first);
            s.scores.resize(n_rows * n_each * n_keys, 0.0);
            let keys = kv.layer(self.il_kv).k.head(0);
            let weights = (n_each == 1).then_some(&s.weights[first * n_head..]);
            let shape = kernels::Index { n_head, head_dim, n_rows, n_keys, keys, weights };
            pass.compute.kernels().index(&shape, &s.q[first * n_head * head_dim..], &mut s.scores);
            for (i, scores) in s.scores.chunks_exact(n_keys).enumerate() {
                let row = first + i / n_each;
                let selection = select::Selection { chooses, ratio, pos: pass.pos + row };
                selection.make(scores, s.chosen.words_mut(row, i % n_each), &mut s.of_units, &mut s.heap);
            }
        }
        Ok(())
    }
}
