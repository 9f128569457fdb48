//! The decoder: a file's plan bound to its tensors, carried out on token ids.
//!
//! Begin with [`Model::load`] and [`Model::forward`]. An architecture ([`arch`]) turns metadata into a [`plan::Plan`];
//! the weights ([`weight`]) stay where the file is mapped; the steps of a layer ([`layers`]) are in-place operations on
//! candle tensors that a workspace holds; the arithmetic is in [`kernels`]. Nothing here knows of conversations,
//! templates, or where files lie.

pub mod arch;
pub mod cache;
#[allow(unsafe_code)]
pub mod kernels;
mod layers;
mod ledger;
pub mod plan;
mod rope;
mod session;
#[cfg(test)]
mod tests;
mod weight;
mod workspace;

use crate::gguf::Gguf;
use crate::protocol::{CacheType, Ledger, LoadOptions, Report};
use crate::sys::pool;
use arch::{ArchError, Header};
use cache::{CacheError, KvCache, KvLayout, KvShape, StateCache};
/// Each row of a pass of up to so many is computed to the very bits that it has alone.
pub use kernels::SMALL_BATCH;
use layers::{Caches, Compute, Layer, Taken};
use plan::{Plan, TensorError};
use rope::Rope;
pub use session::Session;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use workspace::{Embedding, End, Workspace};

