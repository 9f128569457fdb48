//! Rows become columns: 8 by 8 words.

use std::arch::x86_64::*;

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
