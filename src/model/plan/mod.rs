//! What a model computes, as data: an architecture writes a [`Plan`], the forward pass carries it out.
//!
//! Names here are mechanisms, never families. A mechanism that a family lacks is `None`, a scale that does nothing
//! is 1. Everything in a plan was checked by the architecture, except that tensors exist with their shapes: that is
//! checked once for all when the plan is bound to a file.
//!
//! A layer is a list of steps over a few [`Slot`]s, rows as wide as the residual; most layers are two branches that
//! [`LayerPlan::branch`] writes.

mod attention;
mod cached;
mod check;
mod choice;
mod experts;
mod feed_forward;
mod latent;
mod ngram;
mod per_layer;
mod pool;
mod recurrent;
mod residuals;
mod shared_row;
mod streams;
mod tensor;
mod wkv;

pub use super::kernels::{RopePairs, Seen};
pub use attention::{AttentionPlan, Gate, GateActivation, GateFrom, HeadNorm, KeysOf, NormAt, RopePlan, Temperature, YarnPlan};
pub use cached::Cached;
pub use check::Misfit;
pub use choice::{ChoicePlan, Chooses, IndexerKeys, IndexerPlan, IndexerRope};
pub use experts::{ExpertsPlan, Gating, Groups, LatentExperts, Matrices, SharedExpert};
pub use feed_forward::{Activation, Clamp, FeedForwardPlan, Xielu};
pub use latent::{LatentForm, LatentPlan};
pub use ngram::NgramPlan;
pub use per_layer::{LayerInputPlan, PerLayerPlan};
pub use pool::PoolPlan;
pub use recurrent::{
    ChannelScanPlan, ConvPlan, DeltaGate, DeltaInput, DeltaPlan, DeltaRates, GatedConvPlan, HeadScanPlan, RecurrentPlan, Remains,
    RetentionPlan, ScanSource,
};
pub use residuals::{GatedMerge, MergePlan, ResidualsPlan, SpreadPlan, WeightedMerge};
pub use shared_row::SharedRowPlan;
pub use streams::{StreamRouter, StreamStep};
pub use tensor::{LinearPlan, NormKind, NormPlan, TensorError, TensorPlan};
pub use wkv::{ChannelMixPlan, DecayPlan, GroupNormPlan, LowRankPlan, RemovalPlan};

/// Rows of the workspace, [rows, n_embd], that steps read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// What runs through the whole model.
    Residual,
    /// What a mixer reads.
    Input,
    /// What a second mixer reads, made before the first one changes the residual.
    Aside,
    /// What a mixer gave, before it is normed, scaled or added.
    Branch,
    /// Kept for later: the embeddings, say.
    Kept,
}

impl Slot {
    pub const ALL: [Slot; 5] = [Slot::Residual, Slot::Input, Slot::Aside, Slot::Branch, Slot::Kept];
}

/// Where a step's result goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    Set(Slot),
    Add(Slot),
}

impl To {
    pub fn slot(self) -> Slot {
        match self {
            To::Set(slot) | To::Add(slot) => slot,
        }
    }
}

/// What a layer computes from its input. Kept in a box wherever it is kept.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum Mixer {
    Attention(AttentionPlan),
    FeedForward(FeedForwardPlan),
    Experts(ExpertsPlan),
    Latent(LatentPlan),
    SharedRow(SharedRowPlan),
    Recurrent(RecurrentPlan),
    LayerInput(LayerInputPlan),
    /// One matrix alone.
    Linear(LinearPlan),
    /// Two matrices with a narrow row between.
    LowRank(LowRankPlan),
}

impl Mixer {
    fn pool(&self) -> Option<&PoolPlan> {
        match self {
            Mixer::SharedRow(s) => s.pool.as_ref(),
            _ => None,
        }
    }

    fn indexer(&self) -> Option<&IndexerPlan> {
        match self {
            Mixer::Attention(a) => a.choice.as_ref()?.own(),
            Mixer::Latent(l) => l.choice.as_ref()?.own(),
            Mixer::SharedRow(s) => s.choice.as_deref(),
            _ => None,
        }
    }

    /// What it keeps in the cache: of each position, then pooled rows, then an indexer's keys.
    pub fn cached(&self) -> impl Iterator<Item = Cached> + use<> {
        let own = match self {
            Mixer::Attention(a) if a.keys_of == KeysOf::Own => Some(a.cached()),
            Mixer::Latent(l) => Some(l.cached()),
            Mixer::SharedRow(s) => Some(s.cached()),
            _ => None,
        };
        [own, self.pool().map(PoolPlan::cached), self.indexer().map(IndexerPlan::cached)].into_iter().flatten()
    }

