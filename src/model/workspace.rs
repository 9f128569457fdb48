//! The tensors a forward pass works in, allocated once for a loaded model.

use super::kernels::Curve;
use super::layers::{LinearGroup, Merge, MergeRows, NormInPlace, Pass, PerLayer, Repeat, values, values_mut, width};
use super::plan::{Plan, Slot, TensorError, Widths};
use super::rope::Rope;
use super::weight::{Linear, Norm, Weight};
use super::{ForwardError, UBATCH};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, DType, Device, InplaceOp1, InplaceOp2, Layout, Tensor};
use std::ops::Range;

#[cfg(test)]
mod tests;

/// Rows of logits computed at once: enough to read the head once for many rows, few enough to stay small.
const HEAD_ROWS: usize = 16;
/// What all of this may take, bytes: with a vocabulary and the program itself, a process stays within 100 MiB beside the
/// model's file and the KV cache.
const BYTES_MAX: usize = 80 << 20;
/// Whole cells of the kernels' widest unit.
const ROWS_STEP: usize = 32;

/// Activations, f32, room for [n_rows, width] each, [HEAD_ROWS, n_vocab] for the logits. A step packs its rows closely
/// from the start, as wide as it makes them.
pub struct Workspace {
    pub n_embd: usize,
    /// Rows that one pass takes at most.
    pub n_rows: usize,
    slots: [Tensor; Slot::ALL.len()],
    /// Residuals side by side, where there are several.
    pub residuals: Tensor,
    n_residual: usize,
    /// What has nowhere else to go between two operations of one step.
    pub spare: Tensor,
    /// q | k | v of a row side by side.
    pub qkv: Tensor,
    pub attended: Tensor,
    /// Gates of attended values.
    pub gate: Tensor,
    /// up | gate of a row side by side, where they are not one step.
    pub up_gate: Tensor,
    /// Activated hidden values.
    pub hidden: Tensor,
    /// Queries of all heads beside the latent rows, then their values.
    pub heads: Tensor,
    pub latent: Tensor,
    /// Latent rows without what stands behind them.
    pub latent_alone: Tensor,
    /// What each layer gets besides the residual, layer by layer.
    pub per_layer: Tensor,
    /// Rows of a token of which the residual is one, [n_stream, n_embd] for each row.
    pub streams: Tensor,
    /// Rows that steps keep for later ones, [n_kept, n_embd] for each row.
    pub kept: Tensor,
    pub gathered: Tensor,
    pub logits: Tensor,
    /// cos, then sin of each pair, for each rope: [rows, 2, n_rot / 2].
    pub angles: Vec<Vec<f32>>,
    bytes: u64,
}

impl Workspace {
    pub fn new(plan: &Plan) -> candle_core::Result<Self> {
        let (d, n_residual) = (plan.n_embd, plan.n_residual());
        let slots = Slot::ALL.map(|slot| if plan.uses(slot) { d } else { 0 });
        let spare = if plan.needs_spare() { d } else { 0 };
        let per_layer = plan.per_layer.as_ref().map_or(0, |p| p.projection.n_out);
        let Widths { qkv, attended, gate, ff, ff_apart, heads, latent } = plan.widths();
        let (streams, kept) = (plan.n_stream() * d, plan.n_kept() * d);
        let others = [n_residual * d, spare, qkv, attended, gate, ff_apart, ff, heads, latent, latent, per_layer, streams, kept];
        // The input of a step lies there a second time, in the formats its weights want.
        let input = d.max(attended).max(ff);
        let n_rows = rows_max(slots.iter().chain(&others).sum::<usize>() + input, HEAD_ROWS * plan.n_vocab);
        let mut bytes = 0;
        let mut tensor = |rows: usize, width: usize| {
            bytes += (rows * width * size_of::<f32>()) as u64;
            Tensor::zeros((rows, width.max(1)), DType::F32, &Device::Cpu)
        };
        let [residual, input, aside, branch, keep] = slots.map(|width| tensor(n_rows, width));
        let [residuals, spare, qkv, attended, gate, up_gate, hidden, heads, latent, latent_alone, per_layer, streams, kept] =
            others.map(|width| tensor(n_rows, width));
        Ok(Self {
            n_embd: d,
            n_rows,
            slots: [residual?, input?, aside?, branch?, keep?],
            residuals: residuals?,
            n_residual,
            spare: spare?,
            qkv: qkv?,
            attended: attended?,
            gate: gate?,
            up_gate: up_gate?,
            hidden: hidden?,
            heads: heads?,
            latent: latent?,
            latent_alone: latent_alone?,
            per_layer: per_layer?,
            streams: streams?,
            kept: kept?,
            gathered: tensor(HEAD_ROWS, d)?,
            logits: tensor(HEAD_ROWS, plan.n_vocab)?,
            angles: vec![Vec::new(); plan.ropes.len()],
            bytes,
        })
    }

