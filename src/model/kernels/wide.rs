//! Many rows of activations at once: weights and activations rounded to bfloat16, multiplied in cells of 32 by 32 sums.
//!
//! A chunk is a panel of weight rows and all tokens. Its weights are unpacked once, a depth of values at a time, so that
//! the panel stays in the second-level cache; the tokens come by in blocks of 32, packed once for all weights. Both lie as
//! the units read them, one step of 32 values behind the other, so that a cell reads two sequential streams:
//!
//! ```text
//! panel    [32 rows]... of [step][2][16 rows][32 values]
//! tokens   [32 tokens]... of [step][2][16 pairs of values][16 tokens][2]
//! ```

use super::activations::{Activations, SUPER};
use super::linear::WeightRows;
use super::peak::Loop;
use super::set::Scratch;
use crate::quant::GgmlType;
use std::ops::Range;

/// Rows and tokens of a cell.
pub(crate) const CELL: usize = 32;
/// Values of a step.
pub(crate) const STEP: usize = 32;
/// Numbers of a cell's step, on either side.
pub(crate) const CELL_STEP: usize = CELL * STEP;
/// Values that are unpacked at once, at most: with 256 rows a panel of 1 MiB.
const DEPTH: usize = 2048;
/// Chunks for each thread that there should be, so that all end together.
const CHUNKS_PER_THREAD: usize = 4;
/// Sums between the rows of a panel's results and the next power of two: rows so far apart would share cache sets.
const APART: usize = 16;

/// Weights, whole rows of `row_bytes`, of which the `values` become a panel. The first value is a multiple of [`SUPER`];
/// what is missing from the last step becomes zero.
pub(crate) type Unpack = unsafe fn(weights: &[u8], row_bytes: usize, values: Range<usize>, panel: &mut [u16]);

/// At most [`CELL`] rows of `k` activations as a block of tokens; missing ones and the rest of the last step become zero.
pub(crate) type Pack = unsafe fn(x: &[f32], k: usize, block: &mut [u16]);

/// Products of a panel with a block of tokens.
pub(crate) type Products = unsafe fn(cells: &Cells, sums: &mut [f32]);

/// What [`Products`] multiplies. Sums are [tokens][`stride`], whole cells of them.
pub(crate) struct Cells<'a> {
    pub panel: &'a [u16],
    pub tokens: &'a [u16],
    /// The block that comes next, to be fetched meanwhile.
    pub next: &'a [u16],
    pub n_steps: usize,
    pub n_tokens: usize,
    pub stride: usize,
    /// Add to the sums of the values before.
    pub add: bool,
}

/// The functions of one unit.
pub(crate) struct Wide {
    /// Rows of activations from which on it is used.
    pub min_rows: usize,
    /// Rows of weights to a panel at most: whole cells.
    pub panel_rows: usize,
    /// None for types that are multiplied otherwise.
    pub unpack: fn(GgmlType) -> Option<Unpack>,
    pub pack: Pack,
    pub products: Products,
    /// What it could do at most.
    pub peak: Loop,
}

impl Wide {
    /// Rows of weights to a chunk.
    pub(super) fn chunk_rows(&self, n_rows: usize, is_gated: bool, n_threads: usize) -> usize {
        let most = if is_gated { self.panel_rows / 2 } else { self.panel_rows };
        n_rows.div_ceil(n_threads * CHUNKS_PER_THREAD).next_multiple_of(CELL).min(most)
    }
}

/// Numbers of a block of tokens.
pub(super) fn block_len(k: usize) -> usize {
    k.div_ceil(STEP) * CELL_STEP
}

/// Values to unpack at once: a row in equal parts.
fn depth(k: usize) -> usize {
    k.div_ceil(k.div_ceil(DEPTH)).next_multiple_of(SUPER)
}

/// Sums from one token to the next.
fn stride(n_rows: usize) -> usize {
    n_rows.next_multiple_of(CELL) + APART
}

