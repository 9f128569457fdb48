//! Keys and values of the tokens seen so far.
//!
//! Begin with [`KvCache`]. A layer's half is reserved for the whole context, or for the window that it looks back at, and
//! committed by the system as it fills, so a long context costs nothing until it is used. Nothing here knows what the
//! tokens were.

mod buffer;
mod ring;
mod shape;
mod state;
#[cfg(test)]
mod tests;

use buffer::Buffer;
use ring::Rings;
pub use shape::{KvLayout, KvShape, KvType};
pub use state::StateCache;

#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("a KV cache of {n_ctx} tokens takes {bytes} bytes, more than this process may reserve")]
    Reserve { n_ctx: usize, bytes: u64 },
}

/// One layer's keys and values, each [n_head_kv, n_rows, head_dim]: a head's keys lie one after the other.
pub struct LayerCache {
    pub shape: KvShape,
    pub k: Buffer,
    pub v: Buffer,
}

/// The keys and values of one sequence in all layers.
pub struct KvCache {
    layers: Vec<LayerCache>,
    layout: KvLayout,
    rings: Rings,
    n_ctx: usize,
    len: usize,
    /// The most it ever held: that many rows have pages.
    len_peak: usize,
}

impl KvCache {
    pub fn new(layout: KvLayout, n_ctx: usize) -> Result<Self, CacheError> {
        let reserve = || CacheError::Reserve { n_ctx, bytes: layout.bytes(n_ctx) };
        let layers = layout
            .shapes
            .iter()
            .map(|&shape| {
                let n_rows = shape.n_rows(n_ctx, layout.rows_max);
                let half = |asked, dim| Buffer::new(shape.n_head_kv, n_rows, KvType::of(asked, dim)).ok_or_else(reserve);
                Ok(LayerCache { shape, k: half(layout.k, shape.head_dim_k)?, v: half(layout.v, shape.head_dim_v)? })
            })
            .collect::<Result<Vec<_>, CacheError>>()?;
        let rings = Rings::new(&layout.shapes, n_ctx, layout.rows_max);
        Ok(Self { layers, layout, rings, n_ctx, len: 0, len_peak: 0 })
    }

    /// Tokens it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Tokens it can hold.
    pub fn n_ctx(&self) -> usize {
        self.n_ctx
    }

    pub fn layout(&self) -> &KvLayout {
        &self.layout
    }

    /// Memory that rows and copies took so far; it stays taken.
    pub fn bytes(&self) -> u64 {
        self.layout.bytes(self.len_peak) + self.rings.bytes()
    }

    /// Whether layers forget what they do not look back at, so that going back far needs a mark.
    pub fn forgets(&self) -> bool {
        !self.rings.is_empty()
    }

    /// Forgets all but the first `len` tokens, or fewer where their rows are no longer whole; how many are left.
    pub fn truncate(&mut self, len: usize) -> usize {
        if len < self.len {
            self.len = self.rings.truncate(len, &mut self.layers);
        }
        self.len
    }

    /// Marks the end of what it holds as a place to come back to.
    pub fn mark(&mut self) {
        self.rings.mark(self.len);
    }

    /// Makes ready for a pass that writes `rows` rows behind the first `len`.
    pub fn begin(&mut self, rows: usize) {
        assert!(self.len + rows <= self.n_ctx, "a forward pass never writes beyond the context");
        assert!(rows <= self.layout.rows_max, "a forward pass never writes more rows than layers have room for");
        self.rings.write_to(self.len + rows, &self.layers);
    }

    /// Takes over rows that every layer has written behind the first `len`.
    pub fn advance(&mut self, rows: usize) {
        self.len += rows;
        self.len_peak = self.len_peak.max(self.len);
    }

    pub fn layer(&self, il: usize) -> &LayerCache {
        &self.layers[il]
    }

    pub fn layer_mut(&mut self, il: usize) -> &mut LayerCache {
        &mut self.layers[il]
    }
}
