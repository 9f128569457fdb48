//! Few rows of activations by blocks of 32 weights of four or five bits, two blocks at once: as AVX-512 has them by fours.
//!
//! A block's 16 bytes are the lower nibbles of its first 16 weights and the upper ones of the others. Two blocks fill a
//! register, whose lower nibbles meet the first halves of two groups of activations and whose upper ones meet the second
//! halves: activations are folded so beforehand. One register of sums then stands for two blocks, each in its own half.

use super::plain::{self, IQ4_TABLE, Plain, Table};
use crate::quant::FP4_VALUES;
use std::arch::x86_64::*;

/// Blocks in a register, and those whose scales are gathered together.
pub(super) const TWO: usize = 2;
pub(super) const FOUR: usize = 4;

/// What MXFP4's numbers are moved by, so that none is negative.
const FP4_BIAS_LOG: i32 = 4;
const FP4_MOVED: Table = {
    let mut table = [[0; 16]; 2];
    let mut i = 0;
    while i < 16 {
        table[0][i] = FP4_VALUES[i] + (1 << FP4_BIAS_LOG);
        table[1][i] = table[0][i];
        i += 1;
    }
    table
};

/// A type of blocks with 16 bytes of nibbles.
pub(super) trait Nibbles: Plain {
    /// The logarithm of what the numbers were moved by to be positive, if they were.
    const BIAS_LOG: Option<i32> = None;
    /// Whether the numbers have signs. Others are below 64.
    const IS_SIGNED: bool = false;

    /// The numbers of two neighbouring blocks: their first halves, then their second ones.
    ///
    /// # Safety
    /// `block` points to two readable blocks.
    unsafe fn two(block: *const u8) -> [__m256i; 2];

    /// The scales of four neighbouring blocks.
    ///
    /// # Safety
    /// `block` points to four readable blocks.
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> __m128 {
        // SAFETY: as the caller says: two bytes at each begin.
        unsafe { four_halves(block, Self::BYTES) }
    }
}

/// Four half precision numbers, `stride` bytes apart.
///
/// # Safety
/// At each of them two bytes are readable.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) unsafe fn four_halves(at: *const u8, stride: usize) -> __m128 {
    // SAFETY: as the caller says.
    let half = |i: usize| unsafe { at.add(i * stride).cast::<i16>().read_unaligned() };
    _mm_cvtph_ps(_mm_setr_epi16(half(0), half(1), half(2), half(3), 0, 0, 0, 0))
}

/// What two neighbouring blocks, or groups of activations, have in 16 bytes each.
///
/// # Safety
/// `at`, and what lies `stride` behind it, points to 16 readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
pub(super) unsafe fn both(at: *const u8, stride: usize) -> __m256i {
    // SAFETY: as the caller says.
    unsafe { _mm256_loadu2_m128i(at.add(stride).cast(), at.cast()) }
}

/// The lower nibbles of two blocks' bytes and the upper ones.
///
/// # Safety
/// As for [`both`].
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn nibbles(at: *const u8, stride: usize) -> [__m256i; 2] {
    let four = _mm256_set1_epi8(0xF);
    // SAFETY: as the caller says.
    let bits = unsafe { both(at, stride) };
    [_mm256_and_si256(bits, four), _mm256_and_si256(_mm256_srli_epi16::<4>(bits), four)]
}

/// Nibbles of two blocks with their fifth bits, which lie in the four bytes before them.
///
/// # Safety
/// As for [`both`].
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn fives(at: *const u8, stride: usize) -> [__m256i; 2] {
    // SAFETY: as the caller says; the nibbles end where the block does.
    let (bits, [low, high]) = unsafe { (both(at, stride), nibbles(at.add(size_of::<u32>()), stride)) };
    let bit_of = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64.cast_signed());
    // Beside each of 16 weights the byte that has its bit, of the first two bytes or of the others.
    let fifths = |first: i64| {
        const EACH: i64 = 0x0101_0101_0101_0101;
        let byte_of = _mm256_setr_epi64x(first * EACH, (first + 1) * EACH, first * EACH, (first + 1) * EACH);
        let bits = _mm256_and_si256(_mm256_shuffle_epi8(bits, byte_of), bit_of);
        _mm256_and_si256(_mm256_cmpeq_epi8(bits, bit_of), _mm256_set1_epi8(0x10))
    };
    [_mm256_or_si256(low, fifths(0)), _mm256_or_si256(high, fifths(2))]
}

