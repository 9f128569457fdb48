//! Memory of one half of a layer's cache.

use super::super::kernels::CachedRows;
use super::KvType;
use crate::protocol::CacheType;
use crate::quant::{Block, BlockQ8_0, block_q8_0};
use half::f16;
use memmap2::MmapMut;
use std::ops::Range;

/// [n_head_kv, n_rows, head_dim] values of one type. Position p lies in row p % n_rows. Pages are the system's zero page
/// until they are written, and start 64-byte aligned.
pub struct Buffer {
    map: MmapMut,
    kind: CacheType,
    n_head: usize,
    n_rows: usize,
    row_bytes: usize,
}

impl Buffer {
    /// Nothing if the system will not reserve that much.
    pub fn new(n_head: usize, n_rows: usize, kind: KvType) -> Option<Self> {
        let bytes = n_head.checked_mul(n_rows)?.checked_mul(kind.row_bytes())?;
        let map = MmapMut::map_anon(bytes.max(1)).ok()?;
        Some(Self { map, kind: kind.kind(), n_head, n_rows, row_bytes: kind.row_bytes() })
    }

    /// A head's rows, [n_rows, head_dim].
    pub fn head(&self, head: usize) -> CachedRows<'_> {
        let size = self.n_rows * self.row_bytes;
        let bytes = &self.map[head * size..(head + 1) * size];
        match self.kind {
            CacheType::F32 => CachedRows::F32(bytemuck::cast_slice(bytes)),
            CacheType::F16 => CachedRows::F16(bytemuck::cast_slice(bytes)),
            CacheType::Q8_0 => CachedRows::Q8_0(bytes),
        }
    }

    fn row(&self, head: usize, pos: usize) -> Range<usize> {
        let start = (head * self.n_rows + pos % self.n_rows) * self.row_bytes;
        start..start + self.row_bytes
    }

    /// Stores one row, rounded to the buffer's type as activations are (to nearest, ties to even).
    pub fn store(&mut self, head: usize, pos: usize, values: &[f32]) {
        let row = self.row(head, pos);
        let row = &mut self.map[row];
        match self.kind {
            CacheType::F32 => bytemuck::cast_slice_mut(row).copy_from_slice(values),
            CacheType::F16 => {
                let row: &mut [f16] = bytemuck::cast_slice_mut(row);
                half::slice::HalfFloatSliceExt::convert_from_f32_slice(row, values);
            }
            CacheType::Q8_0 => {
                for (row, values) in row.chunks_exact_mut(BlockQ8_0::BYTES).zip(values.as_chunks().0) {
                    let block = block_q8_0(values);
                    let (d, quants) = row.split_at_mut(size_of::<f16>());
                    d.copy_from_slice(&block.d.to_le_bytes());
                    quants.copy_from_slice(bytemuck::cast_slice(&block.qs));
                }
            }
        }
    }

    /// The rows of some positions, of all heads.
    pub fn copy(&self, positions: Range<usize>) -> Vec<u8> {
        let rows = (0..self.n_head).flat_map(|head| positions.clone().map(move |pos| self.row(head, pos)));
        rows.flat_map(|row| self.map[row].iter().copied()).collect()
    }

    /// Puts back what [`Buffer::copy`] gave for the same positions.
    pub fn put_back(&mut self, positions: Range<usize>, copy: &[u8]) {
        let places = (0..self.n_head).flat_map(|head| positions.clone().map(move |pos| (head, pos)));
        for ((head, pos), bytes) in places.zip(copy.chunks_exact(self.row_bytes.max(1))) {
            let row = self.row(head, pos);
            self.map[row].copy_from_slice(bytes);
        }
    }
}
