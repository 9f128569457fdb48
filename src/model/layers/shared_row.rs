//! Attention of one short row that is key and value of all heads, over positions and over blocks of them.

use super::super::cache::LayerCache;
use super::super::kernels::{self, KvHead, Pooled};
use super::super::plan::{SharedRowPlan, TensorError, To};
use super::super::rope::Rope;
use super::super::weight::{Linear, Norm, Weight, vector};
use super::super::workspace::Workspace;
use super::super::{ForwardError, check};
use super::choice::{Indexer, Inputs, Pool};
use super::latent::EachHead;
use super::{Caches, LinearGroup, NormInPlace, Pass, Taken, project, values, values_mut, with_values};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Tensor};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

pub struct SharedRow {
    plan: SharedRowPlan,
    q_a: (Linear, Norm),
    q: Linear,
    q_norm: Norm,
    row: Linear,
    row_norm: Norm,
    sinks: Vec<f32>,
    pool: Option<Pool>,
    indexer: Option<Indexer>,
    out_a: Weight,
    out: Linear,
    il_kv: usize,
}

impl SharedRow {
    /// Its rows are those at `il_kv`, pooled ones and an indexer's keys follow.
    pub fn bind(file: &Gguf, plan: &SharedRowPlan, il_kv: usize, taken: &mut Taken) -> Result<Self, TensorError> {
        let mut out_a = Weight::bind(file, &plan.out_a)?;
        // Groups may stand one below the other.
        out_a.n_out = plan.rank;
        let pool = plan.pool.as_ref().map(|p| Pool::bind(file, p, il_kv + 1, taken)).transpose()?;
        Ok(Self {
            q_a: (Linear::bind(file, &plan.q_a.0)?, Norm::bind(file, &plan.q_a.1)?),
            q: Linear::bind(file, &plan.q)?,
            q_norm: Norm::bind(file, &plan.q_norm)?,
            row: Linear::bind(file, &plan.row)?,
            row_norm: Norm::bind(file, &plan.row_norm)?,
            sinks: vector(file, &plan.sinks)?,
            pool,
            indexer: plan.choice.as_ref().map(|i| Indexer::bind(file, i, il_kv + 2, taken)).transpose()?,
            out_a,
            out: Linear::bind(file, &plan.out)?,
            il_kv,
            plan: plan.clone(),
        })
    }

    /// to = or += the attention of `from`, whose row is appended to the cache.
    #[allow(clippy::too_many_arguments)]
    pub fn forward(
        &self,
        pass: &Pass,
        w: &Workspace,
        from: &Tensor,
        to: To,
        ropes: &[Rope],
        caches: &mut Caches,
        cancel: &AtomicBool,
    ) -> Result<(), ForwardError> {
        let one = |linear| LinearGroup { linears: std::slice::from_ref(linear), pass, add: false };
        let (q_a, q_a_norm) = &self.q_a;
        w.latent.inplace_op2(from, &one(q_a))?;
        w.latent.inplace_op1(&NormInPlace { norm: q_a_norm, pass, width: q_a.weight.n_out })?;
        if let Some(pool) = &self.pool {
            let scratch = &mut pass.compute.choice_scratch().pool;
            with_values(from, |x| pool.append(pass, x, ropes, caches, scratch))?;
        }
        if let Some(indexer) = &self.indexer {
            indexer.choose(pass, w, Inputs { input: from, queries: &w.latent }, ropes, caches, cancel)?;
        }
        check(cancel)?;
        let n_head = self.plan.n_head;
        w.heads.inplace_op2(&w.latent, &one(&self.q))?;
        w.heads.inplace_op1(&Turn { norm: Some(&self.q_norm), ..self.turn(pass, w, ropes, n_head) })?;
        w.qkv.inplace_op2(from, &one(&self.row))?;
        let layer = Mutex::new(caches.kv.layer_mut(self.il_kv));
        w.qkv.inplace_op1(&Turn { norm: Some(&self.row_norm), keep: Some(layer), ..self.turn(pass, w, ropes, 1) })?;
        let pooled = self.pool.as_ref().map(|pool| caches.kv.layer(pool.il_kv));
        w.attended.inplace_op2(&w.heads, &Attend { of: self, pass, layer: caches.kv.layer(self.il_kv), pooled })?;
        w.attended.inplace_op1(&Turn { back: true, ..self.turn(pass, w, ropes, n_head) })?;
        check(cancel)?;
        w.heads.inplace_op2(&w.attended, &EachHead { weight: &self.out_a, n_head: self.plan.n_group, n_rest: 0, pass })?;
        Ok(project(&self.out, 1.0, &w.heads, to, pass, w)?)
    }

