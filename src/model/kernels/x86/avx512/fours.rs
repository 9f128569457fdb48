//! Few rows of activations by blocks of 32 weights of four or five bits, four blocks at once.
//!
//! A block's 16 bytes are the lower nibbles of its first 16 weights and the upper ones of the others. Four blocks fill a
//! register, whose lower nibbles meet the first halves of four groups of activations and whose upper ones meet the second
//! halves: activations are folded so beforehand. One register of sums then stands for four blocks, each in its own
//! quarter, and is converted and scaled once.

use super::super::{AHEAD, prefetch};
use super::plain::{self, FP4_TABLE, IQ4_TABLE, Plain};
use crate::model::kernels::activations::{FOLDED_LANE, GROUP, Operand};
use crate::model::kernels::set::Scratch;
use std::arch::x86_64::*;

/// Blocks in a register, and those whose scales are gathered together.
const FOUR: usize = 4;
const EIGHT: usize = 8;
/// Rows of weights side by side.
const PAIR: usize = 2;

/// Bytes of a register, and of the nibbles of a block.
const V: usize = 64;
const HALF: usize = GROUP / 2;

/// A type of blocks with 16 bytes of nibbles.
pub(super) trait Nibbles: Plain {
    const WORDS: Words = Words::of(Self::BYTES);

    /// The unsigned numbers of four neighbouring blocks: their first halves, then their second ones.
    ///
    /// # Safety
    /// `block` points to four readable blocks.
    unsafe fn four(block: *const u8) -> [__m512i; 2];

    /// The scales of eight neighbouring blocks.
    ///
    /// # Safety
    /// `block` points to eight readable blocks.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn eight(block: *const u8) -> __m256 {
        // SAFETY: as the caller says.
        _mm256_cvtph_ps(unsafe { Self::WORDS.pick(block) })
    }

    /// Their minima, which follow the scales.
    ///
    /// # Safety
    /// `block` points to eight readable blocks.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn eight_minima(block: *const u8) -> __m256 {
        // SAFETY: as the caller says: the last word looked for is within the last block.
        _mm256_cvtph_ps(unsafe { Self::WORDS.pick(block.add(size_of::<u16>())) })
    }
}

/// What four neighbouring blocks, or groups of activations, have in 16 bytes each.
///
/// # Safety
/// `at`, and what lies one, two and three times `stride` behind it, points to 16 readable bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn quarters(at: *const u8, stride: usize) -> __m512i {
    // SAFETY: as the caller says.
    unsafe {
        let load = |i: usize| _mm_loadu_si128(at.add(i * stride).cast());
        let all = _mm512_castsi128_si512(load(0));
        let all = _mm512_mask_broadcast_i32x4(all, 0x00F0, load(1));
        let all = _mm512_mask_broadcast_i32x4(all, 0x0F00, load(2));
        _mm512_mask_broadcast_i32x4(all, 0xF000, load(3))
    }
}

/// The lower nibbles of four blocks' bytes and the upper ones.
///
/// # Safety
/// As for [`quarters`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn nibbles(at: *const u8, stride: usize) -> [__m512i; 2] {
    let four = _mm512_set1_epi8(0xF);
    // SAFETY: as the caller says.
    let bits = unsafe { quarters(at, stride) };
    [_mm512_and_si512(bits, four), _mm512_and_si512(_mm512_srli_epi16::<4>(bits), four)]
}

/// Nibbles of four blocks with their fifth bits, which lie in the four bytes before them.
///
/// # Safety
/// As for [`quarters`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn fives(at: *const u8, stride: usize) -> [__m512i; 2] {
    // SAFETY: as the caller says; the nibbles end where the block does.
    let (bits, nibbles) = unsafe { (quarters(at, stride), nibbles(at.add(size_of::<u32>()), stride)) };
    // Beside each of 16 weights the byte that has its bit, of the first two bytes or of the others.
    let byte_of = |first: i8| {
        let (a, b) = (first, first + 1);
        _mm512_broadcast_i32x4(_mm_setr_epi8(a, a, a, a, a, a, a, a, b, b, b, b, b, b, b, b))
    };
    let bit_of = _mm512_set1_epi64(0x8040_2010_0804_0201_u64.cast_signed());
    let sixteen = _mm512_set1_epi8(0x10);
    let with_fifth = |nibbles: __m512i, first: i8| {
        let is_set = _mm512_test_epi8_mask(_mm512_shuffle_epi8(bits, byte_of(first)), bit_of);
        _mm512_mask_add_epi8(nibbles, is_set, nibbles, sixteen)
    };
    [with_fifth(nibbles[0], 0), with_fifth(nibbles[1], 2)]
}

