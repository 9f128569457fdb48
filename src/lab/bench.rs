//! How fast a model computes here, by llama-bench's method (tools/llama-bench/llama-bench.cpp) and under its names.
//!
//! A test empties the sequence, fills it to its depth, and times a prompt in batches, then single tokens. Ids are
//! chance: speed does not depend on what is said. Sampling and tokenizing are outside these figures, as there.

use crate::gguf::{self, Gguf};
use crate::model::{Model, Session};
use crate::protocol::{CacheType, LoadOptions, ModelFacts, ModelRef, Report};
use serde::Serialize;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// What is the same for all tests of a model.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    pub model: ModelRef,
    /// 0: as many as the machine has to give.
    pub n_threads: u32,
    pub type_k: CacheType,
    pub type_v: CacheType,
    pub repetitions: u32,
    /// One untimed run before the timed ones.
    pub warmup: bool,
}

/// Tokens prefilled untimed, then as a prompt, then decoded one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Test {
    pub n_prompt: u32,
    pub n_gen: u32,
    pub n_depth: u32,
}

impl Test {
    fn n_ctx(self) -> u32 {
        self.n_depth.saturating_add(self.n_prompt).saturating_add(self.n_gen)
    }

    /// "pp512", "tg128", "pp512+tg128", " @ d4096" behind any.
    pub fn name(self) -> String {
        let parts = [("pp", self.n_prompt), ("tg", self.n_gen)];
        let parts: Vec<_> = parts.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{what}{n}")).collect();
        let depth = if self.n_depth > 0 { format!(" @ d{}", self.n_depth) } else { String::new() };
        format!("{}{depth}", parts.join("+"))
    }
}

/// One test's figures. The keys are llama-bench's; ingle's own stand at the end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    pub cpu_info: String,
    pub backends: &'static str,
    pub model_filename: String,
    /// "llama Q4_K_M".
    pub model_type: String,
    pub model_size: u64,
    pub model_n_params: u64,
    pub n_batch: usize,
    pub n_ubatch: usize,
    pub n_threads: usize,
    pub type_k: &'static str,
    pub type_v: &'static str,
    pub n_gpu_layers: u32,
    pub n_prompt: u32,
    pub n_gen: u32,
    pub n_depth: u32,
    pub test_time: String,
    pub avg_ns: u64,
    pub stddev_ns: u64,
    pub avg_ts: f64,
    pub stddev_ts: f64,
    pub samples_ns: Vec<u64>,
    pub samples_ts: Vec<f64>,
    /// From the file's name to a model that computes.
    pub load_ms: f64,
    /// The most memory this process held during the test, bytes; absent where the system does not tell.
    pub rss_peak: Option<u64>,
    pub ingle_version: &'static str,
}

/// Loads the model once and measures each test; `each` is told every record as it is there.
pub fn run(options: &BenchOptions, tests: &[Test], mut each: impl FnMut(Record) -> Result<(), Report>) -> Result<(), Report> {
    let started = now();
    let file = match &options.model {
        ModelRef::Guide => gguf::guide(),
        ModelRef::File(path) => Gguf::open(path),
    }?;
    let load = LoadOptions {
        n_ctx: tests.iter().map(|test| test.n_ctx()).max().unwrap_or(0).max(1),
        n_threads: options.n_threads,
        cache_type_k: options.type_k,
        cache_type_v: options.type_v,
        ..LoadOptions::default()
    };
    let mut bench = Bench {
        model: Model::load(&file, &load).map_err(|error| error.report(file.name()))?,
        file_name: file.name().to_owned(),
        ids: Ids::new(),
    };
    let mut session = bench.model.session(&load).map_err(|error| error.report(file.name()))?;
    let load_ms = started.elapsed().as_secs_f64() * 1e3;
    let facts = gguf::facts(&file);
    for test in tests {
        let (samples, rss_peak) = bench.measure(&mut session, *test, options)?;
        each(bench.record(options, &facts, *test, &samples, load_ms, rss_peak))?;
    }
    Ok(())
}

struct Bench {
    model: Model,
    file_name: String,
    ids: Ids,
}

