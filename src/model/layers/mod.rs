//! The steps of a layer, each an in-place operation on the workspace's tensors.
//!
//! A step captures what it needs beside its tensors (weights, the pass, the KV cache); its `cpu_fwd` calls kernels on
//! plain slices. None allocates.

mod attention;
mod compute;
mod experts;
mod feed_forward;
mod linear;
mod norm;

pub use compute::{Compute, Pass};
pub use linear::LinearGroup;
pub use norm::NormRows;

use super::cache::KvCache;
use super::plan::{LayerPlan, Mixer, TensorError};
use super::rope::Rope;
use super::weight::Norm;
use super::workspace::Workspace;
use super::{ForwardError, check};
use crate::gguf::Gguf;
use attention::Attention;
use candle_core::{CpuStorage, Layout};
use experts::Experts;
use feed_forward::FeedForward;
use std::sync::atomic::AtomicBool;

pub struct Layer {
    branches: Vec<Branch>,
}

/// residual += step(norm(residual))
struct Branch {
    norm: Norm,
    step: Step,
}

enum Step {
    Attention(Attention),
    FeedForward(FeedForward),
    Experts(Experts),
}

impl Layer {
    /// `il_kv` counts the attentions bound so far: each has a layer of the KV cache.
    pub fn bind(file: &Gguf, plan: &LayerPlan, il_kv: &mut usize) -> Result<Self, TensorError> {
        let mut branches = Vec::with_capacity(plan.branches.len());
        for branch in &plan.branches {
            let step = match &branch.mixer {
                Mixer::Attention(a) => {
                    let attention = Attention::bind(file, a, *il_kv)?;
                    *il_kv += 1;
                    Step::Attention(attention)
                }
                Mixer::FeedForward(f) => Step::FeedForward(FeedForward::bind(file, f)?),
                Mixer::Experts(e) => Step::Experts(Experts::bind(file, e)?),
            };
            branches.push(Branch { norm: Norm::bind(file, &branch.norm)?, step });
        }
        Ok(Self { branches })
    }

    pub fn forward(&self, pass: &Pass, w: &Workspace, ropes: &[Rope], kv: &mut KvCache, cancel: &AtomicBool) -> Result<(), ForwardError> {
        for Branch { norm, step } in &self.branches {
            check(cancel)?;
            w.normed.inplace_op2(&w.residual, &NormRows { norm, pass })?;
            match step {
                Step::Attention(attention) => attention.forward(pass, w, ropes, kv, cancel)?,
                Step::FeedForward(ffn) => ffn.forward(pass, w, cancel)?,
                Step::Experts(experts) => w.residual.inplace_op2(&w.normed, &experts.op(pass, cancel))?,
            }
        }
        Ok(())
    }
}

/// A contiguous tensor's values.
pub fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    let (start, end) = layout.contiguous_offsets().ok_or_else(|| candle_core::Error::msg("a step's tensor is not contiguous"))?;
    Ok(&storage.as_slice::<f32>()?[start..end])
}

pub fn values_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> candle_core::Result<&'a mut [f32]> {
    let (start, end) = layout.contiguous_offsets().ok_or_else(|| candle_core::Error::msg("a step's tensor is not contiguous"))?;
    match storage {
        CpuStorage::F32(values) => Ok(&mut values[start..end]),
        other => Err(candle_core::Error::msg(format!("a step's tensor is {other:?}, expected f32"))),
    }
}

/// The last dimension: how far rows lie apart.
pub fn width(layout: &Layout) -> usize {
    layout.dims().last().copied().unwrap_or(1)
}