/// What stands in a table at each of the nibbles of four blocks.
///
/// # Safety
/// As for [`quarters`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn by_table(at: *const u8, stride: usize, table: &[i8; 16]) -> [__m512i; 2] {
    // SAFETY: as the caller says; a table is 16 bytes.
    unsafe {
        let table = _mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast()));
        nibbles(at, stride).map(|nibbles| _mm512_shuffle_epi8(table, nibbles))
    }
}

impl Nibbles for plain::Q4_0 {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn four(block: *const u8) -> [__m512i; 2] {
        // SAFETY: 16 bytes behind each scale.
        unsafe { nibbles(block.add(2), Self::BYTES) }
    }
}

impl Nibbles for plain::Q4_1 {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn four(block: *const u8) -> [__m512i; 2] {
        // SAFETY: 16 bytes behind each scale and minimum.
        unsafe { nibbles(block.add(4), Self::BYTES) }
    }
}

impl Nibbles for plain::Q5_0 {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn four(block: *const u8) -> [__m512i; 2] {
        // SAFETY: 20 bytes behind each scale.
        unsafe { fives(block.add(2), Self::BYTES) }
    }
}

impl Nibbles for plain::Q5_1 {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn four(block: *const u8) -> [__m512i; 2] {
        // SAFETY: 20 bytes behind each scale and minimum.
        unsafe { fives(block.add(4), Self::BYTES) }
    }
}

impl Nibbles for plain::IQ4NL {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn four(block: *const u8) -> [__m512i; 2] {
        // SAFETY: 16 bytes behind each scale.
        unsafe { by_table(block.add(2), Self::BYTES, &IQ4_TABLE) }
    }
}

impl Nibbles for plain::MXFP4 {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn four(block: *const u8) -> [__m512i; 2] {
        // SAFETY: 16 bytes behind each exponent.
        unsafe { by_table(block.add(1), Self::BYTES, &FP4_TABLE) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn eight(block: *const u8) -> __m256 {
        // A block's first byte, which every second time is the upper one of a word.
        // SAFETY: as the caller says.
        let words = unsafe { Self::WORDS.pick(block) };
        let bytes = _mm_and_si128(_mm_srlv_epi16(words, _mm_setr_epi16(0, 8, 0, 8, 0, 8, 0, 8)), _mm_set1_epi16(0xFF));
        let e = _mm256_cvtepu16_epi32(bytes);
        // As `half_of_e8m0`: the exponent less one, or one of two subnormal numbers.
        let normal = _mm256_slli_epi32::<23>(_mm256_sub_epi32(e, _mm256_set1_epi32(1)));
        let subnormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x0020_0000), e);
        let is_normal = _mm256_cmpgt_epi32_mask(e, _mm256_set1_epi32(1));
        _mm256_castsi256_ps(_mm256_mask_blend_epi32(is_normal, subnormal, normal))
    }
}

/// Where eight neighbouring blocks have the words that they begin with: in two registers, and in two more that end with
/// the last block's word.
pub(super) struct Words {
    first: [i16; EIGHT],
    /// Bytes to the later two registers; 0 where the first two have them all.
    later_at: usize,
    later: [i16; EIGHT],
    is_later: __mmask8,
}

impl Words {
    /// Of blocks of 16 to 34 bytes. For a block's odd bytes the words around them.
    const fn of(bytes: usize) -> Self {
        let end = ((EIGHT - 1) * bytes).next_multiple_of(2) + size_of::<u16>();
        let later_at = end.saturating_sub(2 * V);
        let mut words = Self { first: [0; EIGHT], later_at, later: [0; EIGHT], is_later: 0 };
        let mut i = 0;
        while i < EIGHT {
            let at = i * bytes / 2 * 2;
            if at < 2 * V {
                words.first[i] = (at / 2) as i16;
            } else {
                words.later[i] = ((at - later_at) / 2) as i16;
                words.is_later |= 1 << i;
            }
            i += 1;
        }
        words
    }