impl Bench {
    fn measure(&mut self, session: &mut Session, test: Test, options: &BenchOptions) -> Result<(Vec<Duration>, Option<u64>), Report> {
        reset_rss_peak();
        if options.warmup {
            session.truncate(0);
            self.prefill(session, test.n_prompt.min(self.model.rows_max() as u32))?;
            self.prefill(session, test.n_gen.min(1))?;
        }
        let mut samples = Vec::new();
        for _ in 0..options.repetitions {
            session.truncate(0);
            self.prefill(session, test.n_depth)?;
            let started = now();
            self.prefill(session, test.n_prompt)?;
            for _ in 0..test.n_gen {
                self.prefill(session, 1)?;
            }
            samples.push(started.elapsed());
        }
        Ok((samples, rss_peak()))
    }

    /// In batches; only the last token's logits are computed, as an answer needs them.
    fn prefill(&mut self, session: &mut Session, n_tokens: u32) -> Result<(), Report> {
        let ids = self.ids.take(n_tokens as usize, self.model.n_vocab());
        let never = AtomicBool::new(false);
        let mut left = ids.len();
        for batch in ids.chunks(self.model.rows_max()) {
            left -= batch.len();
            let wanted = if left == 0 { batch.len() - 1..batch.len() } else { 0..0 };
            self.model.forward(session, batch, wanted, &never, &mut |_, _| {}).map_err(|error| error.report(&self.file_name))?;
        }
        Ok(())
    }

    fn record(
        &self,
        options: &BenchOptions,
        facts: &ModelFacts,
        test: Test,
        samples: &[Duration],
        load_ms: f64,
        rss_peak: Option<u64>,
    ) -> Record {
        let n_tokens = f64::from(test.n_prompt) + f64::from(test.n_gen);
        let samples_ns: Vec<u64> = samples.iter().map(|sample| sample.as_nanos() as u64).collect();
        let samples_ts: Vec<f64> = samples.iter().map(|sample| n_tokens / sample.as_secs_f64()).collect();
        let (avg_ns, stddev_ns) = mean_and_deviation(&samples_ns.iter().map(|ns| *ns as f64).collect::<Vec<_>>());
        let (avg_ts, stddev_ts) = mean_and_deviation(&samples_ts);
        Record {
            cpu_info: cpu_info(),
            backends: "CPU",
            model_filename: match &options.model {
                ModelRef::Guide => self.file_name.clone(),
                ModelRef::File(path) => path.display().to_string(),
            },
            model_type: format!("{} {}", facts.architecture, facts.quantization),
            model_size: facts.file_bytes,
            model_n_params: facts.n_params,
            n_batch: self.model.rows_max(),
            n_ubatch: self.model.rows_max(),
            n_threads: self.model.n_threads(),
            type_k: options.type_k.name(),
            type_v: options.type_v.name(),
            n_gpu_layers: 0,
            n_prompt: test.n_prompt,
            n_gen: test.n_gen,
            n_depth: test.n_depth,
            test_time: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            avg_ns: avg_ns as u64,
            stddev_ns: stddev_ns as u64,
            avg_ts,
            stddev_ts,
            samples_ns,
            samples_ts,
            load_ms,
            rss_peak,
            ingle_version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// Measuring is what this room is for: it may ask the clock.
#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}

/// Mean and sample standard deviation, which is 0 for a single sample.
fn mean_and_deviation(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    if samples.is_empty() {
        return (0.0, 0.0);
    }
    let mean = samples.iter().sum::<f64>() / n;
    let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
    (mean, if samples.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 })
}

/// Ids by chance, the same in every run: xorshift64 (Marsaglia, 2003).
struct Ids(u64);

impl Ids {
    fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    fn take(&mut self, n: usize, n_vocab: usize) -> Vec<u32> {
        let mut next = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        };
        (0..n).map(|_| (next() % n_vocab.max(1) as u64) as u32).collect()
    }
}

/// The processor's own name; empty where the system does not tell.
fn cpu_info() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map(|(_, name)| name.trim().to_owned()).unwrap_or_default()
}

/// Linux forgets the peak when 5 is written there (proc_pid_clear_refs(5)); elsewhere it is that of the whole run.
fn reset_rss_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn rss_peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests;
