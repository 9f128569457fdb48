//! Points of grids, looked up all at once: a grid of up to 1024 points, a word each, fits registers, and a permutation of two
//! of them finds 32 words. What a point's word says becomes bytes behind that.

use super::super::grids::{Grid, IQ2S, IQ2XS, IQ2XXS, IQ3S, IQ3XXS, Magnitudes};
use super::super::scales::Numbers;
use super::super::ymm::points::Room;
use super::supers::{Super, joined};
use crate::quant::grids::{self, IQ2_VALUES, IQ3_S_VALUES, IQ3_XXS_VALUES};
use std::arch::x86_64::*;

/// Words of a register.
const WORDS: usize = 32;

/// The points of a grid as words.
enum Words {
    /// Eight weights of two bits, places in [`IQ2_VALUES`].
    Pairs(&'static [u16]),
    /// Four weights of four bits, places in a list.
    Nibbles(&'static [u16], [i8; 8]),
}

/// A grid that fits registers.
trait Small: Magnitudes {
    const WORDS: Words;
}

/// Octal digits as hexadecimal ones.
const fn nibbles<const N: usize>(octals: &[u16; N]) -> [u16; N] {
    let mut words = *octals;
    let mut i = 0;
    while i < N {
        let o = octals[i];
        words[i] = o & 7 | (o >> 3 & 7) << 4 | (o >> 6 & 7) << 8 | (o >> 9 & 7) << 12;
        i += 1;
    }
    words
}

static IQ2_XXS: [u16; 256] = grids::IQ2_XXS_POINTS;
static IQ2_XS: [u16; 512] = grids::IQ2_XS_POINTS;
static IQ2_S: [u16; 1024] = grids::IQ2_S_POINTS;
static IQ3_XXS: [u16; 256] = nibbles(&grids::IQ3_XXS_POINTS);
static IQ3_S: [u16; 512] = nibbles(&grids::IQ3_S_POINTS);

impl Small for IQ2XXS {
    const WORDS: Words = Words::Pairs(&IQ2_XXS);
}
impl Small for IQ2XS {
    const WORDS: Words = Words::Pairs(&IQ2_XS);
}
impl Small for IQ2S {
    const WORDS: Words = Words::Pairs(&IQ2_S);
}
impl Small for IQ3XXS {
    const WORDS: Words = Words::Nibbles(&IQ3_XXS, IQ3_XXS_VALUES);
}
impl Small for IQ3S {
    const WORDS: Words = Words::Nibbles(&IQ3_S, IQ3_S_VALUES);
}

/// The words that stand at 32 places.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn look_up(words: &[u16], places: __m512i) -> __m512i {
    // A permutation sees the lower six bits of a place. Each bit above halves the pairs of registers.
    let mut found = [_mm512_setzero_si512(); 1024 / (2 * WORDS)];
    let mut n = words.len() / (2 * WORDS);
    for (i, found) in found.iter_mut().enumerate().take(n) {
        // SAFETY: two registers of words.
        *found = unsafe {
            let pair = words.as_ptr().add(2 * WORDS * i);
            let (low, high) = (_mm512_loadu_si512(pair.cast()), _mm512_loadu_si512(pair.add(WORDS).cast()));
            _mm512_permutex2var_epi16(low, places, high)
        };
    }
    let mut bit = 2 * WORDS as i16;
    while n > 1 {
        let is_set = _mm512_test_epi16_mask(places, _mm512_set1_epi16(bit));
        n /= 2;
        for i in 0..n {
            found[i] = _mm512_mask_blend_epi16(is_set, found[2 * i], found[2 * i + 1]);
        }
        bit *= 2;
    }
    found[0]
}

/// The nibbles of each quarter's words in order: of its first half, then of its second.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn in_nibbles(words: __m512i) -> [__m512i; 2] {
    let four = _mm512_set1_epi8(0xF);
    let (low, high) = (_mm512_and_si512(words, four), _mm512_and_si512(_mm512_srli_epi16::<4>(words), four));
    [_mm512_unpacklo_epi8(low, high), _mm512_unpackhi_epi8(low, high)]
}

/// 256 weights of 32 words of pairs.
///
/// What is unpacked stays in its quarter of a register, so the words come in such an order that quarter q has those of every
/// result's quarter q: two of the first, two of the second...
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn of_pairs(words: &[u16], places: [__m256i; 4]) -> [__m512i; 4] {
    const fn table(shift: usize) -> [i8; 16] {
        let mut table = [0; 16];
        let mut i = 0;
        while i < 16 {
            table[i] = IQ2_VALUES[i >> shift & 3];
            i += 1;
        }
        table
    }
    const TABLES: [[i8; 16]; 2] = [table(0), table(2)];
    let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    let places = _mm512_permutexvar_epi32(order, joined(places[0], places[1]));
    // SAFETY: a table is 16 bytes.
    let tables = TABLES.each_ref().map(|t| _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(t.as_ptr().cast()) }));
    let [a, b] = in_nibbles(look_up(words, places));
    let (a, b) = (by_two(tables, a), by_two(tables, b));
    [a[0], a[1], b[0], b[1]]
}

/// Two weights of each nibble.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn by_two(tables: [__m512i; 2], nibbles: __m512i) -> [__m512i; 2] {
    let (first, second) = (_mm512_shuffle_epi8(tables[0], nibbles), _mm512_shuffle_epi8(tables[1], nibbles));
    [_mm512_unpacklo_epi8(first, second), _mm512_unpackhi_epi8(first, second)]
}

/// 128 weights of 32 words of nibbles; see [`of_pairs`] for their order.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn of_nibbles(words: &[u16], values: [i8; 8], low: __m256i, high: __m256i) -> [__m512i; 2] {
    let order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
    let table = _mm512_set1_epi64(i64::from_le_bytes(values.map(|v| v as u8)));
    let [a, b] = in_nibbles(look_up(words, _mm512_permutexvar_epi64(order, joined(low, high))));
    [_mm512_shuffle_epi8(table, a), _mm512_shuffle_epi8(table, b)]
}

/// Magnitudes, and which of them are minus.
///
/// # Safety
/// `block` points to `G::BYTES` readable bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn apart<G: Small>(block: *const u8) -> ([__m512i; 4], [u64; 4]) {
    let mut minus = [0; 4];
    // SAFETY: as the caller says; then 32 bytes.
    let places = unsafe {
        _mm256_storeu_si256(minus.as_mut_ptr().cast(), G::signs(block));
        <G as Grid>::places(block)
    };
    let magnitudes = match G::WORDS {
        Words::Pairs(words) => of_pairs(words, places),
        Words::Nibbles(words, values) => {
            let [a, b] = of_nibbles(words, values, places[0], places[1]);
            let [c, d] = of_nibbles(words, values, places[2], places[3]);
            [a, b, c, d]
        }
    };
    (magnitudes, minus)
}

impl<G: Small> Super for G {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        let Numbers::Moved(by) = G::NUMBERS else { panic!("magnitudes with their signs are moved") };
        let bias = _mm512_set1_epi8(1 << by);
        // SAFETY: as the caller says.
        let (q, minus) = unsafe { apart::<G>(block) };
        std::array::from_fn(|i| _mm512_mask_sub_epi8(_mm512_add_epi8(bias, q[i]), minus[i], bias, q[i]))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn factors(block: *const u8, _: &mut Room) -> ([__m512i; 4], Option<[u64; 4]>) {
        // SAFETY: as the caller says.
        let (magnitudes, minus) = unsafe { apart::<G>(block) };
        (magnitudes, Some(minus))
    }
}
