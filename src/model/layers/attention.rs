//! Attention of grouped query heads over the KV cache.

use super::super::cache::{KvCache, LayerCache};
use super::super::kernels::{self, KvHead};
use super::super::plan::{AttentionPlan, TensorError};
use super::super::rope::Rope;
use super::super::weight::Linear;
use super::super::workspace::Workspace;
use super::super::{ForwardError, check};
use super::{LinearGroup, Pass, values, values_mut};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

pub struct Attention {
    qkv: Vec<Linear>,
    out: Linear,
    /// Which layer of the KV cache is this one's.
    il_kv: usize,
    n_head: usize,
    n_head_kv: usize,
    head_dim_k: usize,
    head_dim_v: usize,
    rope: Option<usize>,
    scale: f32,
}

impl Attention {
    pub fn bind(file: &Gguf, plan: &AttentionPlan, il_kv: usize) -> Result<Self, TensorError> {
        Ok(Self {
            qkv: plan.qkv.iter().map(|l| Linear::bind(file, l)).collect::<Result<_, _>>()?,
            out: Linear::bind(file, &plan.out)?,
            il_kv,
            n_head: plan.n_head,
            n_head_kv: plan.n_head_kv,
            head_dim_k: plan.head_dim_k,
            head_dim_v: plan.head_dim_v,
            rope: plan.rope,
            scale: plan.scale,
        })
    }

    /// Values of a row of q | k | v.
    fn n_qkv(&self) -> usize {
        self.n_head * self.head_dim_k + self.n_head_kv * (self.head_dim_k + self.head_dim_v)
    }

    /// w.residual += the attention of w.normed, whose keys and values are appended to the cache.
    pub fn forward(&self, pass: &Pass, w: &Workspace, ropes: &[Rope], kv: &mut KvCache, cancel: &AtomicBool) -> Result<(), ForwardError> {
        w.qkv.inplace_op2(&w.normed, &LinearGroup { linears: &self.qkv, pass, add: false })?;
        check(cancel)?;
        let rope = self.rope.map(|i| (&ropes[i], &w.angles[i][..]));
        // The op is called through a shared reference; the lock is never waited for.
        let layer = Mutex::new(kv.layer_mut(self.il_kv));
        w.qkv.inplace_op1(&RotateAndAppend { attention: self, pass, rope, layer })?;
        w.attended.inplace_op2(&w.qkv, &Attend { attention: self, pass, layer: kv.layer(self.il_kv) })?;
        check(cancel)?;
        w.residual.inplace_op2(&w.attended, &LinearGroup { linears: std::slice::from_ref(&self.out), pass, add: true })?;
        Ok(())
    }
}

/// Rotates the queries and keys of each row in place, and stores its keys and values behind those of the cache.
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
        let Attention { n_head, n_head_kv, head_dim_k, head_dim_v, .. } = *self.attention;
        let stride = self.attention.n_qkv();
        let mut layer = self.layer.lock().map_err(|_| candle_core::Error::msg("the cache's lock is poisoned"))?;
        for (r, row) in values_mut(storage, layout)?.chunks_exact_mut(stride).take(self.pass.rows).enumerate() {
            let (qk, v) = row.split_at_mut((n_head + n_head_kv) * head_dim_k);
            if let Some((rope, angles)) = self.rope {
                let (n_rot, set) = (rope.plan.n_rot, self.pass.compute.set());
                let (cos, sin) = angles[r * n_rot..(r + 1) * n_rot].split_at(n_rot / 2);
                qk.chunks_exact_mut(head_dim_k).for_each(|head| set.rope(rope.plan.pairs, &mut head[..n_rot], cos, sin));
            }
            let keys = qk[n_head * head_dim_k..].chunks_exact(head_dim_k);
            for (head, (key, value)) in keys.zip(v.chunks_exact(head_dim_v)).enumerate() {
                layer.k.store(head, self.pass.pos + r, key);
                layer.v.store(head, self.pass.pos + r, value);
            }
        }
        Ok(())
    }
}

/// dst[r] = for each head, softmax(scale * q·k over all keys up to row r's) · v
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
        let Attention { n_head, n_head_kv, head_dim_k, head_dim_v, scale, .. } = *self.attention;
        let (first_pos, n_rows) = (self.pass.pos, self.pass.rows);
        let shape = kernels::Attention { n_head, n_head_kv, head_dim_k, head_dim_v, scale, first_pos, n_rows, window: None, softcap: None };
        let heads = |head| KvHead { keys: self.layer.k.head(head), values: self.layer.v.head(head) };
        let (n_src, n_dst) = (self.attention.n_qkv(), n_head * head_dim_v);
        self.pass.compute.kernels().attend(&shape, heads, (&src[..n_rows * n_src], n_src), (&mut dst[..n_rows * n_dst], n_dst));
        Ok(())
    }
}
