//! What the kernels do on this machine: `cargo bench --bench kernels [-- TYPE... [tier=NAME] [threads=N] [rows=N,N] [width=N]]`.
//!
//! For each type, tier and number of activation rows: the bytes of weights that went through in a second, and the
//! operations (two for each weight and row). Few rows stream weights that are larger than the processor's caches, as a
//! model's are. Each figure is the best of many short rounds, since whatever else the machine does can only slow them down.

// A benchmark reads the clock.
#![allow(clippy::disallowed_methods)]

use ingle::model::kernels::{Activations, Attention, CachedRows, Compute, KernelSet, KvHead, Linear, Seen, Tier, WeightRows, available};
use ingle::quant::GgmlType;
use std::time::Instant;

/// The width of a model of a billion weights.
const WIDTH: usize = 2048;
/// Bytes of weights that few rows pass through, so that none is still in a cache, and those of one round.
const STREAMED_BYTES: usize = 192 << 20;
const ROUND_BYTES: usize = 6 << 20;
/// Operations of a round with many rows.
const ROUND_OPERATIONS: usize = 1 << 29;
/// How long a figure is looked for.
const SECONDS: f64 = 0.4;
const TYPES: [GgmlType; 10] = [
    GgmlType::Q4K,
    GgmlType::Q6K,
    GgmlType::Q8_0,
    GgmlType::Q4_0,
    GgmlType::Q5K,
    GgmlType::Q2K,
    GgmlType::Q3K,
    GgmlType::F16,
    GgmlType::BF16,
    GgmlType::F32,
];

struct Asked {
    types: Vec<GgmlType>,
    tier: Option<String>,
    threads: Vec<usize>,
    rows: Vec<usize>,
    width: usize,
    attention: bool,
}

impl Asked {
    fn read() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut asked =
            Self { types: Vec::new(), tier: None, threads: vec![1, cores], rows: vec![1, 4, 8, 32, 512], width: WIDTH, attention: false };
        asked.threads.dedup();
        for word in std::env::args().skip(1).filter(|word| !word.starts_with("--")) {
            let numbers = |list: &str| list.split(',').filter_map(|n| n.parse().ok()).collect();
            match word.split_once('=') {
                Some(("tier", name)) => asked.tier = Some(name.to_owned()),
                Some(("threads", list)) => asked.threads = numbers(list),
                Some(("rows", list)) => asked.rows = numbers(list),
                Some(("width", n)) => asked.width = n.parse().unwrap_or(WIDTH),
                _ if word == "attention" => asked.attention = true,
                _ => asked.types.extend(GgmlType::from_name(&word)),
            }
        }
        if asked.types.is_empty() && !asked.attention {
            asked.types.extend(TYPES);
            asked.attention = true;
        }
        asked
    }

    fn sets(&self) -> impl Iterator<Item = &'static KernelSet> {
        available().iter().filter(|set| self.tier.as_deref().is_none_or(|name| set.tier().name() == name))
    }
}

fn main() {
    let asked = Asked::read();
    println!("{:<9} {:<11} {:>7} {:>6} {:>9} {:>9} {:>9}", "", "tier", "threads", "rows", "GB/s", "GOP/s", "ns/1000");
    for ty in &asked.types {
        for set in asked.sets() {
            for threads in &asked.threads {
                let compute = Compute::new(set, *threads);
                for m in &asked.rows {
                    let Figures { gbps, gops, prepare_ns } = product(&compute, *ty, asked.width, *m);
                    let (name, tier) = (ty.name(), set.tier().name());
                    println!("{name:<9} {tier:<11} {threads:>7} {m:>6} {gbps:>9.2} {gops:>9.1} {prepare_ns:>9.0}");
                }
            }
        }
    }
    if asked.attention {
        println!("{:<9} {:<11} {:>7} {:>6} {:>9} {:>9}", "", "tier", "threads", "rows", "µs/layer", "GFLOP/s");
        for set in asked.sets() {
            for threads in &asked.threads {
                let compute = Compute::new(set, *threads);
                for (n_rows, first_pos) in [(1, 512), (1, 4096), (1, 65536), (512, 0)] {
                    let (us, gflops) = attention(&compute, n_rows, first_pos);
                    let at = format!("at {first_pos}");
                    println!("{at:<9} {:<11} {threads:>7} {n_rows:>6} {us:>9.0} {gflops:>9.1}", set.tier().name());
                }
            }
        }
    }
}

