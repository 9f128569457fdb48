//! The arithmetic of memory, as figures.

use serde::{Deserialize, Serialize};

/// Where a loaded model's memory is, in bytes. The parts are the engine's own; what else the process holds is
/// `resident` less their sum, a line of its own on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Tensor bytes of the file, mapped or static.
    pub weights: u64,
    /// KV cache as committed now.
    pub kv: u64,
    /// KV cache when the context is full.
    pub kv_max: u64,
    /// KV cache bytes that one further token takes.
    pub kv_per_token: u64,
    /// Activations, panels and logits.
    pub scratch: u64,
}

impl Ledger {
    /// What this model takes in all once its context is full.
    pub fn need(&self) -> u64 {
        self.weights.saturating_add(self.kv_max).saturating_add(self.scratch)
    }
}
