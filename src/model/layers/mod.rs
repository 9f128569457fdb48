//! The steps of a layer, each an in-place operation on the workspace's tensors.
//!
//! A step captures what it needs beside its tensors (weights, the pass, the KV cache); its `cpu_fwd` calls kernels on
//! plain slices. Between the tensors rows live in buffers that the layers share. Whatever grows with rows, heads or channels
//! is shared out over the threads ([`Pass::each_row`] and its like), and its inner loops are functions of the kernels.

mod activation;
mod add;
mod attention;
mod choice;
mod compute;
mod experts;
mod feed_forward;
mod gate;
mod latent;
mod linear;
mod ngram;
mod norm;
mod per_layer;
mod recall;
mod recurrent;
mod residuals;
mod route;
mod shared_row;
mod streams;

pub use add::{AddScaled, Fill, Scale};
pub use compute::{Compute, Pass};
pub use linear::{LinearGroup, multiply, project};
pub use norm::{NormInPlace, NormRows};
pub use per_layer::PerLayer;
pub use residuals::{Merge, MergeRows, Repeat};

use super::cache::{KvCache, StateCache};
use super::plan::{LayerPlan, Mixer, Slot, StepPlan, TensorError, To};
use super::rope::Rope;
use super::weight::{Linear, Norm, vector};
use super::workspace::Workspace;
use super::{ForwardError, check};
use crate::gguf::Gguf;
use attention::Attention;
use candle_core::{CpuStorage, Layout, Tensor};
use experts::Experts;
use feed_forward::FeedForward;
use latent::Latent;
use ngram::{Inject, Ngram};
use per_layer::LayerInput;
use recall::{Keep, Recall};
use recurrent::Recurrent;
use residuals::SpreadRows;
use shared_row::SharedRow;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use streams::Streams;

pub struct Layer {
    steps: Vec<Step>,
}

/// Layers of the model, and of those of the KV cache and of the states what is spoken for.
#[derive(Debug, Default)]
pub struct Taken {
    pub n_layer: usize,
    pub kv: usize,
    pub states: usize,
    /// Residuals side by side, if several.
    pub n_residual: usize,
}

/// What the sequence so far left behind.
pub struct Caches<'a> {
    pub kv: &'a mut KvCache,
    pub states: &'a mut StateCache,
}

enum Step {
    Norm { from: Slot, to: Slot, norm: Norm },
    Mix { from: Slot, to: To, mixer: Bound },
    Add { from: Slot, to: Slot, scale: f32, add: bool },
    Scale { slot: Slot, by: f32 },
    Fill { to: Slot, with: Vec<f32> },
    Streams(Box<Streams>),
    Keep { from: Slot, n: usize },
    Recall { from: Slot, to: Slot, n: usize, score: Vec<f32>, eps: f32 },
    Merge { to: Slot, merge: Box<Merge> },
    Spread { from: Slot, n: usize },
    Ngram(Box<Ngram>),
}

/// A mixer with its weights.
enum Bound {
    Attention(Box<Attention>),
    FeedForward(Box<FeedForward>),
    Experts(Box<Experts>),
    Latent(Box<Latent>),
    SharedRow(Box<SharedRow>),
    Recurrent(Box<Recurrent>),
    LayerInput(Box<LayerInput>),
    Linear(Box<Linear>),
    LowRank(Box<(Linear, Linear)>),
}

impl Layer {
    /// `bound` counts the caches that the layers before take.
    pub fn bind(file: &Gguf, plan: &LayerPlan, bound: &mut Taken) -> Result<Self, TensorError> {
        let step = |plan: &StepPlan| -> Result<Step, TensorError> {
            Ok(match plan {
                StepPlan::Norm { from, to, norm } => Step::Norm { from: *from, to: *to, norm: Norm::bind(file, norm)? },
                StepPlan::Mix { from, to, mixer } => Step::Mix { from: *from, to: *to, mixer: Bound::bind(file, mixer, bound)? },
                StepPlan::Add { from, to, scale } => Step::Add { from: *from, to: *to, scale: *scale, add: true },
                StepPlan::Keep { from, n } => Step::Keep { from: *from, n: *n },
                StepPlan::Recall { from, to, n, score, eps } => {
                    Step::Recall { from: *from, to: *to, n: *n, score: vector(file, score)?, eps: *eps }
                }
                StepPlan::Streams(step) => Step::Streams(Box::new(Streams::bind(file, step)?)),
                StepPlan::Fill { to, with } => Step::Fill { to: *to, with: vector(file, with)? },
                StepPlan::Merge { to, merge } => Step::Merge { to: *to, merge: Box::new(Merge::bind(file, merge, bound.n_residual)?) },
                StepPlan::Ngram(ngram) => Step::Ngram(Box::new(Ngram::bind(file, ngram, bound)?)),
                StepPlan::Spread { from } => Step::Spread { from: *from, n: bound.n_residual },
                StepPlan::Scale { slot, by } => Step::Scale { slot: *slot, by: vector(file, by)?[0] },
                StepPlan::Copy { from, to, scale } => Step::Add { from: *from, to: *to, scale: *scale, add: false },
            })
        };
        Ok(Self { steps: plan.steps.iter().map(step).collect::<Result<_, _>>()? })
    }