    /// # Safety
    /// `block` points to eight readable blocks, up to the last one's word.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn pick(&self, mut block: *const u8) -> __m128i {
        // The compiler is not to see that the blocks' numbers lie in these registers too: it would shuffle them out of
        // here, which costs more than to load them.
        // SAFETY: no instruction.
        unsafe { std::arch::asm!("/* {0} */", inout(reg) block, options(pure, readonly, nostack, preserves_flags)) };
        // SAFETY: as the caller says; an order is 16 bytes.
        unsafe {
            let load = |at: usize| _mm512_loadu_si512(block.add(at).cast());
            let order = |words: &[i16; EIGHT]| _mm512_castsi128_si512(_mm_loadu_si128(words.as_ptr().cast()));
            let words = _mm512_castsi512_si128(_mm512_permutex2var_epi16(load(0), order(&self.first), load(V)));
            if self.is_later == 0 {
                return words;
            }
            let later = _mm512_permutex2var_epi16(load(self.later_at), order(&self.later), load(self.later_at + V));
            _mm_mask_blend_epi16(self.is_later, words, _mm512_castsi512_si128(later))
        }
    }
}

/// Brings rounded activations to the order in which four blocks' nibbles lie; minus the sums of the eight values that
/// share a lane, of every whole four groups.
///
/// # Safety
/// The processor has the features; `folded` is as long as `quants`, `lanes` has one for eight of them.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn fold(quants: &[i8], folded: &mut [i8], lanes: &mut [i32]) {
    const N: usize = FOUR * GROUP;
    let (sources, _) = quants.as_chunks::<N>();
    let (folded, _) = folded.as_chunks_mut::<N>();
    let (lanes, _) = lanes.as_chunks_mut::<{ N / FOLDED_LANE }>();
    let ones = _mm512_set1_epi8(1);
    for ((from, to), lanes) in sources.iter().zip(folded).zip(lanes) {
        // SAFETY: each has as many.
        unsafe {
            let low = quarters(from.as_ptr().cast(), GROUP);
            let high = quarters(from.as_ptr().add(HALF).cast(), GROUP);
            _mm512_storeu_si512(to.as_mut_ptr().cast(), low);
            _mm512_storeu_si512(to.as_mut_ptr().add(V).cast(), high);
            let sums = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), ones, low), ones, high);
            _mm512_storeu_si512(lanes.as_mut_ptr().cast(), _mm512_sub_epi32(_mm512_setzero_si512(), sums));
        }
    }
}

/// # Safety
/// The processor has the features; `weights` is whole rows of `row_bytes` of `P`'s blocks, `out` is [m][rows].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn rows<P: Nibbles>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
    // One row of activations would leave short rows of weights little to do between their ends.
    let n_paired = if x.m == 1 && PAIR * row_bytes <= AHEAD { out.len() / PAIR * PAIR } else { 0 };
    let (pairs, weights) = weights.split_at(n_paired * row_bytes);
    let (sums, out) = out.split_at_mut(n_paired);
    // SAFETY: as the caller says.
    unsafe {
        for (pair, sums) in pairs.chunks_exact(PAIR * row_bytes).zip(sums.as_chunks_mut().0) {
            dot_pair::<P>(pair, x, sums);
        }
        few_rows!(weights, row_bytes, x, out, dot::<P>);
    }
}

