//! How much of which tokens a layer keeps, and in what type.

use super::super::plan::Cached;
use crate::protocol::CacheType;
use crate::quant::GgmlType;

/// A row of a half of the cache: its type and its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvType {
    kind: CacheType,
    dim: usize,
}

impl KvType {
    /// What heads of `dim` values are kept in where `asked` is wished for: rows that are no whole blocks stay F16.
    pub fn of(asked: CacheType, dim: usize) -> Self {
        let kind = if GgmlType::from(asked).row_bytes(dim).is_some() { asked } else { CacheType::F16 };
        Self { kind, dim }
    }

    pub fn kind(self) -> CacheType {
        self.kind
    }

    /// Bytes of one head's row.
    pub fn row_bytes(self) -> usize {
        GgmlType::from(self.kind).row_bytes(self.dim).expect("a row is whole blocks of the type that was chosen for it")
    }
}

impl From<CacheType> for GgmlType {
    fn from(kind: CacheType) -> Self {
        match kind {
            CacheType::F32 => GgmlType::F32,
            CacheType::F16 => GgmlType::F16,
            CacheType::Q8_0 => GgmlType::Q8_0,
        }
    }
}

/// Sizes of one attention's keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvShape {
    pub n_head_kv: usize,
    pub head_dim_k: usize,
    pub head_dim_v: usize,
    /// How many positions are looked back at, a token's own among them; none if all are.
    pub span: Option<usize>,
    /// Positions to a row.
    pub positions: usize,
}

impl KvShape {
    pub fn of(cached: Cached, span: Option<usize>) -> Self {
        let Cached { n_head: n_head_kv, head_dim_k, head_dim_v, positions } = cached;
        Self { n_head_kv, head_dim_k, head_dim_v, span, positions }
    }

    /// Bytes of one row of all heads.
    fn bytes_of_row(&self, k: CacheType, v: CacheType) -> u64 {
        let row = |asked, dim| KvType::of(asked, dim).row_bytes();
        (self.n_head_kv * (row(k, self.head_dim_k) + row(v, self.head_dim_v))) as u64
    }

    /// Rows that are kept of `n_tokens`: as many as the span and one pass beyond it need.
    pub fn n_rows(&self, n_tokens: usize, rows_max: usize) -> usize {
        let n = n_tokens.div_ceil(self.positions);
        self.span.map_or(n, |span| n.min(span.saturating_add(rows_max)))
    }
}

/// What all layers keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvLayout {
    pub shapes: Vec<KvShape>,
    pub k: CacheType,
    pub v: CacheType,
    /// Rows that one pass writes at most.
    pub rows_max: usize,
}

impl KvLayout {
    /// Bytes for `n_tokens`.
    pub fn bytes(&self, n_tokens: usize) -> u64 {
        let of_layer = |s: &KvShape| s.bytes_of_row(self.k, self.v).saturating_mul(s.n_rows(n_tokens, self.rows_max) as u64);
        self.shapes.iter().map(of_layer).fold(0, u64::saturating_add)
    }

    /// Bytes that one more token takes behind `n_tokens`.
    pub fn next_bytes(&self, n_tokens: usize) -> u64 {
        self.bytes(n_tokens.saturating_add(1)) - self.bytes(n_tokens)
    }

    /// Head lengths that are kept in F16 though something smaller was asked for.
    pub fn unfit(&self) -> Vec<usize> {
        let halves = self.shapes.iter().flat_map(|s| [(self.k, s.head_dim_k), (self.v, s.head_dim_v)]);
        let mut unfit: Vec<usize> = halves.filter(|(asked, dim)| KvType::of(*asked, *dim).kind != *asked).map(|(_, dim)| dim).collect();
        unfit.sort_unstable();
        unfit.dedup();
        unfit
    }
}