    /// Turns the heads of rows, and does nothing else.
    fn turn<'a>(&self, pass: &'a Pass<'a>, w: &'a Workspace, ropes: &'a [Rope], n_head: usize) -> Turn<'a> {
        let (rope, angles) = (&ropes[self.plan.rope], &w.angles[self.plan.rope][..]);
        Turn { n_head, norm: None, rope, angles, dim: self.plan.head_dim, back: false, keep: None, pass }
    }
}

/// Norms each head of each row, turns its last values, or turns them back; keeps the rows.
struct Turn<'a> {
    n_head: usize,
    norm: Option<&'a Norm>,
    rope: &'a Rope,
    angles: &'a [f32],
    dim: usize,
    back: bool,
    keep: Option<Mutex<&'a mut LayerCache>>,
    pass: &'a Pass<'a>,
}

impl InplaceOp1 for Turn<'_> {
    fn name(&self) -> &'static str {
        "turn"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let (dim, n_rot, set) = (self.dim, self.rope.plan.n_rot, self.pass.compute.set());
        let rows = values_mut(storage, layout)?;
        self.pass.each_row(rows, self.n_head * dim, |r, row| {
            let (cos, sin) = self.angles[r * n_rot..(r + 1) * n_rot].split_at(n_rot / 2);
            let mut before = vec![0.0; dim];
            let sin: Vec<f32> = sin.iter().map(|s| if self.back { -s } else { *s }).collect();
            for head in row.chunks_exact_mut(dim) {
                if let Some(norm) = self.norm {
                    before.copy_from_slice(head);
                    norm.row(set, &before, head);
                }
                set.rope(self.rope.plan.pairs, &mut head[dim - n_rot..], cos, &sin);
            }
        });
        if let Some(layer) = &self.keep {
            let mut layer = layer.lock().map_err(|_| candle_core::Error::msg("the cache's lock is poisoned"))?;
            let rows = rows.chunks_exact(self.n_head * dim).take(self.pass.rows).enumerate();
            rows.for_each(|(r, row)| layer.k.store(0, self.pass.pos + r, row));
        }
        Ok(())
    }
}

/// dst[r] = for each head, softmax(scale * q·k) · k over the rows that row r looks at
struct Attend<'a> {
    of: &'a SharedRow,
    pass: &'a Pass<'a>,
    layer: &'a LayerCache,
    pooled: Option<&'a LayerCache>,
}

impl InplaceOp2 for Attend<'_> {
    fn name(&self) -> &'static str {
        "attend shared rows"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        let SharedRowPlan { n_head, head_dim, scale, seen, .. } = self.of.plan;
        let choice = self.pass.compute.choice_scratch();
        let chosen = self.of.indexer.as_ref().and_then(|_| choice.chosen());
        let pooled = self.of.pool.as_ref().zip(self.pooled);
        let shape = kernels::Attention {
            n_head,
            n_head_kv: 1,
            head_dim_k: head_dim,
            head_dim_v: head_dim,
            value_stride: head_dim,
            scale,
            first_pos: self.pass.pos,
            n_rows: self.pass.rows,
            seen,
            softcap: None,
            slopes: None,
            sinks: Some(&self.of.sinks),
            chosen: None,
            pooled: pooled.map(|(pool, layer)| Pooled { rows: layer.k.head(0), ratio: pool.ratio(), chosen }),
        };
        let rows = self.layer.k.head(0);
        let n = n_head * head_dim;
        let (q, out) = (&src[..self.pass.rows * n], &mut dst[..self.pass.rows * n]);
        self.pass.compute.kernels().attend(&shape, |_| KvHead { keys: rows, values: rows }, (q, n), (out, n));
        Ok(())
    }
}
