//! The product inside attention, a few rows of f32 by a block of columns, and its transposes.

use super::products::turn;
use crate::model::kernels::set::TileShape;
use std::arch::aarch64::*;

/// Values to a register.
const W: usize = 4;
/// Registers of columns at once: the 16 that `n` is a multiple of.
const COLUMNS: usize = 4;
/// Rows at once.
const ROWS: usize = 4;

/// # Safety
/// The shape lies within the slices, n is a multiple of 16.
#[target_feature(enable = "neon")]
pub(super) unsafe fn float_tile(a: &[f32], b: &[f32], c: &mut [f32], shape: TileShape) {
    for column in (0..shape.n).step_by(COLUMNS * W) {
        let (b, c) = (b[column..].as_ptr(), c[column..].as_mut_ptr());
        let mut row = 0;
        while row < shape.m {
            // SAFETY: 16 columns from `column` on, as many rows from `row` on.
            row += unsafe {
                let (a, c) = (a.as_ptr().add(row * shape.a_stride), c.add(row * shape.c_stride));
                match shape.m - row {
                    ROWS.. => cell::<ROWS>(a, b, c, &shape),
                    2.. => cell::<2>(a, b, c, &shape),
                    _ => cell::<1>(a, b, c, &shape),
                }
            };
        }
    }
}

/// `M` rows by 16 columns. How many rows those were.
///
/// # Safety
/// As for [`float_tile`].
#[target_feature(enable = "neon")]
#[inline]
unsafe fn cell<const M: usize>(a: *const f32, b: *const f32, c: *mut f32, shape: &TileShape) -> usize {
    // SAFETY: M rows of a and c, 16 columns of b and c.
    unsafe {
        let mut sums: [[float32x4_t; COLUMNS]; M] =
            std::array::from_fn(|m| std::array::from_fn(|n| vld1q_f32(c.add(m * shape.c_stride + n * W))));
        for i in 0..shape.k {
            let columns: [float32x4_t; COLUMNS] = std::array::from_fn(|n| vld1q_f32(b.add(i * shape.b_stride + n * W)));
            for m in 0..M {
                let value = *a.add(m * shape.a_stride + i);
                for n in 0..COLUMNS {
                    sums[m][n] = vfmaq_n_f32(sums[m][n], columns[n], value);
                }
            }
        }
        for (m, sums) in sums.into_iter().enumerate() {
            for (n, sum) in sums.into_iter().enumerate() {
                vst1q_f32(c.add(m * shape.c_stride + n * W), sum);
            }
        }
    }
    M
}

/// Blocks of rows of f32 as columns, as [`crate::model::kernels::set::Turn`] says.
///
/// # Safety
/// `n` and `width` are multiples of 16 and lie within the slices.
#[target_feature(enable = "neon")]
pub(super) unsafe fn turn_blocks(rows: &[f32], n: usize, width: usize, out: &mut [f32], stride: usize) {
    for i in (0..n).step_by(W) {
        for j in (0..width).step_by(W) {
            // SAFETY: W rows from i on and W columns from j on.
            unsafe {
                let block = std::array::from_fn(|r| vld1q_f32(rows.as_ptr().add((i + r) * width + j)));
                for (c, column) in turn(block).into_iter().enumerate() {
                    vst1q_f32(out.as_mut_ptr().add((j + c) * stride + i), column);
                }
            }
        }
    }
}
