//! What layers keep of the tokens they have seen.

/// Rows of one part of the cache: a row for each position, or for each block of positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cached {
    pub n_head: usize,
    pub head_dim_k: usize,
    pub head_dim_v: usize,
    /// Positions to a row.
    pub positions: usize,
}

impl Cached {
    /// Keys and values of each position.
    pub fn new(n_head: usize, head_dim_k: usize, head_dim_v: usize) -> Self {
        Self { n_head, head_dim_k, head_dim_v, positions: 1 }
    }
}
