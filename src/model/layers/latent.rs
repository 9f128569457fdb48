//! Attention over a cache of latent rows, or of keys and values made of them.

use super::super::cache::{HeadRows, LayerCache};
use super::super::kernels::{self, KvHead, SMALL_BATCH};
use super::super::plan::{Cached, LatentForm, LatentPlan, TensorError, To};
use super::super::rope::Rope;
use super::super::weight::{Linear, Norm, Weight, vector};
use super::super::workspace::Workspace;
use super::super::{ForwardError, check};
use super::choice::{Choice, Inputs};
use super::gate::GateRows;
use super::{Caches, LinearGroup, NormInPlace, Pass, Taken, project, values, values_mut};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Tensor};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

pub struct Latent {
    plan: LatentPlan,
    q_a: Option<(Linear, Norm)>,
    q: Linear,
    kv_a: Linear,
    kv_norm: Norm,
    rope_norm: Option<Norm>,
    form: Form,
    choice: Option<Choice>,
    /// [n_head], or empty.
    sinks: Vec<f32>,
    il_kv: usize,
    gate: Option<Linear>,
    out: Linear,
}

enum Form {
    Absorbed { k: Weight, v: Weight },
    Expanded { kv: Linear },
}

impl Latent {
    pub fn bind(file: &Gguf, plan: &LatentPlan, il_kv: usize, taken: &mut Taken) -> Result<Self, TensorError> {
        let q_a = plan.q_a.as_ref().map(|(l, n)| -> Result<_, TensorError> { Ok((Linear::bind(file, l)?, Norm::bind(file, n)?)) });
        Ok(Self {
            q_a: q_a.transpose()?,
            q: Linear::bind(file, &plan.q)?,
            kv_a: Linear::bind(file, &plan.kv_a)?,
            kv_norm: Norm::bind(file, &plan.kv_norm)?,
            rope_norm: plan.rope_norm.as_ref().map(|n| Norm::bind(file, n)).transpose()?,
            choice: plan.choice.as_ref().map(|c| Choice::bind(file, c, il_kv + 1, taken)).transpose()?,
            sinks: plan.sinks.as_ref().map(|t| vector(file, t)).transpose()?.unwrap_or_default(),
            form: match &plan.form {
                LatentForm::Absorbed { k, v } => Form::Absorbed { k: Weight::bind(file, k)?, v: Weight::bind(file, v)? },
                LatentForm::Expanded { kv } => Form::Expanded { kv: Linear::bind(file, kv)? },
            },
            il_kv,
            gate: plan.gate.as_ref().map(|(linear, _)| Linear::bind(file, linear)).transpose()?,
            out: Linear::bind(file, &plan.out)?,
            plan: plan.clone(),
        })
    }

