//! The tensors a forward pass works in, allocated once for a loaded model.

use super::layers::{LinearGroup, NormRows, Pass, values, values_mut, width};
use super::plan::{Plan, Widths};
use super::rope::Rope;
use super::weight::{Linear, Norm, Weight};
use super::{ForwardError, UBATCH};
use candle_core::{CpuStorage, DType, Device, InplaceOp1, InplaceOp2, Layout, Tensor};
use std::ops::Range;

/// Rows of logits computed at once: enough to read the head once for many rows, few enough to stay small.
const HEAD_ROWS: usize = 16;

/// Activations, f32, room for [UBATCH, width] each, [HEAD_ROWS, n_vocab] for the logits. A step packs its rows closely
/// from the start, as wide as it makes them.
pub struct Workspace {
    pub residual: Tensor,
    pub normed: Tensor,
    /// q | k | v of a row side by side.
    pub qkv: Tensor,
    pub attended: Tensor,
    /// up | gate of a row side by side, where biases keep them from being one step.
    pub up_gate: Tensor,
    /// Activated hidden values.
    pub hidden: Tensor,
    pub gathered: Tensor,
    pub logits: Tensor,
    /// cos, then sin of each pair, for each rope: [rows, 2, n_rot / 2].
    pub angles: Vec<Vec<f32>>,
    bytes: u64,
}

impl Workspace {
    pub fn new(plan: &Plan) -> candle_core::Result<Self> {
        let Widths { qkv, attended, ff, ff_apart } = plan.widths();
        let mut bytes = 0;
        let mut tensor = |rows: usize, width: usize| {
            bytes += (rows * width * size_of::<f32>()) as u64;
            Tensor::zeros((rows, width.max(1)), DType::F32, &Device::Cpu)
        };
        let (n, d) = (UBATCH, plan.n_embd);
        Ok(Self {
            residual: tensor(n, d)?,
            normed: tensor(n, d)?,
            qkv: tensor(n, qkv)?,
            attended: tensor(n, attended)?,
            up_gate: tensor(n, ff_apart)?,
            hidden: tensor(n, ff)?,
            gathered: tensor(HEAD_ROWS, d)?,
            logits: tensor(HEAD_ROWS, plan.n_vocab)?,
            angles: vec![Vec::new(); plan.ropes.len()],
            bytes,
        })
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// residual = the embeddings of `ids`.
    pub fn embed(&self, embedding: &Weight, ids: &[u32]) -> Result<(), ForwardError> {
        Ok(self.residual.inplace_op1(&Embed { embedding, ids })?)
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
    pub fn logits(
        &self,
        pass: &Pass,
        norm: &Norm,
        head: &Linear,
        group: Range<usize>,
        emit: &mut dyn FnMut(usize, &[f32]),
    ) -> Result<(), ForwardError> {
        let few = pass.with_rows(group.len());
        self.gathered.inplace_op2(&self.residual, &Gather { first: group.start, rows: group.len() })?;
        self.normed.inplace_op2(&self.gathered, &NormRows { norm, pass: &few })?;
        let linears = std::slice::from_ref(head);
        self.logits.inplace_op2(&self.normed, &LinearGroup { linears, pass: &few, add: false })?;
        let (storage, layout) = self.logits.storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else {
            return Err(candle_core::Error::msg("logits are not on the CPU").into());
        };
        let rows = values(storage, layout)?.chunks_exact(width(layout));
        group.zip(rows).for_each(|(row, logits)| emit(row, logits));
        Ok(())
    }
}

/// dst[r] = the embedding of ids[r]
struct Embed<'a> {
    embedding: &'a Weight,
    ids: &'a [u32],
}

impl InplaceOp1 for Embed<'_> {
    fn name(&self) -> &'static str {
        "embed"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let d = width(layout);
        for (id, row) in self.ids.iter().zip(values_mut(storage, layout)?.chunks_exact_mut(d)) {
            self.embedding.row(*id as usize, row);
        }
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
        let d = width(l1);
        let n = self.rows * d;
        values_mut(s1, l1)?[..n].copy_from_slice(&values(s2, l2)?[self.first * d..self.first * d + n]);
        Ok(())
    }
}
