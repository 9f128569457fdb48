//! What choosing a token costs at a large vocabulary: `cargo bench --bench sampler`.

// A benchmark reads the clock.
#![allow(clippy::disallowed_methods)]

use ingle::protocol::{SamplerStep, Sampling};
use ingle::sampler::Sampler;
use std::time::Instant;

/// Qwen's vocabulary.
const N_VOCAB: usize = 151_936;
const ROUNDS: usize = 200;
/// Tokens said before, for the penalties.
const SAID: u32 = 512;

fn main() {
    let logits = logits();
    let off = || Sampling { temp: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, ..Sampling::default() };
    for (name, sampling) in [
        ("the default chain", Sampling::default()),
        ("temperature 0", Sampling { temp: 0.0, ..Sampling::default() }),
        (
            "default with penalties and DRY",
            Sampling { repeat_penalty: 1.1, dry_multiplier: 0.8, dry_penalty_last_n: -1, ..Sampling::default() },
        ),
        ("min-p alone", Sampling { min_p: 0.05, ..off() }),
        ("top-p alone", Sampling { top_p: 0.95, ..off() }),
        ("top-n-sigma alone", Sampling { top_n_sigma: 1.0, ..off() }),
        ("typical alone", Sampling { typical: 0.9, ..off() }),
        ("XTC alone", Sampling { xtc_probability: 1.0, ..off() }),
        ("dynamic temperature alone", Sampling { dynatemp_range: 0.5, ..off() }),
        ("everything off", Sampling { samplers: vec![SamplerStep::TopK], ..off() }),
        ("mirostat 1", Sampling { mirostat: 1, ..off() }),
        ("mirostat 2", Sampling { mirostat: 2, ..off() }),
    ] {
        let mut sampler = Sampler::new(&sampling, 1, None);
        sampler.look_back_on(&(0..SAID).map(|i| i * i % 997).collect::<Vec<_>>());
        let mut times: Vec<f64> = (0..ROUNDS).map(|_| timed(|| sampler.sample(&logits, None))).collect();
        times.sort_unstable_by(f64::total_cmp);
        println!("{name:32} best {:8.1} µs   p50 {:8.1} µs", times[0], times[ROUNDS / 2]);
    }
}

/// Like a model's: most of them in a heap, a few far above it.
fn logits() -> Vec<f32> {
    let mut state = 1_u64;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    let heap = |unit: &mut dyn FnMut() -> f32| ((0..12).map(|_| unit()).sum::<f32>() - 6.0) * 2.2;
    (0..N_VOCAB).map(|id| heap(&mut unit) + if id % 3001 == 7 { 10.0 + (id % 7) as f32 } else { 0.0 }).collect()
}

fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed().as_secs_f64() * 1e6
}
