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

    pub fn n_rows(&self) -> usize {
        self.n_rows
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
        store(self.kind, &mut self.map[row], values);
    }

    /// The rows of each head, for several threads to store in.
    pub fn heads_mut(&mut self) -> impl Iterator<Item = HeadRows<'_>> {
        let Self { kind, n_rows, row_bytes, .. } = *self;
        let each = (n_rows * row_bytes).max(1);
        self.map.chunks_exact_mut(each).take(self.n_head).map(move |rows| HeadRows { rows, kind, n_rows, row_bytes })
    }

    /// Bytes of so many positions' rows, of all heads.
    pub fn n_bytes(&self, n: usize) -> usize {
        self.n_head * n * self.row_bytes
    }

    /// Where a head's rows of some positions lie, in their order: in two places where they go around the end.
    fn places(&self, head: usize, positions: &Range<usize>) -> [Range<usize>; 2] {
        let start = positions.start % self.n_rows.max(1);
        let n_first = positions.len().min(self.n_rows - start);
        let place = |row: usize, n: usize| {
            let start = (head * self.n_rows + row) * self.row_bytes;
            start..start + n * self.row_bytes
        };
        [place(start, n_first), place(0, positions.len() - n_first)]
    }

    /// Appends the rows of some positions, head by head.
    pub fn copy_to(&self, positions: &Range<usize>, out: &mut Vec<u8>) {
        let places = (0..self.n_head).flat_map(|head| self.places(head, positions));
        places.for_each(|place| out.extend_from_slice(&self.map[place]));
    }

    /// Takes rows off the front of `rest`, as [`Buffer::copy_to`] gave them for the same positions. Nothing is changed where
    /// `rest` is too short.
    pub fn take_from(&mut self, positions: &Range<usize>, rest: &mut &[u8]) -> Option<()> {
        let mut rows = rest.split_off(..self.n_bytes(positions.len()))?;
        for head in 0..self.n_head {
            for place in self.places(head, positions) {
                self.map[place.clone()].copy_from_slice(rows.split_off(..place.len())?);
            }
        }
        Some(())
    }

    /// Takes over another buffer's rows of some positions; both have as many rows.
    pub fn take_over(&mut self, other: &Buffer, positions: &Range<usize>) {
        let places = (0..self.n_head).flat_map(|head| other.places(head, positions));
        places.for_each(|place| self.map[place.clone()].copy_from_slice(&other.map[place]));
    }
}

/// One head's rows.
pub struct HeadRows<'a> {
    rows: &'a mut [u8],
    kind: CacheType,
    n_rows: usize,
    row_bytes: usize,
}

impl HeadRows<'_> {
    /// As [`Buffer::store`].
    pub fn store(&mut self, pos: usize, values: &[f32]) {
        let row = &mut self.rows[pos % self.n_rows * self.row_bytes..][..self.row_bytes];
        store(self.kind, row, values);
    }
}

fn store(kind: CacheType, row: &mut [u8], values: &[f32]) {
    match kind {
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
