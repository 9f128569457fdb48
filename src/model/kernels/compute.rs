//! Threads, their memory, and the functions they call.

use super::activations::Activations;
use super::set::{KernelSet, Scratch};
use super::work::{Counters, Work};
use crate::quant::GgmlType;
use crate::sys::pool::{Pass, Pool};
use std::sync::{Mutex, PoisonError};

/// What computes: held by the layers, one for the process.
pub struct Compute {
    set: &'static KernelSet,
    pool: Pool,
    /// One for each worker. A worker's number is one thread's at a time, so a lock is never waited for.
    scratch: Vec<Mutex<Scratch>>,
    counters: Counters,
}

impl Compute {
    pub fn new(set: &'static KernelSet, n_threads: usize) -> Self {
        let pool = Pool::new(n_threads);
        let scratch = (0..pool.n_threads()).map(|_| Mutex::default()).collect();
        Self { set, pool, scratch, counters: Counters::default() }
    }

    pub fn set(&self) -> &'static KernelSet {
        self.set
    }

    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    pub fn n_threads(&self) -> usize {
        self.pool.n_threads()
    }

    /// Keeps the threads awake between regions: hold it over a prefill or an answer.
    pub fn pass(&self) -> Pass<'_> {
        self.pool.pass()
    }

    /// Brings `m` rows of activations to the formats that weights of `types` are multiplied with.
    pub fn prepare(&self, to: &mut Activations, x: &[f32], m: usize, types: &[GgmlType]) {
        to.fill(self.set, &self.pool, x, m, types);
    }

    /// Memory of the workers' scratch.
    pub fn scratch_bytes(&self) -> usize {
        self.scratch.iter().map(|s| s.lock().unwrap_or_else(PoisonError::into_inner).bytes()).sum()
    }

    /// What was computed so far.
    pub fn work(&self) -> Work {
        self.counters.work()
    }

    pub(super) fn count(&self, more: Work) {
        self.counters.add(more);
    }

    /// A region whose chunks use their worker's memory.
    pub(super) fn run(&self, n_chunks: usize, work: impl Fn(usize, &mut Scratch) + Sync) {
        self.pool.run(n_chunks, &|chunk, worker| {
            // Scratch holds no promise that a panic could break: every kernel fills what it reads.
            let mut scratch = self.scratch[worker].lock().unwrap_or_else(PoisonError::into_inner);
            work(chunk, &mut scratch);
        });
    }
}