/// Seconds of the best round.
fn best(mut round: impl FnMut()) -> f64 {
    round();
    let begin = Instant::now();
    let mut best = f64::INFINITY;
    while begin.elapsed().as_secs_f64() < SECONDS {
        let begin = Instant::now();
        round();
        best = best.min(begin.elapsed().as_secs_f64());
    }
    best
}

/// Gigabytes of weights and billions of operations a second; nanoseconds to prepare 1000 activations.
struct Figures {
    gbps: f64,
    gops: f64,
    prepare_ns: f64,
}

fn product(compute: &Compute, ty: GgmlType, k: usize, m: usize) -> Figures {
    let row_bytes = ty.row_bytes(k).expect("rows are whole blocks of the type");
    let streams = m <= 64 && compute.set().tier() != Tier::Scalar;
    let n_rows = if streams { ROUND_BYTES / row_bytes } else { (ROUND_OPERATIONS / (2 * k * m)).clamp(64, 4096) };
    let bytes = row_bytes * n_rows;
    let n = if streams { STREAMED_BYTES / bytes } else { 1 };
    let matrices: Vec<Vec<u8>> = (0..n).map(|i| weights(ty, bytes, i as u64)).collect();
    let x: Vec<f32> = (0..m * k).map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0).collect();
    let mut prepared = Activations::new();
    let mut out = vec![0.0; m * n_rows];
    let _pass = compute.pass();
    let mut matrices = matrices.iter().cycle();
    // Once for all rows of weights, of which a model has many more than a round: figured on its own.
    compute.prepare(&mut prepared, &x, m, &[ty]);
    let seconds = best(|| {
        let bytes = matrices.next().expect("a cycle does not end");
        let rows = WeightRows::new(ty, bytes, k, n_rows).expect("the bytes are as many as the rows take");
        compute.linear(&prepared, &[Linear::new(rows, &prepared)], &mut out, n_rows);
    });
    let operations = 2.0 * (k * n_rows * m) as f64;
    let prepare = best(|| compute.prepare(&mut prepared, &x, m, &[ty]));
    Figures { gbps: bytes as f64 / seconds / 1e9, gops: operations / seconds / 1e9, prepare_ns: prepare * 1e12 / x.len() as f64 }
}

/// Arbitrary blocks; what they stand for does not matter to the clock, unless it is no number.
fn weights(ty: GgmlType, n_bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    // Below 0x78 in the upper byte of a half-precision number there is neither infinity nor NaN.
    let finite = if ty.block_len() == 1 { 0x3F } else { 0x77 };
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8 & finite
    };
    let mut bytes: Vec<u8> = (0..n_bytes).map(|_| next()).collect();
    if ty == GgmlType::MXFP4 {
        // A block begins with its exponent: most of them all give sums too small for normal numbers, which no model has.
        bytes.iter_mut().step_by(ty.row_bytes(ty.block_len()).expect("a block is a block")).for_each(|exponent| *exponent = 0x78);
    }
    bytes
}

/// Microseconds, and billions of operations a second, of one layer of 32 heads over 8 KV heads of 64 values.
fn attention(compute: &Compute, n_rows: usize, first_pos: usize) -> (f64, f64) {
    let (n_head, n_head_kv, dim) = (32, 8, 64);
    let n_keys = first_pos + n_rows;
    let half = |i: usize| half::f16::from_f32(((i * 31) % 200) as f32 / 100.0 - 1.0);
    let cached: Vec<Vec<half::f16>> = (0..2 * n_head_kv).map(|h| (0..n_keys * dim).map(|i| half(h * 17 + i)).collect()).collect();
    let q: Vec<f32> = (0..n_rows * n_head * dim).map(|i| ((i * 13) % 100) as f32 / 50.0 - 1.0).collect();
    let mut out = vec![0.0; q.len()];
    let (head_dim_k, head_dim_v, scale) = (dim, dim, 0.125);
    let (seen, value_stride) = (Seen::All, head_dim_v);
    let shape = Attention {
        n_head,
        n_head_kv,
        head_dim_k,
        head_dim_v,
        value_stride,
        scale,
        first_pos,
        n_rows,
        seen,
        softcap: None,
        slopes: None,
        sinks: None,
        chosen: None,
        pooled: None,
    };
    let head = |h: usize| KvHead { keys: CachedRows::F16(&cached[h]), values: CachedRows::F16(&cached[n_head_kv + h]) };
    let _pass = compute.pass();
    let seconds = best(|| compute.attend(&shape, head, (&q, n_head * dim), (&mut out, n_head * dim)));
    let pairs: usize = (0..n_rows).map(|r| first_pos + r + 1).sum();
    (seconds * 1e6, (4 * n_head * dim * pairs) as f64 / seconds / 1e9)
}