    /// Values of what it keeps and changes with every token: a state of its own, or of the pools it has.
    pub fn states(&self) -> impl Iterator<Item = usize> + use<> {
        let own = match self {
            Mixer::Recurrent(r) => Some(r.state().0 + r.state().1),
            _ => None,
        };
        let of_indexer = self.indexer().and_then(IndexerPlan::pool);
        [own, self.pool().map(PoolPlan::state), of_indexer.map(PoolPlan::state)].into_iter().flatten()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum StepPlan {
    /// to = norm(from)
    Norm {
        from: Slot,
        to: Slot,
        norm: NormPlan,
    },
    /// to = or += mixer(from)
    Mix {
        from: Slot,
        to: To,
        mixer: Box<Mixer>,
    },
    /// to += scale * from
    Add {
        from: Slot,
        to: Slot,
        scale: f32,
    },
    /// to = scale * from
    Copy {
        from: Slot,
        to: Slot,
        scale: f32,
    },
    /// Keeps `from` as the `n`-th of the rows that later steps recall, counted from 0.
    Keep {
        from: Slot,
        n: usize,
    },
    /// to = softmax-weighted sum of the `n` rows kept first and of `from`, each scored by its norm's product with `score`,
    /// [n_embd] (attention over the outputs of earlier layers).
    Recall {
        from: Slot,
        to: Slot,
        n: usize,
        score: TensorPlan,
        eps: f32,
    },
    Streams(Box<StreamStep>),
    /// Each row of `to` = `with`, [n_embd]
    Fill {
        to: Slot,
        with: TensorPlan,
    },
    /// slot *= the one number of `by`
    Scale {
        slot: Slot,
        by: TensorPlan,
    },
    /// to = the residuals merged
    Merge {
        to: Slot,
        merge: Box<MergePlan>,
    },
    /// The residuals take up what the last few tokens are together.
    Ngram(Box<NgramPlan>),
    /// What the last merge read takes up `from`, as that merge says.
    Spread {
        from: Slot,
    },
}

impl StepPlan {
    /// Values of the states it takes, in their order.
    fn states(&self) -> impl Iterator<Item = usize> + use<> {
        let (own, of_mixer) = match self {
            StepPlan::Ngram(ngram) => (Some(ngram.state()), None),
            StepPlan::Mix { mixer, .. } => (None, Some(mixer.states())),
            _ => (None, None),
        };
        own.into_iter().chain(of_mixer.into_iter().flatten())
    }

    fn writes(&self) -> Option<Slot> {
        match self {
            StepPlan::Keep { from, .. } => Some(*from),
            StepPlan::Streams(_) => Some(Slot::Residual),
            StepPlan::Recall { to, .. } | StepPlan::Merge { to, .. } => Some(*to),
            StepPlan::Norm { to, .. } | StepPlan::Add { to, .. } | StepPlan::Copy { to, .. } | StepPlan::Fill { to, .. } => Some(*to),
            StepPlan::Mix { to, .. } => Some(to.slot()),
            StepPlan::Scale { slot, .. } => Some(*slot),
            StepPlan::Spread { .. } | StepPlan::Ngram(_) => None,
        }
    }
}

/// Steps in order. Most models have as many layers as `block_count`; one that is run in loops has each several times.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerPlan {
    pub steps: Vec<StepPlan>,
}

/// residual += scale * after(mixer(before(residual)))
#[derive(Debug, Clone, PartialEq)]
pub struct BranchPlan {
    pub before: Option<NormPlan>,
    pub mixer: Mixer,
    pub after: Option<NormPlan>,
    pub scale: f32,
}

impl BranchPlan {
    /// The usual one: normed before, added as it is.
    pub fn new(before: NormPlan, mixer: Mixer) -> Self {
        Self { before: Some(before), mixer, after: None, scale: 1.0 }
    }
}

impl LayerPlan {
    pub fn of(branches: impl IntoIterator<Item = BranchPlan>) -> Self {
        let mut layer = Self::default();
        branches.into_iter().for_each(|b| layer.branch(b));
        layer
    }

    /// Steps of a branch that reads what the branches before it left in the residual.
    pub fn branch(&mut self, branch: BranchPlan) {
        let from = self.read(branch.before.clone(), Slot::Input);
        self.write(from, branch);
    }

    /// Steps of branches that all read the residual as it is before any of them. Two at most; one with the same norm as
    /// the first reads what the first reads.
    pub fn parallel(&mut self, first: BranchPlan, second: BranchPlan) {
        let same = first.before == second.before;
        let from = self.read(first.before.clone(), Slot::Input);
        let aside = match same {
            true => from,
            false => self.read(second.before.clone(), Slot::Aside),
        };
        self.write(from, first);
        self.write(aside, second);
    }