    /// to = or += the attention of `from`, whose latent row is appended to the cache.
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
        let queries = if self.q_a.is_some() { &w.latent } else { from };
        match &self.q_a {
            Some((linear, norm)) => {
                w.latent.inplace_op2(from, &one(linear))?;
                w.latent.inplace_op1(&NormInPlace { norm, pass, width: linear.weight.n_out })?;
                w.heads.inplace_op2(&w.latent, &one(&self.q))?;
            }
            None => w.heads.inplace_op2(from, &one(&self.q))?,
        }
        if let Some(choice) = &self.choice {
            choice.make(pass, w, Inputs { input: from, queries }, ropes, caches, cancel)?;
        }
        let kv = &mut *caches.kv;
        let rope = self.plan.rope.map(|i| (&ropes[i], &w.angles[i][..]));
        w.heads.inplace_op1(&RotateQueries { latent: self, pass, rope })?;
        w.latent.inplace_op2(from, &one(&self.kv_a))?;
        if let Some(gate) = &self.gate {
            w.gate.inplace_op2(from, &one(gate))?;
        }
        check(cancel)?;
        match &self.form {
            Form::Absorbed { k, v } => {
                let layer = Mutex::new(kv.layer_mut(self.il_kv));
                w.latent.inplace_op1(&NormAndRotate { latent: self, pass, rope, layer: Some(layer) })?;
                let n_rest = self.plan.n_rope;
                w.qkv.inplace_op2(&w.heads, &EachHead { weight: k, n_head: self.plan.n_head, n_rest, pass })?;
                w.attended.inplace_op2(&w.qkv, &Attend { latent: self, pass, layer: kv.layer(self.il_kv) })?;
                w.heads.inplace_op2(&w.attended, &EachHead { weight: v, n_head: self.plan.n_head, n_rest: 0, pass })?;
                self.gate(pass, w, &w.heads)?;
                check(cancel)?;
                project(&self.out, 1.0, &w.heads, to, pass, w)?;
            }
            Form::Expanded { kv: expand } => {
                w.latent.inplace_op1(&NormAndRotate { latent: self, pass, rope, layer: None })?;
                w.latent_alone.inplace_op2(&w.latent, &First { n: self.plan.n_latent, of: self.kv_a.weight.n_out, pass })?;
                w.qkv.inplace_op2(&w.latent_alone, &one(expand))?;
                let layer = Mutex::new(kv.layer_mut(self.il_kv));
                w.qkv.inplace_op2(&w.latent, &AppendExpanded { latent: self, pass, layer })?;
                w.attended.inplace_op2(&w.heads, &Attend { latent: self, pass, layer: kv.layer(self.il_kv) })?;
                self.gate(pass, w, &w.attended)?;
                check(cancel)?;
                project(&self.out, 1.0, &w.attended, to, pass, w)?;
            }
        }
        Ok(())
    }

    /// Gates the values of all heads.
    fn gate(&self, pass: &Pass, w: &Workspace, values: &Tensor) -> Result<(), ForwardError> {
        let (Some(linear), Some((_, activation))) = (&self.gate, &self.plan.gate) else { return Ok(()) };
        let (width, n) = (self.plan.n_head * self.plan.head_dim_v, linear.weight.n_out);
        Ok(values.inplace_op2(&w.gate, &GateRows { width, stride: n, at: 0..n, activation: *activation, pass })?)
    }
}

type Angles<'a> = Option<(&'a Rope, &'a [f32])>;

fn rotate(rope: Angles, pass: &Pass, r: usize, values: &mut [f32]) {
    if let Some((rope, angles)) = rope {
        let n_rot = rope.plan.n_rot;
        let (cos, sin) = angles[r * n_rot..(r + 1) * n_rot].split_at(n_rot / 2);
        pass.compute.set().rope(rope.plan.pairs, &mut values[..n_rot], cos, sin);
    }
}

/// Rotates the last values of each head's query, and grows all by the temperature.
struct RotateQueries<'a> {
    latent: &'a Latent,
    pass: &'a Pass<'a>,
    rope: Angles<'a>,
}

impl InplaceOp1 for RotateQueries<'_> {
    fn name(&self) -> &'static str {
        "rotate queries"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let plan = &self.latent.plan;
        let (dim, stride) = (plan.head_dim(), self.latent.q.weight.n_out);
        self.pass.each_row(values_mut(storage, layout)?, stride, |r, row| {
            row.chunks_exact_mut(dim).for_each(|head| rotate(self.rope, self.pass, r, &mut head[plan.n_nope..]));
            if let Some(t) = plan.temperature {
                self.pass.compute.set().scale(row, t.at(self.pass.pos + r));
            }
        });
        Ok(())
    }
}

/// Norms the latent part of each row in place and rotates the rest; a cache of latent rows gets both.
struct NormAndRotate<'a> {
    latent: &'a Latent,
    pass: &'a Pass<'a>,
    rope: Angles<'a>,
    layer: Option<Mutex<&'a mut LayerCache>>,
}

