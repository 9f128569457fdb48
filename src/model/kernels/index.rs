//! The scores by which a row chooses the keys that it sees: small heads of their own against all keys so far.

use super::attention::{CachedRows, KEYS, QUERY_ROWS, turn_keys, wide};
use super::buffer::Shared;
use super::compute::Compute;
use super::set::TileShape;

/// The shape of one step's scores.
#[derive(Debug, Clone, Copy)]
pub struct Index<'a> {
    pub n_head: usize,
    pub head_dim: usize,
    pub n_rows: usize,
    /// Keys that are scored, whether a row may see them or not: the first of the cache.
    pub n_keys: usize,
    pub keys: CachedRows<'a>,
    /// [n_rows][n_head]: a score is the sum of weight * max(q·k, 0) over all heads. Without them each head keeps its q·k.
    pub weights: Option<&'a [f32]>,
}

impl Index<'_> {
    /// Scores of one key for one row.
    fn n_each(&self) -> usize {
        if self.weights.is_some() { 1 } else { self.n_head }
    }
}

impl Compute {
    /// The scores of [n_rows][n_head][head_dim] queries, [n_rows][n_keys], or [n_rows][n_head][n_keys] without weights.
    pub fn index(&self, shape: &Index, q: &[f32], out: &mut [f32]) {
        let Index { n_head, head_dim: dim, n_rows, n_keys, .. } = *shape;
        let n_each = shape.n_each();
        assert!(q.len() >= n_rows * n_head * dim && out.len() >= n_rows * n_each * n_keys);
        assert!(shape.weights.is_none_or(|w| w.len() >= n_rows * n_head));
        let out = Shared::new(out);
        let each = (QUERY_ROWS / n_head).max(1);
        self.run(n_keys.div_ceil(KEYS), |block, scratch| {
            let begin = block * KEYS;
            let n = (n_keys - begin).min(KEYS);
            let [_, keys, loaded, scores] = &mut scratch.blocks;
            keys.resize(wide(dim) * KEYS);
            loaded.resize(KEYS * wide(dim));
            turn_keys(self.set(), shape.keys, begin, n, dim, [keys, loaded]);
            for first in (0..n_rows).step_by(each) {
                let rows = each.min(n_rows - first);
                scores.resize(rows * n_head * KEYS);
                scores.fill(0.0);
                let tile = TileShape { m: rows * n_head, k: dim, n: KEYS, a_stride: dim, b_stride: KEYS, c_stride: KEYS };
                self.set().float_tile(&q[first * n_head * dim..][..rows * n_head * dim], keys, scores, tile);
                for (i, heads) in scores.chunks_exact(n_head * KEYS).enumerate() {
                    let row = first + i;
                    for part in 0..n_each {
                        // SAFETY: each block of keys writes its own columns of each row.
                        let out = unsafe { out.slice((row * n_each + part) * n_keys + begin, n) };
                        match shape.weights {
                            Some(weights) => sum(heads, &weights[row * n_head..][..n_head], out),
                            None => out.copy_from_slice(&heads[part * KEYS..][..n]),
                        }
                    }
                }
            }
        });
    }
}

/// out[j] = the sum of weight * max(score, 0) over all heads' scores of key j.
fn sum(heads: &[f32], weights: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    for (scores, weight) in heads.chunks_exact(KEYS).zip(weights) {
        out.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score.max(0.0) * weight);
    }
}