    pub fn slot(&self, slot: Slot) -> &Tensor {
        &self.slots[slot as usize]
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// residual = the embeddings of `ids`, the first of them at position `pos`.
    pub fn embed(&self, embedding: &Embedding, ids: &[u32], pos: usize, pass: &Pass) -> Result<(), ForwardError> {
        let residual = self.slot(Slot::Residual);
        residual.inplace_op1(&Embed { embedding, ids, pos })?;
        if let Some(norm) = &embedding.norm {
            residual.inplace_op1(&NormInPlace { norm, pass, width: self.n_embd })?;
        }
        match &embedding.per_layer {
            Some(per_layer) => per_layer.forward(pass, self, ids, residual),
            None => Ok(()),
        }
    }

    /// Each of several residuals begins as the one.
    pub fn begin(&self, pass: &Pass) -> Result<(), ForwardError> {
        if self.n_residual > 0 {
            self.residuals.inplace_op2(self.slot(Slot::Residual), &Repeat { n: self.n_residual, pass })?;
        }
        Ok(())
    }

    /// Several residuals become the one that the head reads.
    pub fn merge(&self, end: &End, pass: &Pass) -> Result<(), ForwardError> {
        if let Some(merge) = &end.merge {
            self.slot(Slot::Residual).inplace_op2(&self.residuals, &MergeRows { merge, pass })?;
        }
        Ok(())
    }

    pub fn angles(&mut self, ropes: &[Rope], pos: usize, rows: usize) {
        for (rope, angles) in ropes.iter().zip(&mut self.angles) {
            rope.angles(pos, rows, angles);
        }
    }

    /// The wanted rows in groups of as many as the head takes at once.
    pub fn head_groups(&self, wanted: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let end = wanted.end;
        wanted.step_by(HEAD_ROWS).map(move |start| start..end.min(start + HEAD_ROWS))
    }

    /// Shows `emit` the logits of each row of `group`, which is no longer than [`HEAD_ROWS`].
    pub fn logits(&self, pass: &Pass, end: &End, group: Range<usize>, emit: &mut dyn FnMut(usize, &[f32])) -> Result<(), ForwardError> {
        let few = pass.with_rows(group.len());
        self.gathered.inplace_op2(self.slot(Slot::Residual), &Gather { first: group.start, rows: group.len() })?;
        if let Some(norm) = &end.norm {
            self.gathered.inplace_op1(&NormInPlace { norm, pass: &few, width: self.n_embd })?;
        }
        let linears = std::slice::from_ref(&end.head);
        self.logits.inplace_op2(&self.gathered, &LinearGroup { linears, pass: &few, add: false })?;
        self.logits.inplace_op1(&Finish { end, pass: &few })?;
        let (storage, layout) = self.logits.storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else {
            return Err(candle_core::Error::msg("logits are not on the CPU").into());
        };
        let rows = values(storage, layout)?.chunks_exact(width(layout));
        group.zip(rows).for_each(|(row, logits)| emit(row, logits));
        Ok(())
    }
}

/// As many rows of so many values, beside `others`, as [`BYTES_MAX`] has room for, up to [`UBATCH`].
fn rows_max(row: usize, others: usize) -> usize {
    let room = (BYTES_MAX / size_of::<f32>()).saturating_sub(others);
    (room / row / ROWS_STEP * ROWS_STEP).clamp(ROWS_STEP, UBATCH)
}

/// Ids become rows.
pub struct Embedding {
    pub tokens: Weight,
    pub scale: f32,
    /// Rows by position.
    pub positions: Option<Weight>,
    pub norm: Option<Norm>,
    pub per_layer: Option<PerLayer>,
}

impl Embedding {
    pub fn bind(file: &Gguf, plan: &Plan) -> Result<Self, TensorError> {
        Ok(Self {
            tokens: Weight::bind(file, &plan.embedding)?,
            scale: plan.embedding_scale,
            positions: plan.positions.as_ref().map(|t| Weight::bind(file, t)).transpose()?,
            norm: plan.embedding_norm.as_ref().map(|n| Norm::bind(file, n)).transpose()?,
            per_layer: plan.per_layer.as_ref().map(|p| PerLayer::bind(file, p)).transpose()?,
        })
    }
}

/// Rows become logits.
pub struct End {
    merge: Option<Merge>,
    norm: Option<Norm>,
    head: Linear,
    scale: f32,
    cap: Option<f32>,
}

impl End {
    pub fn bind(file: &Gguf, plan: &Plan) -> Result<Self, TensorError> {
        let norm = plan.out_norm.as_ref().map(|n| Norm::bind(file, n)).transpose()?;
        let merge = plan.residuals.as_ref().map(|r| Merge::bind(file, &r.end, r.n)).transpose()?;
        Ok(Self { merge, norm, head: Linear::bind(file, &plan.head)?, scale: plan.logit_scale, cap: plan.logit_cap })
    }
}

/// dst[r] = scale * the embedding of ids[r], plus that of its position
struct Embed<'a> {
    embedding: &'a Embedding,
    ids: &'a [u32],
    pos: usize,
}

