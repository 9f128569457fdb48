//! A panel by a block of tokens, cell by cell.

use super::super::avx512::wide::{CellSums, settle};
use super::super::fetch_into;
use super::tiles::{ROW_BYTES, Tiles};
use crate::model::kernels::buffer::LINE;
use crate::model::kernels::wide::{CELL, CELL_STEP, Cells};
use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1};

/// Bytes of a cell's step on either side: two tiles.
const STEP_BYTES: usize = CELL_STEP * size_of::<u16>();
const TILE_BYTES: usize = STEP_BYTES / 2;
/// Steps that both streams are fetched ahead from the second-level cache to the first.
const STEPS_AHEAD: usize = 4;
/// Bytes of a row of a cell's sums.
const SUMS_BYTES: usize = CELL * size_of::<f32>();

/// As [`crate::model::kernels::wide::Products`] says.
///
/// # Safety
/// The processor has AVX-512 and what `T` asks for; panel and block have `n_steps`, `sums` is whole cells of
/// [tokens][stride].
pub(super) unsafe fn products<T: Tiles>(cells: &Cells, sums: &mut [f32]) {
    assert!(cells.tokens.len() >= cells.n_steps * CELL_STEP);
    let mut of_cell = CellSums([0.0; CELL * CELL]);
    let panels = cells.panel.chunks_exact(cells.n_steps * CELL_STEP);
    // The next block is fetched by all cells together, each its part.
    let n_bytes = STEP_BYTES.div_ceil(panels.len().max(1)).next_multiple_of(LINE);
    // SAFETY: as the caller says; each cell has as many steps of its panel and of the block.
    unsafe {
        let mut tiles = T::begin();
        for (i, panel) in panels.enumerate() {
            let next = Next { at: cells.next.as_ptr().cast::<u8>().wrapping_add(i * n_bytes), n_bytes };
            let (rows, pairs) = (panel.as_ptr().cast(), cells.tokens.as_ptr().cast());
            if cells.n_tokens > CELL / 2 {
                cell::<T, true>(&mut tiles, rows, pairs, cells.n_steps, next, &mut of_cell);
            } else {
                cell::<T, false>(&mut tiles, rows, pairs, cells.n_steps, next, &mut of_cell);
            }
            settle(&of_cell, cells, i * CELL, sums);
        }
        tiles.end();
    }
}

/// The part of each step of the next block that one cell fetches.
#[derive(Clone, Copy)]
struct Next {
    at: *const u8,
    n_bytes: usize,
}

/// One cell: registers 0 to 3 are sums, 4 and 5 weights, 6 and 7 tokens. `BOTH`: more than 16 tokens.
///
/// # Safety
/// As for [`products`]; `rows` and `pairs` point to `n_steps` steps.
#[inline(always)]
unsafe fn cell<T: Tiles, const BOTH: bool>(
    tiles: &mut T,
    rows: *const u8,
    pairs: *const u8,
    n_steps: usize,
    next: Next,
    sums: &mut CellSums,
) {
    // SAFETY: as the caller says; a prefetch touches nothing, wherever it points.
    unsafe {
        tiles.zero::<0>();
        tiles.zero::<1>();
        tiles.zero::<2>();
        tiles.zero::<3>();
        for step in 0..n_steps {
            let at = step * STEP_BYTES;
            tiles.load::<6>(pairs.add(at), ROW_BYTES);
            tiles.load::<4>(rows.add(at), ROW_BYTES);
            fetch_into::<_MM_HINT_T0>(rows.wrapping_add(at + STEPS_AHEAD * STEP_BYTES), STEP_BYTES);
            tiles.add_product::<0, 4, 6>();
            tiles.load::<5>(rows.add(at + TILE_BYTES), ROW_BYTES);
            tiles.add_product::<2, 5, 6>();
            fetch_into::<_MM_HINT_T1>(next.at.wrapping_add(at), next.n_bytes);
            if BOTH {
                tiles.load::<7>(pairs.add(at + TILE_BYTES), ROW_BYTES);
                fetch_into::<_MM_HINT_T0>(pairs.wrapping_add(at + STEPS_AHEAD * STEP_BYTES), STEP_BYTES);
                tiles.add_product::<1, 4, 7>();
                tiles.add_product::<3, 5, 7>();
            }
        }
        let to = sums.0.as_mut_ptr().cast::<u8>();
        let below = CELL / 2 * SUMS_BYTES;
        tiles.store::<0>(to, SUMS_BYTES);
        tiles.store::<1>(to.add(ROW_BYTES), SUMS_BYTES);
        tiles.store::<2>(to.add(below), SUMS_BYTES);
        tiles.store::<3>(to.add(below + ROW_BYTES), SUMS_BYTES);
    }
}