/// Two neighbouring weight rows by one row of activations.
///
/// # Safety
/// As for [`rows`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn dot_pair<P: Nibbles>(pair: &[u8], x: Operand, out: &mut [f32; PAIR]) {
    let row_bytes = pair.len() / PAIR;
    let n_blocks = row_bytes / P::BYTES;
    let x = Rows::<1>::new(x, 0);
    let mut sums = [Sums::<1>::new(), Sums::new()];
    let mut i = 0;
    // SAFETY: every block is below `n_blocks`.
    unsafe {
        let block = |r: usize, i: usize| pair.as_ptr().add(r * row_bytes + i * P::BYTES);
        // The two are fetched as if they were one row of twice the length.
        let fetch = |i: usize, n: usize| prefetch(pair.as_ptr().add(PAIR * i * P::BYTES), PAIR * n * P::BYTES);
        while i + EIGHT <= n_blocks {
            fetch(i, EIGHT);
            (0..PAIR).for_each(|r| sums[r].eight::<P>(block(r, i), &x, i));
            i += EIGHT;
        }
        fetch(i, n_blocks - i);
        if i + FOUR <= n_blocks {
            (0..PAIR).for_each(|r| sums[r].four::<P>(block(r, i), &x, i));
            i += FOUR;
        }
        (i..n_blocks).for_each(|i| (0..PAIR).for_each(|r| sums[r].one::<P>(block(r, i), &x, i)));
    }
    *out = sums.map(|sums| sums.ends()[0]);
}

/// One weight row by `M` rows of activations. How many those were.
///
/// # Safety
/// As for [`rows`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn dot<P: Nibbles, const M: usize>(row: &[u8], x: Operand, t: usize, out: &mut [f32], n_rows: usize) -> usize {
    let n_blocks = row.len() / P::BYTES;
    let x = Rows::<M>::new(x, t);
    let mut sums = Sums::<M>::new();
    let mut i = 0;
    // SAFETY: every block is below `n_blocks`.
    unsafe {
        while i + EIGHT <= n_blocks {
            let block = row.as_ptr().add(i * P::BYTES);
            prefetch(block, EIGHT * P::BYTES);
            sums.eight::<P>(block, &x, i);
            i += EIGHT;
        }
        prefetch(row.as_ptr().add(i * P::BYTES), (n_blocks - i) * P::BYTES);
        if i + FOUR <= n_blocks {
            sums.four::<P>(row.as_ptr().add(i * P::BYTES), &x, i);
            i += FOUR;
        }
        (i..n_blocks).for_each(|i| sums.one::<P>(row.as_ptr().add(i * P::BYTES), &x, i));
    }
    for (m, sum) in sums.ends().into_iter().enumerate() {
        out[m * n_rows] = sum;
    }
    M
}

/// `M` rows of activations.
struct Rows<const M: usize> {
    quants: [*const i8; M],
    folded: [*const i8; M],
    lanes: [*const i32; M],
    sums: [*const i16; M],
    scales: [*const f32; M],
    weighted: [*const f32; M],
}

impl<const M: usize> Rows<M> {
    #[inline(always)]
    fn new(x: Operand, t: usize) -> Self {
        Self {
            quants: std::array::from_fn(|i| x.quants(t + i).as_ptr()),
            folded: std::array::from_fn(|i| x.folded(t + i).as_ptr()),
            lanes: std::array::from_fn(|i| x.folded_lanes(t + i).as_ptr()),
            sums: std::array::from_fn(|i| x.sums(t + i, GROUP).as_ptr()),
            scales: std::array::from_fn(|i| x.scales(t + i, GROUP).as_ptr()),
            weighted: std::array::from_fn(|i| x.weighted(t + i).as_ptr()),
        }
    }
}

/// A weight row's sums with `M` rows of activations.
struct Sums<const M: usize> {
    products: [__m512; M],
    minima: [__m256; M],
}

impl<const M: usize> Sums<M> {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    fn new() -> Self {
        Self { products: [_mm512_setzero_ps(); M], minima: [_mm256_setzero_ps(); M] }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    fn ends(&self) -> [f32; M] {
        std::array::from_fn(|m| _mm512_reduce_add_ps(_mm512_add_ps(self.products[m], _mm512_zextps256_ps512(self.minima[m]))))
    }

    /// Adds eight neighbouring blocks from the row's block `i` on.
    ///
    /// # Safety
    /// `block` points to eight readable blocks, and the activations have as many.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn eight<P: Nibbles>(&mut self, block: *const u8, x: &Rows<M>, i: usize) {
        // SAFETY: as the caller says.
        unsafe {
            if P::HAS_MINIMUM {
                let minima = P::eight_minima(block);
                for m in 0..M {
                    self.minima[m] = _mm256_fmadd_ps(minima, _mm256_loadu_ps(x.weighted[m].add(i)), self.minima[m]);
                }
            }
            let d = P::eight(block);
            let d: [__m256; M] = std::array::from_fn(|m| _mm256_mul_ps(d, _mm256_loadu_ps(x.scales[m].add(i))));
            self.products::<P, 0>(block, x, i, d);
            self.products::<P, 1>(block.add(FOUR * P::BYTES), x, i + FOUR, d);
        }
    }

