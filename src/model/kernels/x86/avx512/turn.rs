//! Rows become columns: 16 by 16 words.

use std::arch::x86_64::*;

/// Words to a register.
const N: usize = 16;

/// The transpose of a matrix of 32-bit words.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
pub(super) fn turn(rows: [__m512i; 16]) -> [__m512i; 16] {
    let zero = _mm512_setzero_si512();
    // Pairs of rows: words 0 0 1 1 of each quarter, then words 2 2 3 3.
    let mut pairs = [zero; 16];
    for i in 0..8 {
        pairs[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    // Fours of rows: quads[4 i + w] has word w of each quarter of rows 4 i .. 4 i + 4.
    let mut quads = [zero; 16];
    for i in 0..4 {
        quads[4 * i] = _mm512_unpacklo_epi64(pairs[4 * i], pairs[4 * i + 2]);
        quads[4 * i + 1] = _mm512_unpackhi_epi64(pairs[4 * i], pairs[4 * i + 2]);
        quads[4 * i + 2] = _mm512_unpacklo_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
        quads[4 * i + 3] = _mm512_unpackhi_epi64(pairs[4 * i + 1], pairs[4 * i + 3]);
    }
    let mut columns = [zero; 16];
    for w in 0..4 {
        // Quarters 0 and 2, then 1 and 3, of the upper and the lower eight rows.
        let even_low = _mm512_shuffle_i32x4::<0x88>(quads[w], quads[4 + w]);
        let odd_low = _mm512_shuffle_i32x4::<0xDD>(quads[w], quads[4 + w]);
        let even_high = _mm512_shuffle_i32x4::<0x88>(quads[8 + w], quads[12 + w]);
        let odd_high = _mm512_shuffle_i32x4::<0xDD>(quads[8 + w], quads[12 + w]);
        columns[w] = _mm512_shuffle_i32x4::<0x88>(even_low, even_high);
        columns[8 + w] = _mm512_shuffle_i32x4::<0xDD>(even_low, even_high);
        columns[4 + w] = _mm512_shuffle_i32x4::<0x88>(odd_low, odd_high);
        columns[12 + w] = _mm512_shuffle_i32x4::<0xDD>(odd_low, odd_high);
    }
    columns
}

/// Blocks of rows of f32 as columns, as [`crate::model::kernels::set::Turn`] says.
///
/// # Safety
/// The processor has the features; `n` and `width` are multiples of 16 and lie within the slices.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn turn_blocks(rows: &[f32], n: usize, width: usize, out: &mut [f32], stride: usize) {
    for i in (0..n).step_by(N) {
        for j in (0..width).step_by(N) {
            // SAFETY: N rows from i on and N columns from j on.
            unsafe {
                let block = std::array::from_fn(|r| _mm512_loadu_si512(rows.as_ptr().add((i + r) * width + j).cast()));
                for (c, column) in turn(block).into_iter().enumerate() {
                    _mm512_storeu_si512(out.as_mut_ptr().add((j + c) * stride + i).cast(), column);
                }
            }
        }
    }
}