/// What stands in a table at each of the nibbles of two blocks.
///
/// # Safety
/// As for [`both`].
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn by_table(at: *const u8, stride: usize, table: &Table) -> [__m256i; 2] {
    // SAFETY: as the caller says; a table is 32 bytes.
    unsafe {
        let table = _mm256_loadu_si256(table.as_ptr().cast());
        nibbles(at, stride).map(|nibbles| _mm256_shuffle_epi8(table, nibbles))
    }
}

impl Nibbles for plain::Q4_0 {
    const BIAS_LOG: Option<i32> = Some(3);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn two(block: *const u8) -> [__m256i; 2] {
        // SAFETY: 16 bytes behind each scale.
        unsafe { nibbles(block.add(2), Self::BYTES) }
    }
}

impl Nibbles for plain::Q4_1 {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn two(block: *const u8) -> [__m256i; 2] {
        // SAFETY: 16 bytes behind each scale and minimum.
        unsafe { nibbles(block.add(4), Self::BYTES) }
    }
}

impl Nibbles for plain::Q5_0 {
    const BIAS_LOG: Option<i32> = Some(4);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn two(block: *const u8) -> [__m256i; 2] {
        // SAFETY: 20 bytes behind each scale.
        unsafe { fives(block.add(2), Self::BYTES) }
    }
}

impl Nibbles for plain::Q5_1 {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn two(block: *const u8) -> [__m256i; 2] {
        // SAFETY: 20 bytes behind each scale and minimum.
        unsafe { fives(block.add(4), Self::BYTES) }
    }
}

impl Nibbles for plain::IQ4NL {
    const IS_SIGNED: bool = true;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn two(block: *const u8) -> [__m256i; 2] {
        // SAFETY: 16 bytes behind each scale.
        unsafe { by_table(block.add(2), Self::BYTES, &IQ4_TABLE) }
    }
}