impl InplaceOp1 for Embed<'_> {
    fn name(&self) -> &'static str {
        "embed"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let (d, Embedding { tokens, scale, positions, .. }) = (width(layout), self.embedding);
        let mut of_position = vec![0.0; if positions.is_some() { d } else { 0 }];
        for (r, (id, row)) in self.ids.iter().zip(values_mut(storage, layout)?.chunks_exact_mut(d)).enumerate() {
            tokens.row(*id as usize, row);
            if *scale != 1.0 {
                row.iter_mut().for_each(|x| *x *= scale);
            }
            if let Some(positions) = positions {
                positions.row(self.pos + r, &mut of_position);
                row.iter_mut().zip(&of_position).for_each(|(x, p)| *x += p);
            }
        }
        Ok(())
    }
}

/// dst[r] = cap * tanh(scale * dst[r] / cap)
struct Finish<'a> {
    end: &'a End,
    pass: &'a Pass<'a>,
}

impl InplaceOp1 for Finish<'_> {
    fn name(&self) -> &'static str {
        "finish logits"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let n = self.pass.rows * width(layout);
        let End { scale, cap, .. } = *self.end;
        if scale == 1.0 && cap.is_none() {
            return Ok(());
        }
        let set = self.pass.compute.set();
        self.pass.each_part(&mut values_mut(storage, layout)?[..n], width(layout), |_, _, x| {
            set.scale(x, cap.map_or(scale, |cap| scale / cap));
            if let Some(cap) = cap {
                set.curve(Curve::Tanh, x);
                set.scale(x, cap);
            }
        });
        Ok(())
    }
}

/// dst[..rows] = src[first..first + rows]
struct Gather {
    first: usize,
    rows: usize,
}

impl InplaceOp2 for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let d = width(l2);
        let n = self.rows * d;
        values_mut(s1, l1)?[..n].copy_from_slice(&values(s2, l2)?[self.first * d..self.first * d + n]);
        Ok(())
    }
}
