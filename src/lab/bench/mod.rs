//! How fast a model computes here, by llama-bench's method (tools/llama-bench/llama-bench.cpp) and under its names.
//!
//! A test brings the sequence to its depth, and times a prompt in batches, then single tokens. Ids are chance: speed does
//! not depend on what is said. Sampling and tokenizing are outside these figures, as there. Beside them stands what the
//! machine could do at most ([`Record::nearest`]); a [`Store`] keeps them, to be compared with later ones.

mod record;
mod store;

pub use record::{Bound, Record, Test};
pub use store::Store;

use super::machine::Machine;
use super::now;
use super::probe::Limits;
use crate::gguf::{self, Gguf};
use crate::model::kernels::Work;
use crate::model::{Model, Session};
use crate::protocol::{CacheType, LoadOptions, ModelFacts, ModelRef, Report};
use crate::sys::limits;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

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

/// Loads the model once and measures each test; `each` is told every record as it is there. `limits` are those of as many
/// threads as the options ask for.
pub fn run(
    options: &BenchOptions,
    tests: &[Test],
    (machine, limits): (&Machine, &Limits),
    mut each: impl FnMut(Record) -> Result<(), Report>,
) -> Result<(), Report> {
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
    if options.warmup {
        warm(&file)?;
    }
    let facts = gguf::facts(&file);
    for test in tests {
        let (samples, work, rss_peak) = bench.measure(&mut session, *test, options)?;
        let record = bench.record(options, machine, &facts, *test, &samples);
        each(Record { load_ms, rss_peak, ..record.with(work, limits) })?;
    }
    Ok(())
}

/// Brings the file's pages into memory, where they have room, so that no test waits for the disk.
fn warm(file: &Gguf) -> Result<(), Report> {
    if limits::memory().is_some_and(|memory| memory.available < file.file_bytes()) {
        return Ok(());
    }
    file.maps().try_for_each(|(name, bytes)| {
        bytes
            .warm(0..bytes.len())
            .map_err(|e| Report::new(format!("{name} could not be read"), "Look whether its disk is well").offender(name).because(&e))
    })
}

struct Bench {
    model: Model,
    file_name: String,
    ids: Ids,
}

impl Bench {
    /// The time of each repetition, what was computed in one, and the most memory held.
    fn measure(&mut self, session: &mut Session, test: Test, options: &BenchOptions) -> Result<(Vec<Duration>, Work, Option<u64>), Report> {
        reset_rss_peak();
        let _awake = self.model.awake();
        self.go_to(session, test.n_depth)?;
        if options.warmup {
            self.prefill(session, test.n_prompt.min(self.model.rows_max() as u32))?;
            self.prefill(session, test.n_gen.min(1))?;
        }
        let (mut samples, mut work) = (Vec::new(), Work::default());
        for _ in 0..options.repetitions {
            self.go_to(session, test.n_depth)?;
            let (before, started) = (self.model.work(), now());
            self.prefill(session, test.n_prompt)?;
            for _ in 0..test.n_gen {
                self.prefill(session, 1)?;
            }
            samples.push(started.elapsed());
            work = self.model.work() - before;
        }
        Ok((samples, work, rss_peak()))
    }

    /// Makes the sequence so long. What it holds up to there stays, where its states and windows can go back.
    fn go_to(&mut self, session: &mut Session, n_depth: u32) -> Result<(), Report> {
        let kept = session.truncate(n_depth as usize) as u32;
        if kept < n_depth {
            self.prefill(session, n_depth - kept)?;
            session.snapshot();
        }
        Ok(())
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

    fn record(&self, options: &BenchOptions, machine: &Machine, facts: &ModelFacts, test: Test, samples: &[Duration]) -> Record {
        let n_tokens = f64::from(test.n_prompt) + f64::from(test.n_gen);
        let samples_ns: Vec<u64> = samples.iter().map(|sample| sample.as_nanos() as u64).collect();
        let samples_ts: Vec<f64> = samples.iter().map(|sample| n_tokens / sample.as_secs_f64()).collect();
        let (avg_ns, stddev_ns) = mean_and_deviation(&samples_ns.iter().map(|ns| *ns as f64).collect::<Vec<_>>());
        let (avg_ts, stddev_ts) = mean_and_deviation(&samples_ts);
        Record {
            machine: machine.clone(),
            backends: "CPU".to_owned(),
            model_filename: match &options.model {
                ModelRef::Guide => self.file_name.clone(),
                ModelRef::File(path) => path.display().to_string(),
            },
            model_type: format!("{} {}", facts.architecture, facts.quantization),
            model_size: facts.file_bytes,
            model_n_params: facts.n_params,
            model_fingerprint: facts.fingerprint.as_ref().map(|f| f.0.clone()).unwrap_or_default(),
            n_batch: self.model.rows_max(),
            n_ubatch: self.model.rows_max(),
            n_threads: self.model.n_threads(),
            type_k: options.type_k.name().to_owned(),
            type_v: options.type_v.name().to_owned(),
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
            ingle_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Record::default()
        }
    }
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
