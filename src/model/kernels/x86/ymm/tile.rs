//! The product inside attention: a few rows of f32 by a block of columns.

use crate::model::kernels::set::TileShape;
use std::arch::x86_64::*;

/// Values to a register.
const W: usize = 8;
/// Rows at once: with two registers of columns eight sums.
const ROWS: usize = 4;

/// # Safety
/// The processor has the features; the shape lies within the slices, n is a multiple of 16.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn float_tile(a: &[f32], b: &[f32], c: &mut [f32], shape: TileShape) {
    let mut column = 0;
    while column < shape.n {
        let (b, c) = (b[column..].as_ptr(), c[column..].as_mut_ptr());
        // SAFETY: as many columns from `column` on.
        column += unsafe {
            // A multiple of 16 is one of two registers.
            columns::<2>(a.as_ptr(), b, c, &shape)
        };
    }
}

/// All rows by `N` registers of columns. How many columns those were.
///
/// # Safety
/// As for [`float_tile`].
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn columns<const N: usize>(a: *const f32, b: *const f32, c: *mut f32, shape: &TileShape) -> usize {
    let mut row = 0;
    while row < shape.m {
        // SAFETY: as many rows from `row` on.
        row += unsafe {
            let (a, c) = (a.add(row * shape.a_stride), c.add(row * shape.c_stride));
            match shape.m - row {
                ROWS.. => cell::<ROWS, N>(a, b, c, shape),
                2.. => cell::<2, N>(a, b, c, shape),
                _ => cell::<1, N>(a, b, c, shape),
            }
        };
    }
    N * W
}

/// `M` rows by `N` registers of columns. How many rows those were.
///
/// # Safety
/// As for [`float_tile`].
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn cell<const M: usize, const N: usize>(a: *const f32, b: *const f32, c: *mut f32, shape: &TileShape) -> usize {
    // SAFETY: M rows of a and c, N registers of columns of b and c.
    unsafe {
        let mut sums: [[__m256; N]; M] =
            std::array::from_fn(|m| std::array::from_fn(|n| _mm256_loadu_ps(c.add(m * shape.c_stride + n * W))));
        for i in 0..shape.k {
            let columns: [__m256; N] = std::array::from_fn(|n| _mm256_loadu_ps(b.add(i * shape.b_stride + n * W)));
            for m in 0..M {
                let value = _mm256_set1_ps(*a.add(m * shape.a_stride + i));
                for n in 0..N {
                    sums[m][n] = _mm256_fmadd_ps(value, columns[n], sums[m][n]);
                }
            }
        }
        for (m, sums) in sums.into_iter().enumerate() {
            for (n, sum) in sums.into_iter().enumerate() {
                _mm256_storeu_ps(c.add(m * shape.c_stride + n * W), sum);
            }
        }
    }
    M
}
