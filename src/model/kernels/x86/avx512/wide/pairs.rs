//! A panel by a block of tokens with AVX-512's sums of pairs: a pair of a row's values is spread over all lanes and meets
//! the same pair of 16 tokens.

use super::pack::as_halves;
use super::settle::{CellSums, settle};
use crate::model::kernels::peak::{Loop, opaque};
use crate::model::kernels::wide::{CELL, CELL_STEP, Cells};
use crate::model::kernels::x86::peak::CHAINS;
use std::arch::x86_64::*;

/// Rows at once: with two registers of tokens 16 sums.
const ROWS: usize = 8;
/// Pairs of a step, and tokens to a register.
const N: usize = 16;

/// As [`crate::model::kernels::wide::Products`] says.
///
/// # Safety
/// The processor has the features; panel and block have `n_steps`, `sums` is whole cells of [tokens][stride].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
pub(super) unsafe fn products(cells: &Cells, sums: &mut [f32]) {
    assert!(cells.tokens.len() >= cells.n_steps * CELL_STEP);
    let mut of_cell = CellSums([0.0; CELL * CELL]);
    for (i, panel) in cells.panel.chunks_exact(cells.n_steps * CELL_STEP).enumerate() {
        for first in (0..CELL).step_by(ROWS) {
            let rows = panel[first * CELL..].as_ptr().cast();
            let to = of_cell.0[first * CELL..].as_mut_ptr();
            // SAFETY: eight rows of each step of the panel, all steps of the block, eight rows of the cell.
            unsafe {
                match cells.n_tokens {
                    0..=N => some_rows::<1>(rows, cells, to),
                    _ => some_rows::<2>(rows, cells, to),
                }
            }
        }
        // SAFETY: as the caller says.
        unsafe { settle(&of_cell, cells, i * CELL, sums) };
    }
}

/// Eight rows by `T` registers of tokens.
///
/// # Safety
/// `rows` points to the pairs of the first of eight rows of a panel, `to` to as many rows of a cell.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
#[inline]
unsafe fn some_rows<const T: usize>(rows: *const i32, cells: &Cells, to: *mut f32) {
    let tokens = cells.tokens.as_ptr().cast::<i32>();
    let mut sums = [[_mm512_setzero_ps(); T]; ROWS];
    // SAFETY: a step is CELL_STEP / 2 pairs on either side.
    unsafe {
        for step in 0..cells.n_steps {
            let (rows, tokens) = (rows.add(step * CELL_STEP / 2), tokens.add(step * CELL_STEP / 2));
            for pair in 0..N {
                let mut of_tokens = [as_halves(_mm512_setzero_si512()); T];
                for t in 0..T {
                    of_tokens[t] = as_halves(_mm512_loadu_si512(tokens.add((t * N + pair) * N).cast()));
                }
                for r in 0..ROWS {
                    let of_row = as_halves(_mm512_set1_epi32(*rows.add(r * N + pair)));
                    for t in 0..T {
                        sums[r][t] = _mm512_dpbf16_ps(sums[r][t], of_row, of_tokens[t]);
                    }
                }
            }
        }
        for r in 0..ROWS {
            for t in 0..T {
                _mm512_storeu_ps(to.add(r * CELL + t * N), sums[r][t]);
            }
        }
    }
}

/// The instruction on registers alone: what [`products`] could do at most.
pub(super) const PEAK: Loop = Loop { n_ops: (CHAINS * 2 * N * 2) as u64, run: exert };

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
fn exert(turns: u64) -> i64 {
    // One and two, in pairs.
    let (mut a, b) = (_mm512_set1_epi32(0x3F80_3F80), as_halves(_mm512_set1_epi32(0x4000_4000)));
    let mut sums = [_mm512_setzero_ps(); CHAINS];
    for _ in 0..turns {
        for sum in &mut sums {
            opaque!(zmm_reg, a);
            *sum = _mm512_dpbf16_ps(*sum, as_halves(a), b);
        }
    }
    let total = sums.into_iter().fold(_mm512_setzero_ps(), |total, sum| _mm512_add_ps(total, sum));
    _mm512_reduce_add_ps(total) as i64
}