impl Nibbles for plain::MXFP4 {
    const BIAS_LOG: Option<i32> = Some(FP4_BIAS_LOG);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn two(block: *const u8) -> [__m256i; 2] {
        // SAFETY: 16 bytes behind each exponent.
        unsafe { by_table(block.add(1), Self::BYTES, &FP4_MOVED) }
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> __m128 {
        // The first byte of each block, with three that follow.
        // SAFETY: a block is longer than that.
        let e = |i: usize| unsafe { block.add(i * Self::BYTES).cast::<i32>().read_unaligned() };
        let e = _mm_and_si128(_mm_setr_epi32(e(0), e(1), e(2), e(3)), _mm_set1_epi32(0xFF));
        // As `half_of_e8m0`: the exponent less one, or one of two subnormal numbers.
        let normal = _mm_slli_epi32::<23>(_mm_sub_epi32(e, _mm_set1_epi32(1)));
        let subnormal = _mm_sllv_epi32(_mm_set1_epi32(0x0020_0000), e);
        let is_normal = _mm_cmpgt_epi32(e, _mm_set1_epi32(1));
        _mm_castsi128_ps(_mm_blendv_epi8(subnormal, normal, is_normal))
    }
}

/// The functions of a tier: `twos!(features, sum of products of bytes)` gives a module `twos`.
macro_rules! twos {
    ($features:literal, $add_bytes:path) => {
        mod twos {
            use crate::model::kernels::activations::{FOLDED_LANE, GROUP, Operand};
            use crate::model::kernels::set::Scratch;
            use crate::model::kernels::x86::prefetch;
            use crate::model::kernels::x86::ymm::floats::total;
            use crate::model::kernels::x86::ymm::twos::{FOUR, Nibbles, TWO, both, four_halves};
            use std::arch::x86_64::*;

            /// Bytes of a register.
            const V: usize = 32;

            /// Brings rounded activations to the order in which two blocks' nibbles lie; minus the sums of the eight values
            /// that share a lane, of every whole two groups.
            ///
            /// # Safety
            /// The processor has the features; `folded` is as long as `quants`, `lanes` has one for eight of them.
            #[target_feature(enable = $features)]
            pub(super) unsafe fn fold(quants: &[i8], folded: &mut [i8], lanes: &mut [i32]) {
                const N: usize = TWO * GROUP;
                let (sources, _) = quants.as_chunks::<N>();
                let (folded, _) = folded.as_chunks_mut::<N>();
                let (lanes, _) = lanes.as_chunks_mut::<{ N / FOLDED_LANE }>();
                let (zero, ones) = (_mm256_setzero_si256(), _mm256_set1_epi8(1));
                for ((from, to), lanes) in sources.iter().zip(folded).zip(lanes) {
                    // SAFETY: each has as many.
                    unsafe {
                        let low = both(from.as_ptr().cast(), GROUP);
                        let high = both(from.as_ptr().add(GROUP / 2).cast(), GROUP);
                        _mm256_storeu_si256(to.as_mut_ptr().cast(), low);
                        _mm256_storeu_si256(to.as_mut_ptr().add(V).cast(), high);
                        let sums = $add_bytes($add_bytes(zero, ones, low), ones, high);
                        _mm256_storeu_si256(lanes.as_mut_ptr().cast(), _mm256_sub_epi32(zero, sums));
                    }
                }
            }

            /// # Safety
            /// The processor has the features; `weights` is whole rows of `row_bytes` of `P`'s blocks, `out` is [m][rows].
            #[target_feature(enable = $features)]
            pub(super) unsafe fn rows<P: Nibbles>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
                let n_rows = out.len() / x.m;
                for (r, row) in weights.chunks_exact(row_bytes).enumerate() {
                    let mut t = 0;
                    while t < x.m {
                        let out = &mut out[r + t * n_rows..];
                        // SAFETY: as the caller says.
                        t += unsafe {
                            match x.m - t {
                                4.. => dot::<P, 4>(row, x, t, out, n_rows),
                                2.. => dot::<P, 2>(row, x, t, out, n_rows),
                                _ => dot::<P, 1>(row, x, t, out, n_rows),
                            }
                        };
                    }
                }
            }

            /// One weight row by `M` rows of activations. How many those were.
            ///
            /// # Safety
            /// As for [`rows`].
            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn dot<P: Nibbles, const M: usize>(row: &[u8], x: Operand, t: usize, out: &mut [f32], n_rows: usize) -> usize {
                let n_blocks = row.len() / P::BYTES;
                let x = Rows::<M>::new(x, t);
                let mut sums = Sums { products: [_mm256_setzero_ps(); M], minima: [_mm_setzero_ps(); M] };
                let mut i = 0;
                // SAFETY: every block is below `n_blocks`.
                unsafe {
                    while i + FOUR <= n_blocks {
                        let block = row.as_ptr().add(i * P::BYTES);
                        prefetch(block, FOUR * P::BYTES);
                        sums.four::<P>(block, &x, i);
                        i += FOUR;
                    }
                    (i..n_blocks).for_each(|i| sums.one::<P>(row.as_ptr().add(i * P::BYTES), &x, i));
                }
                for m in 0..M {
                    out[m * n_rows] = total(_mm256_add_ps(sums.products[m], _mm256_zextps128_ps256(sums.minima[m])));
                }
                M
            }

            /// `M` rows of activations.
            struct Rows<const M: usize> {
                quants: [*const i8; M],
                folded: [*const i8; M],
                lanes: [*const i32; M],
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
                        scales: std::array::from_fn(|i| x.scales(t + i, GROUP).as_ptr()),
                        weighted: std::array::from_fn(|i| x.weighted(t + i).as_ptr()),
                    }
                }
            }