    /// Steps of a branch that reads the residuals merged and spreads what it makes over them.
    pub fn merged(&mut self, merge: MergePlan, before: Option<NormPlan>, mixer: Mixer) {
        self.steps.push(StepPlan::Merge { to: Slot::Input, merge: Box::new(merge) });
        if let Some(norm) = before {
            self.steps.push(StepPlan::Norm { from: Slot::Input, to: Slot::Input, norm });
        }
        self.steps.push(StepPlan::Mix { from: Slot::Input, to: To::Set(Slot::Branch), mixer: Box::new(mixer) });
        self.steps.push(StepPlan::Spread { from: Slot::Branch });
    }

    fn read(&mut self, norm: Option<NormPlan>, to: Slot) -> Slot {
        match norm {
            Some(norm) => self.steps.push(StepPlan::Norm { from: Slot::Residual, to, norm }),
            // A mixer that adds to the residual must not read it meanwhile.
            None => self.steps.push(StepPlan::Copy { from: Slot::Residual, to, scale: 1.0 }),
        }
        to
    }

    fn write(&mut self, from: Slot, branch: BranchPlan) {
        let plain = branch.after.is_none() && branch.scale == 1.0;
        let to = if plain { To::Add(Slot::Residual) } else { To::Set(Slot::Branch) };
        self.steps.push(StepPlan::Mix { from, to, mixer: Box::new(branch.mixer) });
        if let Some(norm) = branch.after {
            self.steps.push(StepPlan::Norm { from: Slot::Branch, to: Slot::Branch, norm });
        }
        if !plain {
            self.steps.push(StepPlan::Add { from: Slot::Branch, to: Slot::Residual, scale: branch.scale });
        }
    }