/// Rows that one forward pass takes at most; of wide models fewer ([`Model::rows_max`]).
pub const UBATCH: usize = 512;
/// Context length where nothing else is asked for.
pub const N_CTX_DEFAULT: usize = 16_384;

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error(transparent)]
    Arch(#[from] ArchError),
    #[error(transparent)]
    Tensor(#[from] TensorError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("needs {need} bytes for weights, KV cache and scratch, and {free} are free")]
    Memory { need: u64, free: u64 },
    #[error("the workspace could not be allocated")]
    Workspace(#[source] candle_core::Error),
}

impl ModelError {
    /// `file` is the file's name, for the sentence.
    pub fn report(&self, file: &str) -> Report {
        let (offender, remedy) = match self {
            ModelError::Arch(e) => (e.offender(), e.remedy()),
            ModelError::Tensor(e) => (e.name(), e.remedy()),
            ModelError::Cache(_) | ModelError::Memory { .. } => (file, "Set a smaller ctx_size, or take a smaller quantization"),
            ModelError::Workspace(_) => (file, "Close other programs and try again"),
        };
        Report::new(format!("{file}: {self}"), remedy).offender(offender).because(self)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    #[error("cancelled")]
    Cancelled,
    #[error("the context of {n_ctx} tokens is full")]
    ContextFull { n_ctx: usize },
    #[error("id {id} is outside the vocabulary of {n_vocab} tokens")]
    Id { id: u32, n_vocab: usize },
    #[error("a step of the forward pass failed")]
    Step(#[from] candle_core::Error),
}

impl ForwardError {
    pub fn report(&self, file: &str) -> Report {
        let remedy = match self {
            ForwardError::Cancelled | ForwardError::Step(_) => "Load the model again",
            ForwardError::ContextFull { .. } => "Raise ctx_size, or begin a new conversation",
            ForwardError::Id { .. } => "Give ids of this model",
        };
        Report::new(format!("{file}: {self}"), remedy).offender(file).because(self)
    }
}

/// A model ready to compute. Its weights are the file's bytes, kept mapped as long as it lives.
pub struct Model {
    plan: Plan,
    embedding: Embedding,
    ropes: Vec<Rope>,
    layers: Vec<Layer>,
    end: End,
    compute: Compute,
    workspace: Workspace,
    weight_bytes: u64,
}

impl Model {
    pub fn load(file: &Gguf, options: &LoadOptions) -> Result<Self, ModelError> {
        let plan = arch::plan(&Header::new(file, options.n_ctx as usize)?)?;
        let embedding = Embedding::bind(file, &plan)?;
        let ropes = plan.ropes.iter().map(|r| Rope::bind(file, r)).collect::<Result<_, _>>()?;
        let mut taken = Taken { n_layer: plan.layers.len(), n_residual: plan.n_residual(), ..Taken::default() };
        let layers = plan.layers.iter().map(|l| Layer::bind(file, l, &mut taken)).collect::<Result<_, _>>()?;
        let end = End::bind(file, &plan)?;
        let n_threads = if options.n_threads == 0 { crate::sys::limits::threads() } else { options.n_threads as usize };
        let compute = Compute::new(n_threads, options.exact);
        let workspace = Workspace::new(&plan).map_err(ModelError::Workspace)?;
        let weight_bytes = file.tensors().iter().filter_map(|t| t.n_bytes).sum();
        Ok(Self { plan, embedding, ropes, layers, end, compute, workspace, weight_bytes })
    }

    /// An empty sequence with room for the context that `options` ask for.
    pub fn session(&self, options: &LoadOptions) -> Result<Session, ModelError> {
        self.session_of(options, self.rows_max())
    }

    /// The same for passes of at most `rows_max` rows.
    fn session_of(&self, options: &LoadOptions, rows_max: usize) -> Result<Session, ModelError> {
        let spanned = self.plan.cached().zip(self.plan.spans());
        let shapes = spanned.map(|(cached, span)| KvShape::of(cached, span));
        let (k, v) = if options.exact { (CacheType::F32, CacheType::F32) } else { (options.cache_type_k, options.cache_type_v) };
        let layout = KvLayout { shapes: shapes.collect(), k, v, rows_max };
        let free = crate::sys::limits::memory().map(|m| m.available);
        let trained = self.plan.n_ctx_default.unwrap_or(self.plan.n_ctx_train);
        let n_ctx = ledger::context_length(options.n_ctx as usize, trained, |n| layout.bytes(n), self.workspace.bytes(), free)?;
        // Positions that were learned end where training did; the session says how many there are.
        let n_ctx = if self.plan.positions.is_some() { n_ctx.min(self.plan.n_ctx_train) } else { n_ctx };
        let kv = KvCache::new(layout, n_ctx)?;
        Ok(Session::new(kv, StateCache::new(self.plan.states())))
    }

    /// Another empty sequence, with as much room and the same types.
    pub fn another(&self, session: &Session) -> Result<Session, ModelError> {
        let kv = KvCache::new(session.kv.layout().clone(), session.n_ctx())?;
        Ok(Session::new(kv, StateCache::new(self.plan.states())))
    }

    /// Forgets all that a session holds. Its memory goes back to the system: nothing of what was said is left in it.
    pub fn renew(&self, session: &mut Session) {
        match self.another(session) {
            Ok(empty) => *session = empty,
            // Without room for a second one its own is written over.
            Err(_) => drop(session.truncate(0)),
        }
    }

    /// All that decides what a session keeps of its ids, besides the weights and how exactly they are computed with: two
    /// models of one file that say the same can go on from each other's sessions.
    pub fn setup(&self, session: &Session) -> String {
        format!("{:?} {:?}", self.plan, session.kv.layout())
    }

    pub fn n_vocab(&self) -> usize {
        self.plan.n_vocab
    }

    pub fn n_threads(&self) -> usize {
        self.compute.kernels().n_threads()
    }

    /// Keeps the threads awake between forward passes, as long as the guard lives: they would go to sleep while a token is
    /// sampled, and waking takes longer than that.
    pub fn awake(&self) -> pool::Pass {
        self.compute.kernels().pass()
    }

    /// Rows that [`Model::forward`] takes at most.
    pub fn rows_max(&self) -> usize {
        self.workspace.n_rows
    }

    pub fn ledger(&self, session: &Session) -> Ledger {
        let (kv, layout) = (&session.kv, session.kv.layout());
        Ledger {
            weights: self.weight_bytes,
            kv: session.bytes(),
            kv_max: layout.bytes(kv.n_ctx()),
            kv_per_token: layout.next_bytes(kv.len()),
            cache_type_k: layout.k,
            cache_type_v: layout.v,
            scratch: self.workspace.bytes() + self.compute.scratch_bytes(),
        }
    }

    /// What was computed since it was loaded.
    pub fn work(&self) -> kernels::Work {
        self.compute.kernels().work()
    }

    /// Computes `ids` (at most [`Model::rows_max`]) behind what the session holds and shows `emit` the logits, [n_vocab], of
    /// each row in `wanted`, in order. Cancelled or failed, the session is as before.
    pub fn forward(
        &mut self,
        session: &mut Session,
        ids: &[u32],
        wanted: Range<usize>,
        cancel: &AtomicBool,
        emit: &mut dyn FnMut(usize, &[f32]),
    ) -> Result<(), ForwardError> {
        let (pos, n_vocab) = (session.kv.len(), self.plan.n_vocab);
        if pos + ids.len() > session.kv.n_ctx() {
            return Err(ForwardError::ContextFull { n_ctx: session.kv.n_ctx() });
        }
        if let Some(&id) = ids.iter().find(|id| **id as usize >= n_vocab) {
            return Err(ForwardError::Id { id, n_vocab });
        }
        session.kv.begin(ids.len());
        let pass = self.compute.pass(&session.ids, ids);
        let w = &mut self.workspace;
        w.embed(&self.embedding, ids, pos, &pass)?;
        w.begin(&pass)?;
        w.angles(&self.ropes, pos, ids.len());
        for layer in &self.layers {
            let mut caches = Caches { kv: &mut session.kv, states: &mut session.states };
            layer.forward(&pass, w, &self.ropes, &mut caches, cancel)?;
        }
        w.merge(&self.end, &pass)?;
        for group in w.head_groups(wanted) {
            check(cancel)?;
            w.logits(&pass, &self.end, group, emit)?;
        }
        drop(pass);
        session.kv.advance(ids.len());
        session.states.advance(ids.len());
        session.ids.extend_from_slice(ids);
        Ok(())
    }
}

/// Stops a forward pass between two steps.
fn check(cancel: &AtomicBool) -> Result<(), ForwardError> {
    if cancel.load(Ordering::Relaxed) { Err(ForwardError::Cancelled) } else { Ok(()) }
}
