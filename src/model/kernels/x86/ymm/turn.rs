//! Rows become columns: 8 by 8 words.

use std::arch::x86_64::*;

/// Words to a register.
const N: usize = 8;

/// The transpose of a matrix of 32-bit words.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) fn turn(rows: [__m256i; 8]) -> [__m256i; 8] {
    let zero = _mm256_setzero_si256();
    // Pairs of rows: words 0 0 1 1 of each half, then words 2 2 3 3.
    let mut pairs = [zero; 8];
    for i in 0..4 {
        pairs[2 * i] = _mm256_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm256_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    // Fours of rows: quads[4 i + w] has word w of each half of rows 4 i .. 4 i + 4.
    let mut quads = [zero; 8];
    for i in 0..2 {
        quads[4 * i] = _mm256_unpacklo_epi64(pairs[4 * i], pairs[4 * i + 2]);
        quads[4 * i + 1] = _mm256_unpackhi_epi64(pairs[4 * i], pairs[4 * i + 2]);
        quads[4 * i + 2] = _mm256_unpacklo_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
        quads[4 * i + 3] = _mm256_unpackhi_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
    }
    let mut columns = [zero; 8];
    for w in 0..4 {
        columns[w] = _mm256_permute2x128_si256::<0x20>(quads[w], quads[4 + w]);
        columns[4 + w] = _mm256_permute2x128_si256::<0x31>(quads[w], quads[4 + w]);
    }
    columns
}

/// Blocks of rows of f32 as columns, as [`crate::model::kernels::set::Turn`] says.
///
/// # Safety
/// The processor has the features; `n` and `width` are multiples of 16 and lie within the slices.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn turn_blocks(rows: &[f32], n: usize, width: usize, out: &mut [f32], stride: usize) {
    for i in (0..n).step_by(N) {
        for j in (0..width).step_by(N) {
            // SAFETY: N rows from i on and N columns from j on.
            unsafe {
                let block = std::array::from_fn(|r| _mm256_loadu_si256(rows.as_ptr().add((i + r) * width + j).cast()));
                for (c, column) in turn(block).into_iter().enumerate() {
                    _mm256_storeu_si256(out.as_mut_ptr().add((j + c) * stride + i).cast(), column);
                }
            }
        }
    }
}