/// Products of some rows of `weights`, and of `gate` where there is one, with all tokens. `finish` gets them a block of
/// tokens at a time while they are warm: the tokens, the sums of both, and how far those of a token are from the next's.
pub(super) fn chunk(
    wide: &Wide,
    x: &Activations,
    (weights, gate): (WeightRows, Option<WeightRows>),
    rows: &Range<usize>,
    scratch: &mut Scratch,
    mut finish: impl FnMut(Range<usize>, &mut [f32], Option<&mut [f32]>, usize),
) {
    let each = stride(rows.len());
    if let Some(gate) = gate {
        product(wide, x, gate, rows, true, scratch, |_, _| {});
        std::mem::swap(&mut scratch.acc, &mut scratch.gate);
    }
    let mut gates = std::mem::take(&mut scratch.gate);
    product(wide, x, weights, rows, false, scratch, |tokens, sums| {
        let n = tokens.len() * each;
        let gates = gate.map(|_| &mut gates[tokens.start * each..][..n]);
        finish(tokens, &mut sums[..n], gates, each);
    });
    scratch.gate = gates;
}

/// Products of some rows with the tokens of a range, into `scratch.out`, [tokens][rows]: the plain way, where the other
/// half of a pair has no unit, or few tokens of many are asked for.
pub(super) fn apart(wide: &Wide, x: &Activations, w: WeightRows, tokens: &Range<usize>, rows: &Range<usize>, scratch: &mut Scratch) {
    product(wide, x, w, rows, true, scratch, |_, _| {});
    let (n, each) = (rows.len(), stride(rows.len()));
    let Scratch { acc, out, .. } = scratch;
    out.resize(tokens.len() * n);
    for (out, sums) in out.chunks_exact_mut(n).zip(acc.chunks_exact(each).skip(tokens.start)) {
        out.copy_from_slice(&sums[..n]);
    }
}

/// Products of some rows with all tokens. `done` gets each block's sums, [tokens][stride]; to `keep` them all, they are
/// left in `scratch.acc`.
fn product(
    wide: &Wide,
    x: &Activations,
    w: WeightRows,
    rows: &Range<usize>,
    keep: bool,
    scratch: &mut Scratch,
    mut done: impl FnMut(Range<usize>, &mut [f32]),
) {
    let unpack = (wide.unpack)(w.ty()).expect("a type with a unit is unpacked for it");
    let (k, m, stride) = (w.k(), x.n_rows(), stride(rows.len()));
    let (blocks, depth) = (x.blocks(), depth(k));
    let Scratch { panel, acc, .. } = scratch;
    // Rows that are unpacked in parts come by again.
    let n_kept = if keep || depth < k { m.div_ceil(CELL) } else { 1 };
    acc.resize(n_kept * CELL * stride);
    for first in (0..k).step_by(depth) {
        let values = first..(first + depth).min(k);
        let n_steps = values.len().div_ceil(STEP);
        panel.resize(rows.len().next_multiple_of(CELL) * n_steps * STEP * size_of::<u16>());
        let panel: &mut [u16] = bytemuck::cast_slice_mut(panel);
        // SAFETY: the set's functions fit this processor; the bytes are whole rows, the panel is as long as they need.
        unsafe { unpack(w.slice(rows), w.row_bytes(), values.clone(), panel) };
        let block = |b: usize| &blocks[b * block_len(k) + first / STEP * CELL_STEP..][..n_steps * CELL_STEP];
        for b in 0..m.div_ceil(CELL) {
            let sums = &mut acc[b % n_kept * CELL * stride..][..CELL * stride];
            let tokens = b * CELL..((b + 1) * CELL).min(m);
            let next = block(if tokens.end < m { b + 1 } else { 0 });
            let cells = Cells { panel, tokens: block(b), next, n_steps, n_tokens: tokens.len(), stride, add: first > 0 };
            // SAFETY: as above; panel and blocks are of as many steps, the sums of whole cells.
            unsafe { (wide.products)(&cells, sums) };
            if values.end == k {
                done(tokens, sums);
            }
        }
    }
}
