//! Products of tiles and nothing else.

use super::tiles::{ROW_BYTES, ROWS, Tiles};
use crate::model::kernels::peak::Loop;

/// Products of a turn: as many sums as a cell has, which do not wait for each other.
const CHAINS: usize = 4;
/// Pairs of values to a row of a register, and sums to a row.
const N: usize = ROW_BYTES / 4;

pub(super) fn of<T: Tiles>() -> Loop {
    Loop { n_ops: (CHAINS * ROWS * N * N * 2 * 2) as u64, run: run::<T> }
}

/// # Safety
/// The processor has what `T` asks for.
unsafe fn run<T: Tiles>(turns: u64) -> i64 {
    let mut sums = [[0.0f32; N]; ROWS];
    // SAFETY: as the caller says; the array has room for a register.
    unsafe {
        let mut tiles = T::begin();
        tiles.zero::<0>();
        tiles.zero::<1>();
        tiles.zero::<2>();
        tiles.zero::<3>();
        tiles.zero::<4>();
        tiles.zero::<5>();
        tiles.zero::<6>();
        tiles.zero::<7>();
        for _ in 0..turns {
            tiles.add_product::<0, 4, 6>();
            tiles.add_product::<1, 4, 7>();
            tiles.add_product::<2, 5, 6>();
            tiles.add_product::<3, 5, 7>();
        }
        tiles.store::<0>(sums.as_mut_ptr().cast(), ROW_BYTES);
        tiles.end();
    }
    sums[0][0] as i64
}