            /// A weight row's sums with `M` rows of activations.
            struct Sums<const M: usize> {
                products: [__m256; M],
                minima: [__m128; M],
            }

            impl<const M: usize> Sums<M> {
                /// Adds four neighbouring blocks from the row's block `i` on.
                ///
                /// # Safety
                /// `block` points to four readable blocks, and the activations have as many.
                #[target_feature(enable = $features)]
                #[inline]
                unsafe fn four<P: Nibbles>(&mut self, block: *const u8, x: &Rows<M>, i: usize) {
                    // SAFETY: as the caller says; minima follow the scales.
                    unsafe {
                        if P::HAS_MINIMUM {
                            let minima = four_halves(block.add(2), P::BYTES);
                            for m in 0..M {
                                self.minima[m] = _mm_fmadd_ps(minima, _mm_loadu_ps(x.weighted[m].add(i)), self.minima[m]);
                            }
                        }
                        let d = P::scales(block);
                        let d: [__m256; M] =
                            std::array::from_fn(|m| _mm256_castps128_ps256(_mm_mul_ps(d, _mm_loadu_ps(x.scales[m].add(i)))));
                        self.two::<P>(block, x, i, d, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
                        self.two::<P>(block.add(TWO * P::BYTES), x, i + TWO, d, _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3));
                    }
                }

                /// Adds the products of two blocks, whose scales are those of `d` that `which` says.
                ///
                /// # Safety
                /// As for [`Self::four`], of two blocks.
                #[target_feature(enable = $features)]
                #[inline]
                unsafe fn two<P: Nibbles>(&mut self, block: *const u8, x: &Rows<M>, i: usize, d: [__m256; M], which: __m256i) {
                    // SAFETY: as the caller says.
                    unsafe {
                        let numbers = P::two(block);
                        for m in 0..M {
                            let mut dot = match P::BIAS_LOG {
                                Some(log) => {
                                    let lanes = _mm256_loadu_si256(x.lanes[m].add(i * GROUP / FOLDED_LANE).cast());
                                    _mm256_sll_epi32(lanes, _mm_cvtsi32_si128(log))
                                }
                                None => _mm256_setzero_si256(),
                            };
                            for half in 0..2 {
                                let (q, y) = (numbers[half], _mm256_loadu_si256(x.folded[m].add(i * GROUP + half * V).cast()));
                                dot = match P::IS_SIGNED {
                                    true => $add_bytes(dot, _mm256_abs_epi8(q), _mm256_sign_epi8(y, q)),
                                    false => $add_bytes(dot, q, y),
                                };
                            }
                            let scales = _mm256_permutevar8x32_ps(d[m], which);
                            self.products[m] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), scales, self.products[m]);
                        }
                    }
                }

                /// Adds the row's block `i`.
                ///
                /// # Safety
                /// `block` points to a readable block, and the activations have it too.
                #[target_feature(enable = $features)]
                #[inline]
                unsafe fn one<P: Nibbles>(&mut self, block: *const u8, x: &Rows<M>, i: usize) {
                    // SAFETY: as the caller says.
                    unsafe {
                        let (q, d) = (P::quants(block, 0), P::scale(block, 0));
                        for m in 0..M {
                            let y = _mm256_sign_epi8(_mm256_loadu_si256(x.quants[m].add(i * GROUP).cast()), q);
                            let dot = $add_bytes(_mm256_setzero_si256(), P::magnitudes(q), y);
                            let scale = _mm256_set1_ps(d * *x.scales[m].add(i));
                            self.products[m] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), scale, self.products[m]);
                            if P::HAS_MINIMUM {
                                let part = _mm_set_ss(P::minimum(block) * *x.weighted[m].add(i));
                                self.minima[m] = _mm_add_ps(self.minima[m], part);
                            }
                        }
                    }
                }
            }
        }
    };
}
pub(super) use twos;