impl InplaceOp1 for NormAndRotate<'_> {
    fn name(&self) -> &'static str {
        "norm and rotate latent"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let (n_latent, width) = (self.latent.plan.n_latent, self.latent.kv_a.weight.n_out);
        let rows = values_mut(storage, layout)?;
        self.pass.each_row(rows, width, |r, row| {
            let before = row.to_vec();
            self.latent.kv_norm.row(self.pass.compute.set(), &before[..n_latent], &mut row[..n_latent]);
            if let Some(norm) = &self.latent.rope_norm {
                norm.row(self.pass.compute.set(), &before[n_latent..], &mut row[n_latent..]);
            }
            rotate(self.rope, self.pass, r, &mut row[n_latent..]);
        });
        if let Some(layer) = &self.layer {
            let mut layer = layer.lock().map_err(|_| candle_core::Error::msg("the cache's lock is poisoned"))?;
            let rows = rows.chunks_exact(width).take(self.pass.rows).enumerate();
            rows.for_each(|(r, row)| layer.k.store(0, self.pass.pos + r, row));
        }
        Ok(())
    }
}

/// dst[r] = the first `n` of the `of` values of src[r]
struct First<'a> {
    n: usize,
    of: usize,
    pass: &'a Pass<'a>,
}

impl InplaceOp2 for First<'_> {
    fn name(&self) -> &'static str {
        "first"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        self.pass.each_row(dst, self.n, |r, out| out.copy_from_slice(&src[r * self.of..][..self.n]));
        Ok(())
    }
}

/// Stores keys and values: each head's own from `dst`, the shared rotating part of the keys from the end of `src`.
struct AppendExpanded<'a> {
    latent: &'a Latent,
    pass: &'a Pass<'a>,
    layer: Mutex<&'a mut LayerCache>,
}

impl InplaceOp2 for AppendExpanded<'_> {
    fn name(&self) -> &'static str {
        "append expanded"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let plan = &self.latent.plan;
        let (expanded, latent) = (values_mut(s1, l1)?, values(s2, l2)?);
        let mut layer = self.layer.lock().map_err(|_| candle_core::Error::msg("the cache's lock is poisoned"))?;
        let LayerCache { k, v, .. } = &mut **layer;
        let (each, expanded) = (plan.n_nope + plan.head_dim_v, &*expanded);
        let store = |head: usize, (k, v): &mut (HeadRows, HeadRows)| {
            let mut key = vec![0.0; plan.head_dim()];
            let rows = expanded.chunks_exact(plan.n_head * each).zip(latent.chunks_exact(self.latent.kv_a.weight.n_out));
            for (r, (row, latent)) in rows.take(self.pass.rows).enumerate() {
                let (own, values) = row[head * each..][..each].split_at(plan.n_nope);
                key[..plan.n_nope].copy_from_slice(own);
                key[plan.n_nope..].copy_from_slice(&latent[plan.n_latent..]);
                k.store(self.pass.pos + r, &key);
                v.store(self.pass.pos + r, values);
            }
        };
        // A head is one thread's, so no lock is waited for.
        let heads: Vec<_> = k.heads_mut().zip(v.heads_mut()).map(Mutex::new).collect();
        self.pass.compute.kernels().pool().run(heads.len(), &|head, _| {
            store(head, &mut heads[head].lock().unwrap_or_else(PoisonError::into_inner));
        });
        Ok(())
    }
}

/// dst[r] = for each head its own matrix times the head's first values in src[r], then the `n_rest` values behind them.
pub struct EachHead<'a> {
    pub weight: &'a Weight,
    pub n_head: usize,
    pub n_rest: usize,
    pub pass: &'a Pass<'a>,
}

impl InplaceOp2 for EachHead<'_> {
    fn name(&self) -> &'static str {
        "each head"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        let (from, to) = (self.weight.n_in + self.n_rest, self.weight.n_out + self.n_rest);
        let dst = &mut dst[..self.pass.rows * self.n_head * to];
        if self.pass.rows == 1 {
            self.multiply_one(&src[..self.n_head * from], dst);
        } else {
            self.multiply_rows(src, dst);
        }
        if self.n_rest > 0 {
            self.pass.each_row(dst, self.n_head * to, |r, row| {
                let heads = row.chunks_exact_mut(to).zip(src[r * self.n_head * from..].chunks_exact(from));
                heads.for_each(|(out, head)| out[self.weight.n_out..].copy_from_slice(&head[self.weight.n_in..]));
            });
        }
        Ok(())
    }
}