    /// Adds four of them.
    ///
    /// # Safety
    /// `block` points to four readable blocks, and the activations have as many.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn four<P: Nibbles>(&mut self, block: *const u8, x: &Rows<M>, i: usize) {
        // SAFETY: as the caller says.
        unsafe {
            let at = |b: usize| block.add(b * P::BYTES);
            if P::HAS_MINIMUM {
                let minima = _mm_setr_ps(P::minimum(at(0)), P::minimum(at(1)), P::minimum(at(2)), P::minimum(at(3)));
                for m in 0..M {
                    let part = _mm_mul_ps(minima, _mm_loadu_ps(x.weighted[m].add(i)));
                    self.minima[m] = _mm256_add_ps(self.minima[m], _mm256_zextps128_ps256(part));
                }
            }
            let d = _mm_setr_ps(P::scale(at(0), 0), P::scale(at(1), 0), P::scale(at(2), 0), P::scale(at(3), 0));
            let d = std::array::from_fn(|m| _mm256_castps128_ps256(_mm_mul_ps(d, _mm_loadu_ps(x.scales[m].add(i)))));
            self.products::<P, 0>(block, x, i, d);
        }
    }

    /// Adds the products of four blocks, whose scales are the lower or the upper `HALF` of `d`.
    ///
    /// # Safety
    /// As for [`Self::four`].
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn products<P: Nibbles, const UPPER: i32>(&mut self, block: *const u8, x: &Rows<M>, i: usize, d: [__m256; M]) {
        let each = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
        let each = _mm512_add_epi32(each, _mm512_set1_epi32(FOUR as i32 * UPPER));
        // SAFETY: as the caller says.
        unsafe {
            let [low, high] = P::four(block);
            for m in 0..M {
                let y = |half: usize| _mm512_loadu_si512(x.folded[m].add(i * GROUP + half * V).cast());
                let seed = if P::HAS_MINIMUM {
                    _mm512_setzero_si512()
                } else {
                    let lanes = _mm512_loadu_si512(x.lanes[m].add(i * GROUP / FOLDED_LANE).cast());
                    _mm512_sll_epi32(lanes, _mm_cvtsi32_si128(P::BIAS_LOG))
                };
                let dot = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(seed, low, y(0)), high, y(1));
                let scales = _mm512_permutexvar_ps(each, _mm512_castps256_ps512(d[m]));
                self.products[m] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), scales, self.products[m]);
            }
        }
    }

    /// Adds the row's block `i`.
    ///
    /// # Safety
    /// `block` points to a readable block, and the activations have it too.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn one<P: Nibbles>(&mut self, block: *const u8, x: &Rows<M>, i: usize) {
        // SAFETY: as the caller says.
        unsafe {
            let (q, d) = (P::one(block, 0), P::scale(block, 0));
            let minimum = P::HAS_MINIMUM.then(|| P::minimum(block));
            for m in 0..M {
                let dot = _mm256_dpbusd_epi32(_mm256_setzero_si256(), q, _mm256_loadu_si256(x.quants[m].add(i * GROUP).cast()));
                // One lane of eight takes off the bias times the sum of the activations, or has the minimum's part.
                let sum = i32::from(*x.sums[m].add(i));
                let seed = _mm256_zextsi128_si256(_mm_cvtsi32_si128(-sum * P::BIAS));
                let dot = _mm256_cvtepi32_ps(_mm256_add_epi32(dot, seed));
                let part = minimum.map_or(0.0, |minimum| minimum * *x.weighted[m].add(i));
                self.minima[m] = _mm256_add_ps(self.minima[m], _mm256_zextps128_ps256(_mm_set_ss(part)));
                let product = _mm256_mul_ps(dot, _mm256_set1_ps(d * *x.scales[m].add(i)));
                self.products[m] = _mm512_add_ps(self.products[m], _mm512_zextps256_ps512(product));
            }
        }
    }
}
