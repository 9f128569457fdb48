//! The figures of one answer.

use serde::{Deserialize, Serialize};

/// Measured figures of a Generate, stored with the answer. Names and meanings are llama-server's timings; ingle's own
/// stand below them. A figure that was not measured is absent, never 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statistics {
    /// Prompt tokens taken from the KV cache.
    pub cache_n: u32,
    /// Prompt tokens computed now.
    pub prompt_n: u32,
    pub prompt_ms: f64,
    pub prompt_per_token_ms: Option<f64>,
    pub prompt_per_second: Option<f64>,
    /// Tokens generated.
    pub predicted_n: u32,
    /// First to last generated token.
    pub predicted_ms: f64,
    pub predicted_per_token_ms: Option<f64>,
    /// (n - 1) over first-to-last token.
    pub predicted_per_second: Option<f64>,
    pub draft_n: u32,
    pub draft_n_accepted: u32,

    /// Command accepted to first sampled token; queue and load are apart.
    pub ttft_ms: Option<f64>,
    pub load_ms: Option<f64>,
    pub queue_ms: f64,
    pub n_ctx: u32,
    /// Tokens in the KV cache at the end.
    pub n_past: u32,
    pub energy_j: Option<f64>,
    /// Generated tokens that were thinking, marks included.
    pub thinking_n: u32,
    /// First generated token to the end of thinking.
    pub thinking_ms: Option<f64>,
    /// Decode rate over the last second before the end, tok/s.
    pub decode_last_second: Option<f64>,
    /// Time between tokens: median and 99th percentile, ms.
    pub token_ms_p50: Option<f64>,
    pub token_ms_p99: Option<f64>,
    pub peak: super::Ledger,
    pub fingerprint: Option<super::Fingerprint>,
    /// SHA-256 of the chat template, hex.
    pub template_hash: Option<String>,
    pub seed: u64,
    /// The version of ingle that computed this.
    pub version: String,
}