impl EachHead<'_> {
    fn multiply_rows(&self, src: &[f32], dst: &mut [f32]) {
        let Weight { n_in, n_out, ty, .. } = *self.weight;
        let (rows, from, to) = (self.pass.rows, n_in + self.n_rest, n_out + self.n_rest);
        let mut input = vec![0.0; rows * n_in];
        for head in 0..self.n_head {
            self.pass.each_row(&mut input, n_in, |r, x| x.copy_from_slice(&src[(r * self.n_head + head) * from..][..n_in]));
            let x = self.pass.prepare(&input, rows, &[ty]);
            let part = kernels::Linear::new(self.weight.rows(head), &x).at_column(head * to);
            self.pass.compute.kernels().linear(&x, &[part], dst, self.n_head * to);
        }
    }

    /// The heads of one row, as many together as small batches have rows: each is a row of its own.
    fn multiply_one(&self, src: &[f32], dst: &mut [f32]) {
        let Weight { n_in, n_out, ty, .. } = *self.weight;
        let (from, to) = (n_in + self.n_rest, n_out + self.n_rest);
        let mut input = Vec::with_capacity(SMALL_BATCH * n_in);
        for (group, heads) in src.chunks(SMALL_BATCH * from).enumerate() {
            input.clear();
            heads.chunks_exact(from).for_each(|head| input.extend_from_slice(&head[..n_in]));
            let n = heads.len() / from;
            let x = self.pass.prepare(&input, n, &[ty]);
            let part = |i: usize| {
                let head = group * SMALL_BATCH + i;
                kernels::Linear::new(self.weight.rows(head), &x).at_column(head * to).of_rows(i..i + 1)
            };
            let parts: Vec<_> = (0..n).map(part).collect();
            self.pass.compute.kernels().linear(&x, &parts, dst, self.n_head * to);
        }
    }
}

/// dst[r] = for each head, softmax(scale * q·k) · v over the keys that row r looks at
struct Attend<'a> {
    latent: &'a Latent,
    pass: &'a Pass<'a>,
    layer: &'a LayerCache,
}

impl InplaceOp2 for Attend<'_> {
    fn name(&self) -> &'static str {
        "attend latent"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        let plan = &self.latent.plan;
        let Cached { n_head: n_head_kv, head_dim_k, head_dim_v: own_values, .. } = plan.cached();
        let choice = self.latent.choice.as_ref().map(|_| self.pass.compute.choice_scratch());
        let sinks = &self.latent.sinks;
        let shape = kernels::Attention {
            n_head: plan.n_head,
            n_head_kv,
            head_dim_k,
            head_dim_v: plan.attended_dim(),
            // A latent row begins with its value.
            value_stride: if own_values == 0 { head_dim_k } else { own_values },
            scale: plan.scale,
            first_pos: self.pass.pos,
            n_rows: self.pass.rows,
            seen: plan.seen,
            softcap: None,
            slopes: None,
            sinks: (!sinks.is_empty()).then_some(&sinks[..]),
            chosen: choice.as_ref().and_then(|c| c.chosen()),
            pooled: None,
        };
        let heads = |head| {
            let keys = self.layer.k.head(head);
            KvHead { keys, values: if own_values == 0 { keys } else { self.layer.v.head(head) } }
        };
        let (rows, n_src, n_dst) = (self.pass.rows, plan.n_head * head_dim_k, plan.n_head * plan.attended_dim());
        self.pass.compute.kernels().attend(&shape, heads, (&src[..rows * n_src], n_src), (&mut dst[..rows * n_dst], n_dst));
        Ok(())
    }
}
