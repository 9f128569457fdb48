//! Where the sums of a cell go.

use super::super::turn::turn;
use crate::model::kernels::wide::{CELL, Cells};
use std::arch::x86_64::*;

/// Rows and columns of what is turned at once: a register of f32.
const N: usize = 16;

/// A cell's sums, a token to a column.
#[repr(align(64))]
pub(in super::super::super) struct CellSums(pub [f32; CELL * CELL]);

/// Sets or adds the sums of 32 weight rows from `row` on, a token to a row.
///
/// # Safety
/// The processor has the features; `sums` is whole cells of [tokens][stride].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(in super::super::super) unsafe fn settle(of_cell: &CellSums, cells: &Cells, row: usize, sums: &mut [f32]) {
    assert!(row + CELL <= cells.stride && sums.len() >= CELL * cells.stride);
    for first in (0..cells.n_tokens).step_by(N) {
        for half in 0..CELL / N {
            let to = sums[first * cells.stride + row + half * N..].as_mut_ptr();
            let from = of_cell.0[half * N * CELL + first..].as_ptr();
            // SAFETY: 16 rows of the cell, and 16 tokens' sums of as many rows, as was checked.
            unsafe {
                let mut rows = [_mm512_setzero_si512(); N];
                for r in 0..N {
                    rows[r] = _mm512_loadu_si512(from.add(r * CELL).cast());
                }
                let columns = turn(rows);
                for t in 0..N {
                    let (to, mut sum) = (to.add(t * cells.stride), _mm512_castsi512_ps(columns[t]));
                    if cells.add {
                        sum = _mm512_add_ps(sum, _mm512_loadu_ps(to));
                    }
                    _mm512_storeu_ps(to, sum);
                }
            }
        }
    }
}
