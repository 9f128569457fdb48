//! Threads, their memory, and the functions they call.

use super::activations::Activations;
use super::buffer::{Aligned, Shared};
use super::set::{KernelSet, Scratch};
use super::work::{Counters, Work};
use crate::quant::GgmlType;
use crate::sys::pool::{Pass, Pool};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values to a chunk of [`Compute::each_row`], at least: some microseconds of work.
const VALUES_EACH: usize = 4096;

/// What computes: held by the layers, one for the process.
pub struct Compute {
    set: &'static KernelSet,
    pool: Pool,
    /// One for each worker. A worker's number is one thread's at a time, so a lock is never waited for.
    scratch: Vec<Mutex<Scratch>>,
    counters: Counters,
    /// What the parts of long contexts leave behind.
    parts: Mutex<Aligned<f32>>,
}

impl Compute {
    pub fn new(set: &'static KernelSet, n_threads: usize) -> Self {
        let pool = Pool::new(n_threads);
        let scratch = (0..pool.n_threads()).map(|_| Mutex::default()).collect();
        Self { set, pool, scratch, counters: Counters::default(), parts: Mutex::default() }
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
    pub fn pass(&self) -> Pass {
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

    /// Steps follow each other, so the lock is never waited for; they fill what they read.
    pub(super) fn parts(&self) -> MutexGuard<'_, Aligned<f32>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `work` with each row of `width` values and its number, shared out over the threads.
    pub fn each_row(&self, rows: &mut [f32], width: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
        assert!(width > 0 && rows.len().is_multiple_of(width), "{} values are not rows of {width}", rows.len());
        let n_rows = rows.len() / width;
        let each = VALUES_EACH.div_ceil(width);
        let rows = Shared::new(rows);
        self.pool.run(n_rows.div_ceil(each), &|chunk, _| {
            for r in chunk * each..n_rows.min((chunk + 1) * each) {
                // SAFETY: row r belongs to this chunk alone.
                work(r, unsafe { rows.slice(r * width, width) });
            }
        });
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
