//! Attention of grouped query heads over the KV cache.

use super::super::cache::{HeadRows, LayerCache};
use super::super::kernels::{self, KernelSet, KvHead};
use super::super::plan::{AttentionPlan, GateFrom, HeadNorm, KeysOf, NormAt, TensorError, To};
use super::super::rope::Rope;
use super::super::weight::{Linear, Norm, vector};
use super::super::workspace::Workspace;
use super::super::{ForwardError, check};
use super::choice::{Choice, Inputs};
use super::gate::GateRows;
use super::{Caches, LinearGroup, NormInPlace, Pass, Taken, project, values, values_mut};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Tensor};
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

pub struct Attention {
    plan: AttentionPlan,
    qkv: Vec<Linear>,
    out: Linear,
    /// Which layer of the KV cache it reads; its own, or another's.
    il_kv: usize,
    q_norm: Option<Norm>,
    k_norm: Option<Norm>,
    value_norm: Option<Norm>,
    attended_norm: Option<Norm>,
    gate: Option<Linear>,
    /// [n_head] each, or empty.
    sinks: Vec<f32>,
    choice: Option<Choice>,
    q_scales: Vec<f32>,
    slopes: Vec<f32>,
}

/// Where the parts of a row of the workspace's `qkv` lie.
struct Parts {
    q: Range<usize>,
    /// Gates that came with the queries.
    gate: Range<usize>,
    k: Range<usize>,
    v: Range<usize>,
}

impl Attention {
    pub fn bind(file: &Gguf, plan: &AttentionPlan, il_kv: usize, taken: &mut Taken) -> Result<Self, TensorError> {
        let il_indexer = il_kv + usize::from(plan.keys_of == KeysOf::Own);
        let norm = |plan: Option<&_>| plan.map(|n| Norm::bind(file, n)).transpose();
        let head_norm = plan.head_norm.as_ref();
        let gate = plan.gate.as_ref().and_then(|g| match &g.from {
            GateFrom::Linear(linear) => Some(linear),
            GateFrom::Queries => None,
        });
        Ok(Self {
            qkv: plan.qkv.iter().map(|l| Linear::bind(file, l)).collect::<Result<_, _>>()?,
            out: Linear::bind(file, &plan.out)?,
            il_kv: match plan.keys_of {
                KeysOf::Own => il_kv,
                KeysOf::Other(other) => other,
            },
            q_norm: norm(head_norm.and_then(|n| n.q.as_ref()))?,
            k_norm: norm(head_norm.and_then(|n| n.k.as_ref()))?,
            value_norm: norm(plan.value_norm.as_ref())?,
            attended_norm: norm(plan.attended_norm.as_ref())?,
            gate: gate.map(|l| Linear::bind(file, l)).transpose()?,
            choice: plan.choice.as_ref().map(|c| Choice::bind(file, c, il_indexer, taken)).transpose()?,
            sinks: plan.sinks.as_ref().map(|t| vector(file, t)).transpose()?.unwrap_or_default(),
            q_scales: head_norm.and_then(|n| n.q_scales.as_ref()).map(|t| vector(file, t)).transpose()?.unwrap_or_default(),
            slopes: plan.alibi.map(|bias| slopes(plan.n_head, bias)).unwrap_or_default(),
            plan: plan.clone(),
        })
    }

    /// Values of a row of what the first matrices give.
    fn n_qkv(&self) -> usize {
        self.qkv.iter().map(|l| l.weight.n_out).sum()
    }

    fn parts(&self) -> Parts {
        let p = &self.plan;
        let n_q = p.n_head * p.head_dim_k;
        let n_gate = if matches!(&p.gate, Some(g) if g.from == GateFrom::Queries) { n_q } else { 0 };
        let own = p.keys_of == KeysOf::Own;
        let n_k = if own { p.n_head_kv * p.head_dim_k } else { 0 };
        let n_v = if own && !p.values_are_keys { p.n_head_kv * p.head_dim_v } else { 0 };
        let k = n_q + n_gate;
        Parts { q: 0..n_q, gate: n_q..k, k: k..k + n_k, v: k + n_k..k + n_k + n_v }
    }

