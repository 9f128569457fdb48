//! What every step computes with.

use super::super::kernels::{self, Activations, KernelSet};
use super::super::weight::Weight;
use super::choice::ChoiceScratch;
use super::experts::ExpertScratch;
use super::recurrent::Buffers;
use super::residuals::ResidualScratch;
use crate::quant::GgmlType;
use crate::sys::pool;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Threads, kernels and scratch of a loaded model.
pub struct Compute {
    kernels: kernels::Compute,
    /// The input of the linear step at hand, in the formats its weights want.
    input: Mutex<Activations>,
    experts: Mutex<ExpertScratch>,
    recurrent: Mutex<Buffers>,
    choice: Mutex<ChoiceScratch>,
    residuals: Mutex<ResidualScratch>,
}

/// One forward pass over the tokens `ids`, the first of them at position `pos`.
#[derive(Clone)]
pub struct Pass<'a> {
    pub compute: &'a Compute,
    /// All ids before them.
    before: &'a [u32],
    pub ids: &'a [u32],
    pub rows: usize,
    pub pos: usize,
    /// Keeps the threads awake between steps.
    _awake: Arc<pool::Pass>,
}

impl Compute {
    pub fn new(n_threads: usize, exact: bool) -> Self {
        Self::by(if exact { kernels::exact() } else { kernels::set() }, n_threads)
    }

    /// By the functions of one set.
    pub fn by(set: &'static KernelSet, n_threads: usize) -> Self {
        Self {
            kernels: kernels::Compute::new(set, n_threads),
            input: Mutex::new(Activations::new()),
            experts: Mutex::default(),
            recurrent: Mutex::default(),
            choice: Mutex::default(),
            residuals: Mutex::default(),
        }
    }

    pub fn kernels(&self) -> &kernels::Compute {
        &self.kernels
    }

    pub fn set(&self) -> &'static KernelSet {
        self.kernels.set()
    }

    pub fn pass<'a>(&'a self, before: &'a [u32], ids: &'a [u32]) -> Pass<'a> {
        let pos = before.len();
        Pass { compute: self, before, ids, rows: ids.len(), pos, _awake: Arc::new(self.kernels.pass()) }
    }

    /// Bytes of what grows with use.
    pub fn scratch_bytes(&self) -> u64 {
        (self.kernels.scratch_bytes() + self.input().bytes() + self.choice_scratch().bytes()) as u64
    }

    // Steps fill what they read, so a panic in one leaves nothing half done behind these locks, and steps follow each
    // other, so none is waited for.

    fn input(&self) -> MutexGuard<'_, Activations> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn recurrent_buffers(&self) -> MutexGuard<'_, Buffers> {
        self.recurrent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn choice_scratch(&self) -> MutexGuard<'_, ChoiceScratch> {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn residual_scratch(&self) -> MutexGuard<'_, ResidualScratch> {
        self.residuals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn expert_scratch(&self) -> MutexGuard<'_, ExpertScratch> {
        self.experts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Pass<'a> {
    /// The id `back` positions before row `r`, where there is one.
    pub fn id_before(&self, r: usize, back: usize) -> Option<u32> {
        match r.checked_sub(back) {
            Some(i) => Some(self.ids[i]),
            None => self.before.len().checked_sub(back - r).map(|i| self.before[i]),
        }
    }

    pub fn with_rows(&self, rows: usize) -> Pass<'a> {
        Pass { rows, ..self.clone() }
    }

    /// Calls `work` with each of the pass's rows, of `width` values, shared out over the threads.
    pub fn each_row(&self, rows: &mut [f32], width: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
        self.compute.kernels.each_row(&mut rows[..self.rows * width], width, work);
    }

    /// The same with parts of rows, where these are long.
    pub fn each_part(&self, rows: &mut [f32], width: usize, work: impl Fn(usize, Range<usize>, &mut [f32]) + Sync) {
        self.compute.kernels.each_part(&mut rows[..self.rows * width], width, work);
    }

    /// The first `rows` rows of `x` in the formats that weights of `types` are multiplied with.
    pub fn prepare(&self, x: &[f32], rows: usize, types: &[GgmlType]) -> MutexGuard<'a, Activations> {
        let mut input = self.compute.input();
        self.compute.kernels.prepare(&mut input, x, rows, types);
        input
    }

    /// out[r] = matrix `mat` of `weight` times row r of what was prepared.
    pub fn multiply(&self, x: &Activations, weight: &Weight, mat: usize, out: &mut [f32]) {
        self.compute.kernels.linear(x, &[kernels::Linear::new(weight.rows(mat), x)], out, weight.n_out);
    }
}