    pub fn forward(
        &self,
        pass: &Pass,
        w: &Workspace,
        ropes: &[Rope],
        caches: &mut Caches,
        cancel: &AtomicBool,
    ) -> Result<(), ForwardError> {
        for step in &self.steps {
            check(cancel)?;
            match step {
                Step::Norm { from, to, norm } if from == to => {
                    w.slot(*to).inplace_op1(&NormInPlace { norm, pass, width: w.n_embd })?;
                }
                Step::Norm { from, to, norm } => w.slot(*to).inplace_op2(w.slot(*from), &NormRows { norm, pass })?,
                Step::Add { from, to, scale, add } => {
                    w.slot(*to).inplace_op2(w.slot(*from), &AddScaled { scale: *scale, pass, add: *add })?
                }
                Step::Keep { from, n } => w.kept.inplace_op2(w.slot(*from), &Keep { n: *n, pass })?,
                Step::Recall { from, to, n, score, eps } => {
                    w.slot(*to).inplace_op3(&w.kept, w.slot(*from), &Recall { n: *n, score, eps: *eps, pass })?
                }
                Step::Streams(streams) => streams.forward(pass, w)?,
                Step::Fill { to, with } => w.slot(*to).inplace_op1(&Fill { with, pass })?,
                Step::Scale { slot, by } => w.slot(*slot).inplace_op1(&Scale { scale: *by, pass, width: w.n_embd })?,
                Step::Merge { to, merge } => w.slot(*to).inplace_op2(&w.residuals, &MergeRows { merge, pass })?,
                Step::Ngram(ngram) => {
                    let state = Mutex::new(caches.states.next_mut(ngram.il_state));
                    w.residuals.inplace_op1(&Inject { ngram, pass, state })?
                }
                Step::Spread { from, n } => w.residuals.inplace_op2(w.slot(*from), &SpreadRows { n: *n, pass })?,
                Step::Mix { from, to, mixer } => {
                    let input = w.slot(*from);
                    match mixer {
                        Bound::Attention(attention) => attention.forward(pass, w, input, *to, ropes, caches, cancel)?,
                        Bound::FeedForward(ffn) => ffn.forward(pass, w, input, *to, cancel)?,
                        Bound::Experts(experts) => experts.forward(pass, w, input, *to, cancel)?,
                        Bound::Latent(latent) => latent.forward(pass, w, input, *to, ropes, caches, cancel)?,
                        Bound::SharedRow(s) => s.forward(pass, w, input, *to, ropes, caches, cancel)?,
                        Bound::Recurrent(r) => r.forward(pass, w, input, *to, caches.states.now_and_next(r.il_state), cancel)?,
                        Bound::LayerInput(l) => l.forward(pass, w, input, *to)?,
                        Bound::LowRank(pair) => {
                            let linears = std::slice::from_ref(&pair.0);
                            w.latent.inplace_op2(input, &LinearGroup { linears, pass, add: false })?;
                            project(&pair.1, 1.0, &w.latent, *to, pass, w)?
                        }
                        Bound::Linear(linear) => project(linear, 1.0, input, *to, pass, w)?,
                    }
                }
            }
        }
        Ok(())
    }
}

impl Bound {
    fn bind(file: &Gguf, plan: &Mixer, taken: &mut Taken) -> Result<Self, TensorError> {
        let il_kv = taken.kv;
        taken.kv += plan.cached().count();
        Ok(match plan {
            Mixer::Attention(a) => Bound::Attention(Box::new(Attention::bind(file, a, il_kv, taken)?)),
            Mixer::Latent(l) => Bound::Latent(Box::new(Latent::bind(file, l, il_kv, taken)?)),
            Mixer::SharedRow(s) => Bound::SharedRow(Box::new(SharedRow::bind(file, s, il_kv, taken)?)),
            Mixer::LayerInput(l) => Bound::LayerInput(Box::new(LayerInput::bind(file, l, taken.n_layer)?)),
            Mixer::Recurrent(r) => {
                let recurrent = Recurrent::bind(file, r, taken.states)?;
                taken.states += 1;
                Bound::Recurrent(Box::new(recurrent))
            }
            Mixer::FeedForward(f) => Bound::FeedForward(Box::new(FeedForward::bind(file, f)?)),
            Mixer::Experts(e) => Bound::Experts(Box::new(Experts::bind(file, e)?)),
            Mixer::LowRank(l) => Bound::LowRank(Box::new((Linear::bind(file, &l.a)?, Linear::bind(file, &l.b)?))),
            Mixer::Linear(l) => Bound::Linear(Box::new(Linear::bind(file, l)?)),
        })
    }
}

/// What `then` makes of a contiguous tensor's values.
pub fn with_values<T>(tensor: &Tensor, then: impl FnOnce(&[f32]) -> T) -> candle_core::Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        candle_core::Storage::Cpu(storage) => Ok(then(values(storage, layout)?)),
        _ => Err(candle_core::Error::msg("a step's tensor is not on the CPU")),
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
