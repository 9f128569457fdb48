//! Keys and values of the tokens seen so far.
//!
//! Begin with [`KvCache`]. A layer's half is reserved for the whole context and committed by the system as it fills,
//! so a long context costs nothing until it is used. Nothing here knows what the tokens were.

mod buffer;
mod state;
#[cfg(test)]
mod tests;

use crate::protocol::CacheType;
use buffer::Buffer;
pub use state::StateCache;

#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("a KV cache of {n_ctx} tokens takes {bytes} bytes, more than this process may reserve")]
    Reserve { n_ctx: usize, bytes: u64 },
}

/// Sizes of one attention's keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvShape {
    pub n_head_kv: usize,
    pub head_dim_k: usize,
    pub head_dim_v: usize,
}

impl KvShape {
    /// Bytes that one token takes in one layer.
    pub fn bytes_per_token(&self, k: CacheType, v: CacheType) -> u64 {
        (self.n_head_kv * (self.head_dim_k * k.size() + self.head_dim_v * v.size())) as u64
    }
}

/// One layer's keys and values, each [n_head_kv, n_ctx, head_dim]: a head's keys lie one after the other.
pub struct LayerCache {
    pub shape: KvShape,
    pub k: Buffer,
    pub v: Buffer,
}

/// The keys and values of one sequence in all layers.
pub struct KvCache {
    layers: Vec<LayerCache>,
    n_ctx: usize,
    len: usize,
    /// The most it ever held: that many rows have pages.
    len_peak: usize,
    bytes_per_token: u64,
}

impl KvCache {
    pub fn new(shapes: &[KvShape], n_ctx: usize, k: CacheType, v: CacheType) -> Result<Self, CacheError> {
        let bytes_per_token = shapes.iter().map(|s| s.bytes_per_token(k, v)).sum::<u64>();
        let bytes = bytes_per_token.saturating_mul(n_ctx as u64);
        let reserve = || CacheError::Reserve { n_ctx, bytes };
        let layers = shapes
            .iter()
            .map(|&shape| {
                let k = Buffer::new(shape.n_head_kv, n_ctx, shape.head_dim_k, k).ok_or_else(reserve)?;
                let v = Buffer::new(shape.n_head_kv, n_ctx, shape.head_dim_v, v).ok_or_else(reserve)?;
                Ok(LayerCache { shape, k, v })
            })
            .collect::<Result<Vec<_>, CacheError>>()?;
        Ok(Self { layers, n_ctx, len: 0, len_peak: 0, bytes_per_token })
    }

    /// Tokens it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The most tokens it ever held; the memory they took stays taken.
    pub fn len_peak(&self) -> usize {
        self.len_peak
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Tokens it can hold.
    pub fn n_ctx(&self) -> usize {
        self.n_ctx
    }

    /// Forgets all but the first `len` tokens.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Takes over rows that every layer has written behind the first `len`.
    pub fn advance(&mut self, rows: usize) {
        assert!(self.len + rows <= self.n_ctx, "a forward pass never writes beyond the context");
        self.len += rows;
        self.len_peak = self.len_peak.max(self.len);
    }

    pub fn layer(&self, il: usize) -> &LayerCache {
        &self.layers[il]
    }

    pub fn layer_mut(&mut self, il: usize) -> &mut LayerCache {
        &mut self.layers[il]
    }

    pub fn bytes_per_token(&self) -> u64 {
        self.bytes_per_token
    }
}

impl CacheType {
    /// Bytes of one value.
    pub fn size(self) -> usize {
        match self {
            CacheType::F32 => 4,
            CacheType::F16 => 2,
        }
    }
}