    /// The mixers, in order.
    pub fn mixers(&self) -> impl Iterator<Item = &Mixer> {
        self.steps.iter().filter_map(|step| match step {
            StepPlan::Mix { mixer, .. } => Some(&**mixer),
            _ => None,
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub n_embd: usize,
    pub n_vocab: usize,
    pub n_ctx_train: usize,
    /// Where nothing else is asked for, if less than usual.
    pub n_ctx_default: Option<usize>,
    /// [n_embd, n_vocab]
    pub embedding: TensorPlan,
    /// Multiplies the embeddings.
    pub embedding_scale: f32,
    /// Added to the embeddings by position, [n_embd, n_ctx_train].
    pub positions: Option<TensorPlan>,
    pub embedding_norm: Option<NormPlan>,
    pub per_layer: Option<PerLayerPlan>,
    /// Several residuals instead of one; what the head reads of them becomes the one.
    pub residuals: Option<ResidualsPlan>,
    pub ropes: Vec<RopePlan>,
    pub layers: Vec<LayerPlan>,
    pub out_norm: Option<NormPlan>,
    pub head: LinearPlan,
    /// Multiplies the logits.
    pub logit_scale: f32,
    /// Caps the logits: cap * tanh(logit / cap).
    pub logit_cap: Option<f32>,
}

impl Plan {
    fn mixers(&self) -> impl Iterator<Item = &Mixer> {
        self.layers.iter().flat_map(|layer| layer.mixers())
    }

    /// What attentions keep of a token, in the order of their caches.
    pub fn cached(&self) -> impl Iterator<Item = Cached> {
        self.mixers().flat_map(Mixer::cached)
    }

    /// How many positions are looked back at of each of [`Plan::cached`], a token's own among them; none if all may be.
    pub fn spans(&self) -> Vec<Option<usize>> {
        let mut spans: Vec<Option<usize>> = Vec::new();
        for mixer in self.mixers() {
            let span = match mixer {
                Mixer::Attention(a) => a.seen.span(),
                Mixer::Latent(l) if l.choice.is_none() => l.seen.span(),
                Mixer::SharedRow(s) => s.seen.span(),
                _ => None,
            };
            spans.extend(mixer.cached().enumerate().map(|(i, _)| span.filter(|_| i == 0)));
            if let Mixer::Attention(AttentionPlan { keys_of: KeysOf::Other(other), .. }) = mixer
                && let Some(others) = spans.get_mut(*other)
            {
                *others = others.zip(span).map(|(a, b)| a.max(b));
            }
        }
        spans
    }

    /// Values of each state, in their order.
    pub fn states(&self) -> impl Iterator<Item = usize> {
        self.layers.iter().flat_map(|layer| &layer.steps).flat_map(StepPlan::states)
    }

    pub fn uses(&self, slot: Slot) -> bool {
        let mut steps = self.layers.iter().flat_map(|layer| &layer.steps);
        slot == Slot::Residual || steps.any(|step| step.writes() == Some(slot))
    }

    /// Residuals side by side; 0 where there is one.
    pub fn n_residual(&self) -> usize {
        self.residuals.as_ref().map_or(0, |r| r.n)
    }

    /// Rows of a token besides its residual, that is one of them.
    pub fn n_stream(&self) -> usize {
        let streams = |step: &StepPlan| match step {
            StepPlan::Streams(step) => match &**step {
                StreamStep::Spread { projections } => projections.shape.last().map_or(0, |n| *n as usize + 1),
                _ => 0,
            },
            _ => 0,
        };
        self.layers.iter().flat_map(|layer| &layer.steps).map(streams).max().unwrap_or(0)
    }

    /// Rows that steps keep for later ones to recall.
    pub fn n_kept(&self) -> usize {
        let kept = |step: &StepPlan| match step {
            StepPlan::Keep { n, .. } => n + 1,
            _ => 0,
        };
        self.layers.iter().flat_map(|layer| &layer.steps).map(kept).max().unwrap_or(0)
    }

    /// Whether a step keeps something of the residual's width between two operations.
    pub fn needs_spare(&self) -> bool {
        let scaled = |linear: &LinearPlan| linear.scale.is_some();
        self.mixers().any(|mixer| match mixer {
            Mixer::Attention(a) => a.out_scale != 1.0 || scaled(&a.out),
            Mixer::FeedForward(f) => scaled(&f.down),
            Mixer::Experts(e) => e.shared.as_ref().is_some_and(|s| s.gate.is_some() || scaled(&s.ffn.down)),
            Mixer::Latent(l) => scaled(&l.out),
            Mixer::SharedRow(s) => scaled(&s.out),
            Mixer::Recurrent(_) => false,
            Mixer::LayerInput(l) => scaled(&l.out),
            Mixer::Linear(l) => scaled(l),
            Mixer::LowRank(l) => scaled(&l.b),
        })
    }

    /// The widest rows that steps need besides the slots.
    pub fn widths(&self) -> Widths {
        let mut widths = Widths::default();
        for mixer in self.mixers() {
            match mixer {
                Mixer::Attention(a) => {
                    widths.qkv = widths.qkv.max(a.qkv.iter().map(|l| l.n_out).sum());
                    widths.attended = widths.attended.max(a.n_head * a.head_dim_v);
                    widths.gate = widths.gate.max(a.gate.as_ref().map_or(0, |g| g.width(a)));
                }
                Mixer::FeedForward(f) => {
                    widths.ff = widths.ff.max(f.down.n_in);
                    widths.ff_apart = widths.ff_apart.max(f.apart());
                }
                Mixer::Experts(e) => {
                    let n_latent = e.latent.as_ref().map_or(0, |l| l.into.n_out);
                    (widths.latent, widths.heads) = (widths.latent.max(n_latent), widths.heads.max(n_latent));
                    if let Some(f) = &e.shared {
                        widths.ff = widths.ff.max(f.ffn.down.n_in);
                        widths.ff_apart = widths.ff_apart.max(f.ffn.apart());
                    }
                }
                Mixer::Latent(l) => {
                    let expanded = match &l.form {
                        LatentForm::Absorbed { .. } => l.n_head * (l.n_latent + l.n_rope),
                        LatentForm::Expanded { kv } => kv.n_out,
                    };
                    widths.gate = widths.gate.max(l.gate.as_ref().map_or(0, |(g, _)| g.n_out));
                    widths.qkv = widths.qkv.max(expanded);
                    widths.attended = widths.attended.max(l.n_head * l.attended_dim());
                    widths.heads = widths.heads.max(l.n_head * l.head_dim().max(l.head_dim_v));
                    widths.latent = widths.latent.max(l.kv_a.n_out).max(l.q_a.as_ref().map_or(0, |(q, _)| q.n_out));
                }
                Mixer::SharedRow(s) => {
                    widths.qkv = widths.qkv.max(s.head_dim);
                    widths.attended = widths.attended.max(s.n_head * s.head_dim);
                    widths.heads = widths.heads.max(s.q.n_out).max(s.out.n_in);
                    widths.latent = widths.latent.max(s.q.n_in);
                }
                Mixer::LayerInput(l) => widths.gate = widths.gate.max(l.gate.n_out),
                Mixer::LowRank(l) => widths.latent = widths.latent.max(l.a.n_out),
                // Recurrent layers bring buffers of their own.
                Mixer::Recurrent(_) | Mixer::Linear(_) => {}
            }
        }
        widths
    }
}

/// Values of a row in each part of the workspace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Widths {
    pub qkv: usize,
    pub attended: usize,
    /// Gates of the attended values.
    pub gate: usize,
    pub ff: usize,
    /// Gate and up apart.
    pub ff_apart: usize,
    /// Queries, or values, of all heads beside the latent rows they come from.
    pub heads: usize,
    pub latent: usize,
}