    /// to = or += the attention of `from`, whose keys and values are appended to the cache.
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
        w.qkv.inplace_op2(from, &LinearGroup { linears: &self.qkv, pass, add: false })?;
        if let Some(gate) = &self.gate {
            w.gate.inplace_op2(from, &LinearGroup { linears: std::slice::from_ref(gate), pass, add: false })?;
        }
        if let Some(choice) = &self.choice {
            choice.make(pass, w, Inputs { input: from, queries: from }, ropes, caches, cancel)?;
        }
        check(cancel)?;
        let kv = &mut *caches.kv;
        let rope = self.plan.rope.map(|i| (&ropes[i], &w.angles[i][..]));
        // The op is called through a shared reference; the lock is never waited for.
        let layer = Mutex::new(kv.layer_mut(self.il_kv));
        w.qkv.inplace_op1(&RotateAndAppend { attention: self, pass, rope, layer })?;
        w.attended.inplace_op2(&w.qkv, &Attend { attention: self, pass, layer: kv.layer(self.il_kv) })?;
        if let Some(gate) = &self.plan.gate {
            let with = match gate.from {
                GateFrom::Queries => &w.qkv,
                GateFrom::Linear(_) => &w.gate,
            };
            let (stride, at) = match &self.gate {
                Some(linear) => (linear.weight.n_out, 0..linear.weight.n_out),
                None => (self.n_qkv(), self.parts().gate),
            };
            let width = self.plan.n_head * self.plan.head_dim_v;
            w.attended.inplace_op2(with, &GateRows { width, stride, at, activation: gate.activation, pass })?;
        }
        if let Some(norm) = &self.attended_norm {
            w.attended.inplace_op1(&NormInPlace { norm, pass, width: self.plan.n_head * self.plan.head_dim_v })?;
        }
        check(cancel)?;
        Ok(project(&self.out, self.plan.out_scale, &w.attended, to, pass, w)?)
    }
}

/// The slopes of ALiBi for each head (arXiv 2108.12409, as llama.cpp's `ggml_compute_forward_soft_max` has them).
fn slopes(n_head: usize, bias_max: f32) -> Vec<f32> {
    let whole = 1usize << n_head.ilog2();
    let slope = |h: usize| match h < whole {
        true => 2f32.powf(-bias_max / whole as f32 * (h + 1) as f32),
        false => 2f32.powf(-bias_max / 2.0 / whole as f32 * (2 * (h - whole) + 1) as f32),
    };
    (0..n_head).map(slope).collect()
}

/// Norms and rotates the queries and keys of each row in place, and stores its keys and values behind those of the cache.
struct RotateAndAppend<'a> {
    attention: &'a Attention,
    pass: &'a Pass<'a>,
    rope: Option<(&'a Rope, &'a [f32])>,
    layer: Mutex<&'a mut LayerCache>,
}

impl InplaceOp1 for RotateAndAppend<'_> {
    fn name(&self) -> &'static str {
        "rotate and append"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let (a, plan) = (self.attention, &self.attention.plan);
        let (parts, stride) = (a.parts(), a.n_qkv());
        let rows = &mut values_mut(storage, layout)?[..self.pass.rows * stride];
        // Values that are keys are those from before they were normed and rotated.
        let mut keys_before: Vec<f32> = match plan.values_are_keys {
            true => rows.chunks_exact(stride).flat_map(|row| &row[parts.k.clone()]).copied().collect(),
            false => Vec::new(),
        };
        self.pass.each_row(rows, stride, |r, row| self.turn(r, row, &parts));
        if plan.keys_of != KeysOf::Own {
            return Ok(());
        }
        if plan.values_are_keys {
            self.pass.each_row(&mut keys_before, parts.k.len(), |_, row| self.finish_values(row, plan.clamp));
        }
        let (values, width, at) = match plan.values_are_keys {
            true => (&keys_before[..], parts.k.len(), 0),
            false => (&*rows, stride, parts.v.start),
        };
        let mut layer = self.layer.lock().map_err(|_| candle_core::Error::msg("the cache's lock is poisoned"))?;
        let LayerCache { k, v, .. } = &mut **layer;
        let store = |head: usize, (k, v): &mut (HeadRows, HeadRows)| {
            let (dk, dv) = (plan.head_dim_k, plan.head_dim_v);
            for (r, (row, values)) in rows.chunks_exact(stride).zip(values.chunks_exact(width)).enumerate() {
                k.store(self.pass.pos + r, &row[parts.k.start + head * dk..][..dk]);
                v.store(self.pass.pos + r, &values[at + head * dv..][..dv]);
            }
        };
        let heads = k.heads_mut().zip(v.heads_mut());
        if self.pass.rows <= kernels::SMALL_BATCH {
            heads.enumerate().for_each(|(head, mut kv)| store(head, &mut kv));
            return Ok(());
        }
        // A head is one thread's, so no lock is waited for.
        let heads: Vec<_> = heads.map(Mutex::new).collect();
        self.pass.compute.kernels().pool().run(heads.len(), &|head, _| {
            store(head, &mut heads[head].lock().unwrap_or_else(PoisonError::into_inner));
        });
        Ok(())
    }
}

