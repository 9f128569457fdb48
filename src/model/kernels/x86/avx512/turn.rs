//! Rows become columns: 16 by 16 words.

use std::arch::x86_64::*;

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
