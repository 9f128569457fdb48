//! Memory of one half of a layer's cache.

use super::super::kernels::CachedRows;
use crate::protocol::CacheType;
use half::f16;
use memmap2::MmapMut;

/// [n_head_kv, n_ctx, head_dim] values of one type. Pages are the system's zero page until they are written, and start
/// 64-byte aligned.
pub struct Buffer {
    map: MmapMut,
    kind: CacheType,
    n_ctx: usize,
    dim: usize,
}

/// One row, [head_dim], to write.
pub enum RowMut<'a> {
    F32(&'a mut [f32]),
    F16(&'a mut [f16]),
}

impl Buffer {
    /// Nothing if the system will not reserve that much.
    pub fn new(n_head: usize, n_ctx: usize, dim: usize, kind: CacheType) -> Option<Self> {
        let bytes = n_head.checked_mul(n_ctx)?.checked_mul(dim)?.checked_mul(kind.size())?;
        let map = MmapMut::map_anon(bytes.max(1)).ok()?;
        Some(Self { map, kind, n_ctx, dim })
    }

    fn span(&self, head: usize) -> std::ops::Range<usize> {
        let bytes = self.n_ctx * self.dim * self.kind.size();
        head * bytes..(head + 1) * bytes
    }

    /// A head's rows, [n_ctx, head_dim].
    pub fn head(&self, head: usize) -> CachedRows<'_> {
        let bytes = &self.map[self.span(head)];
        match self.kind {
            CacheType::F32 => CachedRows::F32(bytemuck::cast_slice(bytes)),
            CacheType::F16 => CachedRows::F16(bytemuck::cast_slice(bytes)),
        }
    }

    pub fn row_mut(&mut self, head: usize, pos: usize) -> RowMut<'_> {
        let row = self.dim * self.kind.size();
        let start = self.span(head).start + pos * row;
        let bytes = &mut self.map[start..start + row];
        match self.kind {
            CacheType::F32 => RowMut::F32(bytemuck::cast_slice_mut(bytes)),
            CacheType::F16 => RowMut::F16(bytemuck::cast_slice_mut(bytes)),
        }
    }

    /// Stores one row, rounded to the buffer's type (to nearest, ties to even).
    pub fn store(&mut self, head: usize, pos: usize, values: &[f32]) {
        match self.row_mut(head, pos) {
            RowMut::F32(row) => row.copy_from_slice(values),
            RowMut::F16(row) => half::slice::HalfFloatSliceExt::convert_from_f32_slice(row, values),
        }
    }
}
