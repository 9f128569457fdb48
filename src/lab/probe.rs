//! What this machine can do at most: how fast it reads memory, how many products it computes.
//!
//! Decoding cannot be faster than the weights are read, prefill not faster than their products are computed; how near a
//! model comes to that says whether there is anything left to gain.

use super::now;
use crate::model::kernels::{self, KernelSet, Peak};
use crate::sys::limits;
use crate::sys::pool::Pool;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::time::Duration;

/// What is read: more than any common cache holds. Anonymous memory, written to, so that every page is there.
const BUFFER_BYTES: usize = 256 << 20;
/// Of the memory that is free, the part that the buffer may take.
const BUFFER_PART: u64 = 4;
/// A claim of a thread.
const CHUNK_BYTES: usize = 1 << 20;
/// Each thing is done again and again for so long, and the best counts: whatever disturbs only makes it slower.
const PATIENCE: Duration = Duration::from_millis(150);
const REPETITIONS_MIN: usize = 3;
/// Turns of a loop to a claim of a thread, some 40 µs (half a millisecond of tiles), and claims for each thread.
const TURNS: u64 = 20_000;
const CLAIMS: usize = 32;

/// What so many threads of a machine reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    pub n_threads: usize,
    /// Memory read, GB/s.
    pub read_gbs: f64,
    /// Multiplications and additions of bytes with the tier's own instruction, 10^9 a second; none where it has no such.
    pub int8_gops: Option<f64>,
    /// Of f32.
    pub f32_gflops: Option<f64>,
    /// Of bfloat16, where the tier has a unit for many rows.
    pub bf16_gflops: Option<f64>,
}

impl Limits {
    /// The better of two measurements of one machine: what disturbs a measurement can only lower it.
    pub fn better(self, other: Self) -> Self {
        let rate = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
        Self {
            n_threads: self.n_threads,
            read_gbs: self.read_gbs.max(other.read_gbs),
            int8_gops: rate(self.int8_gops, other.int8_gops),
            f32_gflops: rate(self.f32_gflops, other.f32_gflops),
            bf16_gflops: rate(self.bf16_gflops, other.bf16_gflops),
        }
    }
}

/// Measures each of some numbers of threads; half a second for each.
pub fn measure(n_threads: &[usize]) -> Vec<Limits> {
    let free = limits::memory().map_or(u64::MAX, |memory| memory.available / BUFFER_PART);
    let n_chunks = (BUFFER_BYTES as u64).min(free) as usize / CHUNK_BYTES;
    let buffer = vec![1; n_chunks.max(1) * CHUNK_BYTES];
    n_threads.iter().map(|n| limits_of(*n, &buffer)).collect()
}

fn limits_of(n_threads: usize, buffer: &[u8]) -> Limits {
    let (set, pool) = (kernels::set(), Pool::new(n_threads));
    let _awake = pool.pass();
    let chunks: Vec<&[u8]> = buffer.chunks_exact(CHUNK_BYTES).collect();
    let read_s = best(|| pool.run(chunks.len(), &|chunk, _| _ = black_box(set.read(chunks[chunk]))));
    let limits = Limits {
        n_threads,
        read_gbs: buffer.len() as f64 / read_s / 1e9,
        int8_gops: peak(set, &pool, Peak::Int8),
        f32_gflops: peak(set, &pool, Peak::F32),
        bf16_gflops: peak(set, &pool, Peak::Bf16),
    };
    tracing::debug!(?limits, "measured");
    limits
}

/// 10^9 operations a second.
fn peak(set: &KernelSet, pool: &Pool, peak: Peak) -> Option<f64> {
    let n_claims = CLAIMS * pool.n_threads();
    let n_ops = set.exert(peak, TURNS).saturating_mul(n_claims as u64);
    let seconds = || best(|| pool.run(n_claims, &|_, _| _ = set.exert(peak, TURNS)));
    (n_ops > 0).then(|| n_ops as f64 / seconds() / 1e9)
}

/// Seconds of the fastest of several times.
fn best(once: impl Fn()) -> f64 {
    let begun = now();
    let mut best = f64::INFINITY;
    for n in 0.. {
        if n >= REPETITIONS_MIN && begun.elapsed() > PATIENCE {
            break;
        }
        let started = now();
        once();
        best = best.min(started.elapsed().as_secs_f64());
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_measurement_of_each_counts() {
        let a = Limits { n_threads: 2, read_gbs: 20.0, int8_gops: Some(5.0), f32_gflops: None, bf16_gflops: None };
        let b = Limits { n_threads: 2, read_gbs: 30.0, int8_gops: Some(4.0), f32_gflops: Some(1.0), bf16_gflops: Some(2.0) };
        assert_eq!(a.better(b), Limits { int8_gops: Some(5.0), ..b });
    }

    #[test]
    fn each_number_of_threads_is_measured() {
        let limits = measure(&[2, 1]);
        assert_eq!(limits.iter().map(|l| l.n_threads).collect::<Vec<_>>(), [2, 1]);
        let has_loops = kernels::set().exert(Peak::Int8, 1) > 0;
        for limits in limits {
            assert!(limits.read_gbs > 0.0 && limits.read_gbs.is_finite(), "{limits:?}");
            assert_eq!(limits.int8_gops.is_some_and(|rate| rate > 0.0), has_loops, "{limits:?}");
        }
    }
}