impl RotateAndAppend<'_> {
    /// All that is done to row `r` before its keys and values are stored.
    fn turn(&self, r: usize, row: &mut [f32], parts: &Parts) {
        let plan = &self.attention.plan;
        let mut scratch = Vec::new();
        if !parts.gate.is_empty() {
            part_gates(&mut row[..parts.gate.end], plan.head_dim_k, &mut scratch);
        }
        if let Some(limit) = plan.clamp {
            row.iter_mut().for_each(|x| *x = x.clamp(-limit, limit));
        }
        self.norm_heads(row, parts, NormAt::BeforeRope, &mut scratch);
        self.rotate(r, row, parts);
        self.norm_heads(row, parts, NormAt::AfterRope, &mut scratch);
        if let Some(t) = plan.temperature {
            self.pass.compute.set().scale(&mut row[parts.q.clone()], t.at(self.pass.pos + r));
        }
        self.finish_values(&mut row[parts.v.clone()], None);
    }

    fn finish_values(&self, values: &mut [f32], clamp: Option<f32>) {
        if let Some(limit) = clamp {
            values.iter_mut().for_each(|x| *x = x.clamp(-limit, limit));
        }
        if let Some(norm) = &self.attention.value_norm {
            each_head(self.pass.compute.set(), norm, values, self.attention.plan.head_dim_v, false, &mut Vec::new());
        }
    }

    fn norm_heads(&self, row: &mut [f32], parts: &Parts, at: NormAt, scratch: &mut Vec<f32>) {
        let (a, set) = (self.attention, self.pass.compute.set());
        let Some(HeadNorm { whole, each, .. }) = a.plan.head_norm.as_ref().filter(|n| n.at == at) else { return };
        for (norm, part) in [(&a.q_norm, &parts.q), (&a.k_norm, &parts.k)] {
            if let Some(norm) = norm.as_ref().filter(|_| !part.is_empty()) {
                let width = if *whole { part.len() } else { a.plan.head_dim_k };
                each_head(set, norm, &mut row[part.clone()], width, *each, scratch);
            }
        }
        for (head, scale) in row[parts.q.clone()].chunks_exact_mut(a.plan.head_dim_k).zip(&a.q_scales) {
            set.scale(head, *scale);
        }
    }

    fn rotate(&self, r: usize, row: &mut [f32], parts: &Parts) {
        let Some((rope, angles)) = self.rope else { return };
        let (n_rot, set, dim) = (rope.plan.n_rot, self.pass.compute.set(), self.attention.plan.head_dim_k);
        let (cos, sin) = angles[r * n_rot..(r + 1) * n_rot].split_at(n_rot / 2);
        for part in [&parts.q, &parts.k] {
            row[part.clone()].chunks_exact_mut(dim).for_each(|head| set.rope(rope.plan.pairs, &mut head[..n_rot], cos, sin));
        }
    }
}

/// [q, gate] for each head becomes all queries, then all gates.
fn part_gates(row: &mut [f32], head_dim: usize, scratch: &mut Vec<f32>) {
    scratch.clear();
    let heads = || row.chunks_exact(2 * head_dim);
    heads().for_each(|head| scratch.extend_from_slice(&head[..head_dim]));
    heads().for_each(|head| scratch.extend_from_slice(&head[head_dim..]));
    row.copy_from_slice(scratch);
}

/// Norms each `width` values; `each` with weights of its own.
fn each_head(set: &KernelSet, norm: &Norm, heads: &mut [f32], width: usize, each: bool, scratch: &mut Vec<f32>) {
    for (i, head) in heads.chunks_exact_mut(width).enumerate() {
        scratch.clear();
        scratch.extend_from_slice(head);
        norm.part(set, scratch, if each { i * width } else { 0 }, head);
    }
}

/// dst[r] = for each head, softmax(scale * q·k over the keys that row r sees) · v
struct Attend<'a> {
    attention: &'a Attention,
    pass: &'a Pass<'a>,
    layer: &'a LayerCache,
}

impl InplaceOp2 for Attend<'_> {
    fn name(&self) -> &'static str {
        "attend"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        let (a, plan) = (self.attention, &self.attention.plan);
        let given = |x: &'_ [f32]| -> bool { !x.is_empty() };
        let choice = a.choice.as_ref().map(|_| self.pass.compute.choice_scratch());
        let shape = kernels::Attention {
            n_head: plan.n_head,
            n_head_kv: plan.n_head_kv,
            head_dim_k: plan.head_dim_k,
            head_dim_v: plan.head_dim_v,
            value_stride: plan.head_dim_v,
            scale: plan.scale,
            first_pos: self.pass.pos,
            n_rows: self.pass.rows,
            seen: plan.seen,
            softcap: plan.score_cap,
            slopes: given(&a.slopes).then_some(&a.slopes[..]),
            sinks: given(&a.sinks).then_some(&a.sinks[..]),
            chosen: choice.as_ref().and_then(|c| c.chosen()),
            pooled: None,
        };
        let heads = |head| KvHead { keys: self.layer.k.head(head), values: self.layer.v.head(head) };
        let (rows, n_src, n_dst) = (self.pass.rows, a.n_qkv(), plan.n_head * plan.head_dim_v);
        self.pass.compute.kernels().attend(&shape, heads, (&src[..rows * n_src], n_src), (&mut dst[..rows * n_dst], n_dst));
        Ok(())
    }
}
