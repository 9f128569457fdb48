//! Threads, their memory, and the functions they call.

use super::activations::Activations;
use super::buffer::{Aligned, Shared};
use super::set::{KernelSet, Scratch};
use super::work::{Counters, Work};
use crate::quant::GgmlType;
use crate::sys::pool::{Pass, Pool};
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values to a chunk of [`Compute::each_row`], at least, and of [`Compute::each_part`]: some microseconds of work.
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

/// Some columns of all rows of a buffer, one chunk's alone.
pub struct Columns<'a> {
    rows: Shared<f32>,
    /// Values of a whole row, and which of them these are.
    width: usize,
    columns: Range<usize>,
    of: PhantomData<&'a mut [f32]>,
}

impl Columns<'_> {
    /// These columns of row `r`.
    pub fn row(&mut self, r: usize) -> &mut [f32] {
        // SAFETY: the chunk has these columns alone, and gives out one row at a time.
        unsafe { self.rows.slice(r * self.width + self.columns.start, self.columns.len()) }
    }
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
        self.each_rows(rows, width, VALUES_EACH.div_ceil(width.max(1)), work);
    }

    /// The same with `each` rows to a claim.
    pub fn each_rows<T: Send>(&self, rows: &mut [T], width: usize, each: usize, work: impl Fn(usize, &mut [T]) + Sync) {
        assert!(width > 0 && each > 0 && rows.len().is_multiple_of(width), "{} values are not rows of {width}", rows.len());
        let n_rows = rows.len() / width;
        let rows = Shared::new(rows);
        self.pool.run(n_rows.div_ceil(each), &|chunk, _| {
            for r in chunk * each..n_rows.min((chunk + 1) * each) {
                // SAFETY: row r belongs to this chunk alone.
                work(r, unsafe { rows.slice(r * width, width) });
            }
        });
    }

    /// The same with parts of rows, where these are long: which part of which row.
    pub fn each_part(&self, rows: &mut [f32], width: usize, work: impl Fn(usize, Range<usize>, &mut [f32]) + Sync) {
        if width <= VALUES_EACH {
            return self.each_row(rows, width, |r, row| work(r, 0..width, row));
        }
        assert!(rows.len().is_multiple_of(width), "{} values are not rows of {width}", rows.len());
        let parts = width.div_ceil(VALUES_EACH);
        let n_chunks = rows.len() / width * parts;
        let rows = Shared::new(rows);
        self.pool.run(n_chunks, &|chunk, _| {
            let (r, first) = (chunk / parts, chunk % parts * VALUES_EACH);
            let part = first..width.min(first + VALUES_EACH);
            // SAFETY: this part of row r belongs to this chunk alone.
            let values = unsafe { rows.slice(r * width + part.start, part.len()) };
            work(r, part, values);
        });
    }

    /// Calls `work` for each `each` columns of the rows, [rows][width], with what belongs to them of a state that has as much
    /// for each column: [width][..].
    pub fn each_columns(
        &self,
        (rows, width): (&mut [f32], usize),
        each: usize,
        state: &mut [f32],
        work: impl Fn(Range<usize>, &mut [f32], &mut Columns) + Sync,
    ) {
        assert!(width > 0 && each > 0 && rows.len().is_multiple_of(width) && state.len().is_multiple_of(width));
        let depth = state.len() / width;
        let (rows, state) = (Shared::new(rows), Shared::new(state));
        self.pool.run(width.div_ceil(each), &|chunk, _| {
            let columns = chunk * each..width.min((chunk + 1) * each);
            // SAFETY: these columns and what belongs to them are this chunk's alone.
            let state = unsafe { state.slice(columns.start * depth, columns.len() * depth) };
            work(columns.clone(), state, &mut Columns { rows, width, columns, of: PhantomData });
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
