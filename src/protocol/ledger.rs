//! The arithmetic of memory, as figures.

use super::CacheType;
use serde::{Deserialize, Serialize};

/// Where a loaded model's memory is, in bytes. The parts are the engine's own; what else the process holds is
/// `resident` less their sum, a line of its own on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Tensor bytes of the file, mapped or static, and of the draft model's; so with all that follows.
    pub weights: u64,
    /// KV cache as committed now.
    pub kv: u64,
    /// KV cache when the context is full.
    pub kv_max: u64,
    /// KV cache bytes that one further token takes.
    pub kv_per_token: u64,
    /// What keys and values are kept in; a head that is no whole blocks of it in F16.
    pub cache_type_k: CacheType,
    pub cache_type_v: CacheType,
    /// Activations, panels and logits.
    pub scratch: u64,
}

impl Ledger {
    /// The types of keys and values where they are not the usual ones: "q8_0", "q8_0/f16".
    pub fn unusual_cache(&self) -> Option<String> {
        let (k, v) = (self.cache_type_k, self.cache_type_v);
        match (k == v, k == CacheType::default()) {
            (true, true) => None,
            (true, false) => Some(k.name().to_owned()),
            (false, _) => Some(format!("{}/{}", k.name(), v.name())),
        }
    }

    /// Two models' memory as one; of what type the keys and values are, the first one says.
    pub fn with(&self, other: &Ledger) -> Ledger {
        Ledger {
            weights: self.weights + other.weights,
            kv: self.kv + other.kv,
            kv_max: self.kv_max + other.kv_max,
            kv_per_token: self.kv_per_token + other.kv_per_token,
            scratch: self.scratch + other.scratch,
            ..*self
        }
    }

    /// What this model takes in all once its context is full.
    pub fn need(&self) -> u64 {
        self.weights.saturating_add(self.kv_max).saturating_add(self.scratch)
    }
}
