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
pub use buffer::HeadRows;
use ring::Rings;
pub use shape::{KvLayout, KvShape, KvType};
pub use state::StateCache;
use std::ops::Range;

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

impl LayerCache {
    /// Bytes of so many rows.
    fn n_bytes(&self, n: usize) -> usize {
        self.k.n_bytes(n) + self.v.n_bytes(n)
    }

    /// The rows that some positions fill.
    fn rows(&self, positions: &Range<usize>) -> Range<usize> {
        positions.start / self.shape.positions..positions.end / self.shape.positions
    }
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
        self.rings.forget()
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

    /// Gives such a place up.
    pub fn unmark(&mut self, len: usize) {
        self.rings.unmark(len);
    }

    /// Bytes of the rows that some positions fill in layers that keep all of them.
    pub fn row_bytes(&self, positions: &Range<usize>) -> usize {
        self.layers.iter().filter(|l| l.shape.span.is_none()).map(|l| l.n_bytes(l.rows(positions).len())).sum()
    }

    /// Appends those rows, layer by layer.
    pub fn copy_rows(&self, positions: &Range<usize>, out: &mut Vec<u8>) {
        for layer in self.layers.iter().filter(|l| l.shape.span.is_none()) {
            layer.k.copy_to(&layer.rows(positions), out);
            layer.v.copy_to(&layer.rows(positions), out);
        }
    }

    /// What layers that look back at a window keep of it at `len`; nothing where that is gone.
    pub fn leave(&self, len: usize) -> Option<Vec<u8>> {
        self.rings.leave(len, &self.layers)
    }

    /// Bytes of that.
    pub fn bytes_to_arrive(&self, len: usize) -> usize {
        self.rings.bytes_to_arrive(len, &self.layers)
    }

    /// Appends positions with what [`KvCache::copy_rows`] and [`KvCache::leave`] gave for them, of just that many bytes.
    pub fn arrive(&mut self, n: usize, mut rows: &[u8], window: &[u8]) {
        let positions = self.len..self.len + n;
        for layer in self.layers.iter_mut().filter(|l| l.shape.span.is_none()) {
            let of_layer = layer.rows(&positions);
            let whole = layer.k.take_from(&of_layer, &mut rows).and_then(|()| layer.v.take_from(&of_layer, &mut rows));
            whole.expect("the rows of some positions have as many bytes as `row_bytes` says");
        }
        self.rings.arrive(positions.end, &mut self.layers, window);
        self.advance(n);
    }

    /// Takes over what another cache of the same layout and context holds, but rows of the first `len` tokens alone: that
    /// far it must be truncated before it is used.
    pub fn take_over(&mut self, other: &KvCache, len: usize) {
        for (own, others) in self.layers.iter_mut().zip(&other.layers) {
            // A window's rows are all needed: which of them count is the rings' to say.
            let rows = if own.shape.span.is_some() { 0..other.len.min(own.k.n_rows()) } else { own.rows(&(0..len)) };
            own.k.take_over(&others.k, &rows);
            own.v.take_over(&others.v, &rows);
        }
        self.rings = other.rings.clone();
        self.len = other.len;
        self.len_peak = self.len_peak.max(len);
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
