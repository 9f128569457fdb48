//! What was computed so far, counted where it is computed: experts that no token chose are not in it, nor what a file
//! holds beside what its plan names.

use std::ops::Sub;
use std::sync::atomic::{AtomicU64, Ordering};

/// Sums since the model was loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Weights that were multiplied, each time they were, as they lie in the file.
    pub weight_bytes: u64,
    /// Keys and values that were looked at.
    pub cached_bytes: u64,
    /// Multiplications and additions with quantized weights, which are of bytes.
    pub n_ops: u64,
    /// With weights that are floats.
    pub n_float_ops: u64,
    /// With weights of either kind, by the unit for many rows.
    pub n_bf16_ops: u64,
}

impl Sub for Work {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            weight_bytes: self.weight_bytes - before.weight_bytes,
            cached_bytes: self.cached_bytes - before.cached_bytes,
            n_ops: self.n_ops - before.n_ops,
            n_float_ops: self.n_float_ops - before.n_float_ops,
            n_bf16_ops: self.n_bf16_ops - before.n_bf16_ops,
        }
    }
}

/// The sums, counted up once for each region and by its caller alone: that costs nothing that could be measured.
#[derive(Debug, Default)]
pub(super) struct Counters {
    weight_bytes: AtomicU64,
    cached_bytes: AtomicU64,
    n_ops: AtomicU64,
    n_float_ops: AtomicU64,
    n_bf16_ops: AtomicU64,
}

impl Counters {
    pub(super) fn add(&self, more: Work) {
        self.weight_bytes.fetch_add(more.weight_bytes, Ordering::Relaxed);
        self.cached_bytes.fetch_add(more.cached_bytes, Ordering::Relaxed);
        self.n_ops.fetch_add(more.n_ops, Ordering::Relaxed);
        self.n_float_ops.fetch_add(more.n_float_ops, Ordering::Relaxed);
        self.n_bf16_ops.fetch_add(more.n_bf16_ops, Ordering::Relaxed);
    }

    pub(super) fn work(&self) -> Work {
        Work {
            weight_bytes: self.weight_bytes.load(Ordering::Relaxed),
            cached_bytes: self.cached_bytes.load(Ordering::Relaxed),
            n_ops: self.n_ops.load(Ordering::Relaxed),
            n_float_ops: self.n_float_ops.load(Ordering::Relaxed),
            n_bf16_ops: self.n_bf16_ops.load(Ordering::Relaxed),
        }
    }
}
