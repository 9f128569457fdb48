//! One test and its figures.

use crate::lab::machine::Machine;
use crate::lab::probe::Limits;
use crate::model::kernels::Work;
use serde::{Deserialize, Serialize};

/// Tokens prefilled untimed, then as a prompt, then decoded one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Test {
    pub n_prompt: u32,
    pub n_gen: u32,
    pub n_depth: u32,
}

impl Test {
    pub fn n_ctx(self) -> u32 {
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

/// One test's figures. The keys are llama-bench's; ingle's own stand at the end. Kept on disk: what is added later has a
/// default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    #[serde(flatten)]
    pub machine: Machine,
    pub backends: String,
    pub model_filename: String,
    /// "llama Q4_K_M".
    pub model_type: String,
    pub model_size: u64,
    pub model_n_params: u64,
    pub n_batch: usize,
    pub n_ubatch: usize,
    pub n_threads: usize,
    pub type_k: String,
    pub type_v: String,
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
    pub ingle_version: String,
    pub model_fingerprint: String,
    /// Of one repetition: weights that were multiplied, keys and values that were looked at, as often as they were.
    pub weight_bytes: u64,
    pub cached_bytes: u64,
    /// Multiplications and additions with quantized weights, with others, and with either by a unit of bfloat16.
    pub n_ops: u64,
    pub n_float_ops: u64,
    pub n_bf16_ops: u64,
    /// What the machine reaches with as many threads.
    pub limit_read_gbs: f64,
    pub limit_int8_gops: Option<f64>,
    pub limit_f32_gflops: Option<f64>,
    pub limit_bf16_gflops: Option<f64>,
}

/// What bounds a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Memory,
    Int8,
    F32,
    Bf16,
}

impl Bound {
    pub fn name(self) -> &'static str {
        match self {
            Bound::Memory => "memory bandwidth",
            Bound::Int8 => "int8 rate",
            Bound::F32 => "f32 rate",
            Bound::Bf16 => "bf16 rate",
        }
    }
}

impl Record {
    pub fn test(&self) -> Test {
        Test { n_prompt: self.n_prompt, n_gen: self.n_gen, n_depth: self.n_depth }
    }

    /// Takes over what was computed in one repetition, and what the machine could.
    pub(super) fn with(self, work: Work, limits: &Limits) -> Self {
        Self {
            weight_bytes: work.weight_bytes,
            cached_bytes: work.cached_bytes,
            n_ops: work.n_ops,
            n_float_ops: work.n_float_ops,
            n_bf16_ops: work.n_bf16_ops,
            limit_read_gbs: limits.read_gbs,
            limit_int8_gops: limits.int8_gops,
            limit_f32_gflops: limits.f32_gflops,
            limit_bf16_gflops: limits.bf16_gflops,
            ..self
        }
    }

    /// The limit of the machine that the test came nearest to, and how near, 1 being all of it: the time that the limit
    /// alone would need, against the time it took.
    pub fn nearest(&self) -> Option<(Bound, f64)> {
        // 10^9 a second are as many a nanosecond.
        let ns = |what: u64, rate: f64| what as f64 / rate;
        let read = ns(self.weight_bytes + self.cached_bytes, self.limit_read_gbs);
        let products = [
            (Bound::Int8, self.n_ops, self.limit_int8_gops),
            (Bound::F32, self.n_float_ops, self.limit_f32_gflops),
            (Bound::Bf16, self.n_bf16_ops, self.limit_bf16_gflops),
        ]
        .map(|(bound, n_ops, rate)| (bound, rate.map_or(0.0, |rate| ns(n_ops, rate))));
        let computed: f64 = products.iter().map(|(_, ns)| ns).sum();
        // Products of several kinds are named by that which takes longest.
        let most = products.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let (bound, needed) = match most {
            Some((bound, _)) if computed > read => (bound, computed),
            _ => (Bound::Memory, read),
        };
        let part = needed / self.avg_ns as f64;
        (part.is_finite() && part > 0.0).then_some((bound, part))
    }

    /// Whether another record is of the same test of the same model in the same circumstances.
    pub fn is_like(&self, other: &Record) -> bool {
        fn circumstances(r: &Record) -> (&str, &str, &str, usize, &str, &str, Test) {
            (&r.model_fingerprint, &r.machine.cpu_info, &r.machine.kernels, r.n_threads, &r.type_k, &r.type_v, r.test())
        }
        circumstances(self) == circumstances(other)
    }
}
