//! Weights with one scale for 32 or 16 of them, taken apart; and their products with few rows of activations, but for
//! blocks of nibbles, which go by fours.

use super::super::prefetch;
use crate::model::kernels::activations::{GROUP, LANE, Operand};
use crate::model::kernels::set::Scratch;
use crate::model::kernels::x86::scales::SIGN_LOG;
use crate::quant::{self, Block, BlockIQ4NL, BlockMXFP4, BlockQ4_0, BlockQ4_1, BlockQ5_0, BlockQ5_1, BlockQ8_0};
use std::arch::x86_64::*;

/// Times 32 weights whose scales are gathered together: a register of f32 in half width, or a whole one of scales for 16.
const GROUPS: usize = 8;

/// A type of weights that are `scale * (q - bias)`, or `scale * q + minimum` in blocks of 32.
pub(super) trait Plain {
    const BYTES: usize;
    /// Times 32 weights in a block: one, two or four.
    const GROUPS: usize = 1;
    /// Weights that have a scale in common: 16 or 32.
    const SUB: usize = GROUP;
    /// The logarithm of the bias, where there is no minimum.
    const BIAS_LOG: i32;
    /// Whether a minimum follows the scale, in half precision too.
    const HAS_MINIMUM: bool = false;
    /// What is taken off the numbers.
    const BIAS: i32 = if Self::HAS_MINIMUM { 0 } else { 1 << Self::BIAS_LOG };

    /// The unsigned numbers of weights `32 group..` of a block in the order of the activations.
    ///
    /// # Safety
    /// `block` points to `BYTES` readable bytes; `group < GROUPS`.
    unsafe fn one(block: *const u8, group: usize) -> __m256i;

    /// Those of 64 weights: of two neighbouring blocks, or from an even group of a longer one on.
    ///
    /// # Safety
    /// `block` points to as many readable blocks; `group < GROUPS`.
    unsafe fn two(block: *const u8, group: usize) -> __m512i;

    /// The scale of weights `SUB * sub..` of a block. Most types have one, in half precision at the begin.
    ///
    /// # Safety
    /// `block` points to `BYTES` readable bytes.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn scale(block: *const u8, _sub: usize) -> f32 {
        // SAFETY: two bytes at the begin.
        _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(unsafe { block.cast::<u16>().read_unaligned() }))))
    }

    /// The minimum of a block, which follows the scale.
    ///
    /// # Safety
    /// `block` points to `BYTES` readable bytes.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn minimum(block: *const u8) -> f32 {
        // SAFETY: a type with a minimum has it behind the two bytes of the scale.
        unsafe { Self::scale(block.add(size_of::<u16>()), 0) }
    }
}

/// A type without minima that few rows are multiplied with here, 256 weights at once.
pub(super) trait Streamed: Plain {
    /// The scales of 256 weights, each for `SUB`: eight in the lower half, or 16.
    ///
    /// # Safety
    /// `block` points to as many readable blocks.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn scales(block: *const u8) -> __m512 {
        const { assert!(Self::SUB == GROUP && !Self::HAS_MINIMUM) };
        // SAFETY: as the caller says.
        let h = |i: usize| unsafe { block.add(i / Self::GROUPS * Self::BYTES).cast::<i16>().read_unaligned() };
        _mm512_castps256_ps512(_mm256_cvtph_ps(_mm_setr_epi16(h(0), h(1), h(2), h(3), h(4), h(5), h(6), h(7))))
    }
}

impl Streamed for Q8_0 {}

pub(super) struct Q8_0;
pub(super) struct Q4_0;
pub(super) struct Q4_1;
pub(super) struct Q5_0;
pub(super) struct Q5_1;
pub(super) struct IQ4NL;
pub(super) struct MXFP4;

impl Plain for Q8_0 {
    const BYTES: usize = BlockQ8_0::BYTES;
    const BIAS_LOG: i32 = 7;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn one(block: *const u8, _: usize) -> __m256i {
        // SAFETY: 32 bytes behind the scale.
        unsafe { _mm256_xor_si256(_mm256_loadu_si256(block.add(2).cast()), _mm256_set1_epi8(-128)) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn two(block: *const u8, _: usize) -> __m512i {
        // SAFETY: 32 bytes behind each scale.
        unsafe {
            let low = _mm512_castsi256_si512(_mm256_loadu_si256(block.add(2).cast()));
            let both = _mm512_inserti64x4::<1>(low, _mm256_loadu_si256(block.add(Self::BYTES + 2).cast()));
            _mm512_xor_si512(both, _mm512_set1_epi8(-128))
        }
    }
}

/// 16 bytes as 32 nibbles, the low ones first.
///
/// # Safety
/// `at` points to 16 readable bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn nibbles(at: *const u8) -> __m256i {
    // SAFETY: as the caller says.
    let bits = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(at.cast()) });
    _mm256_and_si256(_mm256_srlv_epi16(bits, _mm256_setr_m128i(_mm_setzero_si128(), _mm_set1_epi16(4))), _mm256_set1_epi8(0xF))
}

/// Four 16-bit shifts by 4.
const FOURS: i64 = 0x0004_0004_0004_0004;

/// Two times 16 bytes as nibbles.
///
/// # Safety
/// `a` and `b` point to 16 readable bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn nibbles_of_two(a: *const u8, b: *const u8) -> __m512i {
    // SAFETY: as the caller says.
    let (a, b) = unsafe { (_mm_loadu_si128(a.cast()), _mm_loadu_si128(b.cast())) };
    let bits = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(_mm256_broadcastsi128_si256(a)), _mm256_broadcastsi128_si256(b));
    let shift = _mm512_setr_epi64(0, 0, FOURS, FOURS, 0, 0, FOURS, FOURS);
    _mm512_and_si512(_mm512_srlv_epi16(bits, shift), _mm512_set1_epi8(0xF))
}

/// What stands in a table at each of the nibbles of two times 16 bytes.
///
/// # Safety
/// As for [`nibbles_of_two`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
pub(super) unsafe fn by_table(a: *const u8, b: *const u8, table: &[i8; 16]) -> __m512i {
    // SAFETY: as the caller says; a table is 16 bytes.
    unsafe { _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast())), nibbles_of_two(a, b)) }
}

/// A table's values moved to unsigned ones.
const fn moved(table: [i8; 16]) -> [i8; 16] {
    let mut moved = table;
    let mut i = 0;
    while i < 16 {
        moved[i] = table[i] ^ i8::MIN;
        i += 1;
    }
    moved
}

pub(super) const IQ4_TABLE: [i8; 16] = moved(quant::IQ4_VALUES);
pub(super) const FP4_TABLE: [i8; 16] = moved(quant::FP4_VALUES);

impl Plain for Q4_0 {
    const BYTES: usize = BlockQ4_0::BYTES;
    const BIAS_LOG: i32 = 3;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn one(block: *const u8, _: usize) -> __m256i {
        // SAFETY: 16 bytes behind the scale.
        unsafe { nibbles(block.add(2)) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn two(block: *const u8, _: usize) -> __m512i {
        // SAFETY: 16 bytes behind each scale.
        unsafe { nibbles_of_two(block.add(2), block.add(Self::BYTES + 2)) }
    }
}

impl Plain for Q4_1 {
    const BYTES: usize = BlockQ4_1::BYTES;
    const BIAS_LOG: i32 = 0;
    const HAS_MINIMUM: bool = true;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn one(block: *const u8, _: usize) -> __m256i {
        // SAFETY: 16 bytes behind scale and minimum.
        unsafe { nibbles(block.add(4)) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn two(block: *const u8, _: usize) -> __m512i {
        // SAFETY: 16 bytes behind each scale and minimum.
        unsafe { nibbles_of_two(block.add(4), block.add(Self::BYTES + 4)) }
    }
}

/// The fifth bits of 32 weights.
///
/// # Safety
/// `at` points to 4 readable bytes.
#[inline(always)]
unsafe fn fifths(at: *const u8) -> u32 {
    // SAFETY: as the caller says.
    unsafe { at.cast::<u32>().read_unaligned() }
}

/// Nibbles behind their fifth bits.
///
/// # Safety
/// `at` points to 20 readable bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn fives(at: *const u8) -> __m256i {
    // SAFETY: as the caller says.
    unsafe { _mm256_or_si256(nibbles(at.add(4)), _mm256_maskz_set1_epi8(fifths(at), 0x10)) }
}

/// The same of two blocks.
///
/// # Safety
/// `a` and `b` point to 20 readable bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn fives_of_two(a: *const u8, b: *const u8) -> __m512i {
    // SAFETY: as the caller says.
    unsafe {
        let bits = u64::from(fifths(a)) | u64::from(fifths(b)) << 32;
        _mm512_or_si512(nibbles_of_two(a.add(4), b.add(4)), _mm512_maskz_set1_epi8(bits, 0x10))
    }
}

impl Plain for Q5_0 {
    const BYTES: usize = BlockQ5_0::BYTES;
    const BIAS_LOG: i32 = 4;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn one(block: *const u8, _: usize) -> __m256i {
        // SAFETY: 20 bytes behind the scale.
        unsafe { fives(block.add(2)) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn two(block: *const u8, _: usize) -> __m512i {
        // SAFETY: 20 bytes behind each scale.
        unsafe { fives_of_two(block.add(2), block.add(Self::BYTES + 2)) }
    }
}

impl Plain for Q5_1 {
    const BYTES: usize = BlockQ5_1::BYTES;
    const BIAS_LOG: i32 = 0;
    const HAS_MINIMUM: bool = true;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn one(block: *const u8, _: usize) -> __m256i {
        // SAFETY: 20 bytes behind scale and minimum.
        unsafe { fives(block.add(4)) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn two(block: *const u8, _: usize) -> __m512i {
        // SAFETY: 20 bytes behind each scale and minimum.
        unsafe { fives_of_two(block.add(4), block.add(Self::BYTES + 4)) }
    }
}

impl Plain for IQ4NL {
    const BYTES: usize = BlockIQ4NL::BYTES;
    const BIAS_LOG: i32 = SIGN_LOG;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn one(block: *const u8, _: usize) -> __m256i {
        // SAFETY: 16 bytes behind the scale, twice.
        unsafe { _mm512_castsi512_si256(by_table(block.add(2), block.add(2), &IQ4_TABLE)) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn two(block: *const u8, _: usize) -> __m512i {
        // SAFETY: 16 bytes behind each scale.
        unsafe { by_table(block.add(2), block.add(Self::BYTES + 2), &IQ4_TABLE) }
    }
}

impl Plain for MXFP4 {
    const BYTES: usize = BlockMXFP4::BYTES;
    const BIAS_LOG: i32 = SIGN_LOG;

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn one(block: *const u8, _: usize) -> __m256i {
        // SAFETY: 16 bytes behind the exponent, twice.
        unsafe { _mm512_castsi512_si256(by_table(block.add(1), block.add(1), &FP4_TABLE)) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn two(block: *const u8, _: usize) -> __m512i {
        // SAFETY: 16 bytes behind each exponent.
        unsafe { by_table(block.add(1), block.add(Self::BYTES + 1), &FP4_TABLE) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn scale(block: *const u8, _sub: usize) -> f32 {
        // SAFETY: the first byte.
        quant::half_of_e8m0(unsafe { *block })
    }
}

/// # Safety
/// The processor has the features; `weights` is whole rows of `row_bytes` of `P`'s blocks, `out` is [m][rows].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn rows<P: Streamed>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
    // SAFETY: as the caller says.
    unsafe { few_rows!(weights, row_bytes, x, out, dot::<P>) }
}

/// One weight row by `M` rows of activations. How many those were.
///
/// # Safety
/// As for [`rows`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn dot<P: Streamed, const M: usize>(row: &[u8], x: Operand, t: usize, out: &mut [f32], n_rows: usize) -> usize {
    let n_groups = row.len() / P::BYTES * P::GROUPS;
    let block_of = |group: usize| row.as_ptr().wrapping_add(group / P::GROUPS * P::BYTES);
    let quants: [*const i8; M] = std::array::from_fn(|i| x.quants(t + i).as_ptr());
    let lanes: [*const i32; M] = std::array::from_fn(|i| x.lanes(t + i).as_ptr());
    let scales: [*const f32; M] = std::array::from_fn(|i| x.scales(t + i, GROUP).as_ptr());
    let mut sums = [_mm512_setzero_ps(); M];
    let mut rest = [_mm256_setzero_ps(); M];
    let whole = n_groups / GROUPS * GROUPS;
    // SAFETY: every load is of weights below `n_groups`, or of their activations.
    unsafe {
        for first in (0..whole).step_by(GROUPS) {
            let block = block_of(first);
            prefetch(block, GROUPS / P::GROUPS * P::BYTES);
            let d = P::scales(block);
            let d: [__m512; M] = std::array::from_fn(|m| times::<P>(d, _mm256_loadu_ps(scales[m].add(first))));
            for pair in 0..GROUPS / 2 {
                let q = P::two(block_of(first + 2 * pair), 2 * pair % P::GROUPS);
                let at = (first + 2 * pair) * GROUP;
                for m in 0..M {
                    let seed = _mm512_loadu_si512(lanes[m].add(at / LANE).cast());
                    let seed = _mm512_sll_epi32(seed, _mm_cvtsi32_si128(P::BIAS_LOG));
                    let dot = _mm512_dpbusd_epi32(seed, q, _mm512_loadu_si512(quants[m].add(at).cast()));
                    sums[m] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), spread::<P>(d[m], pair), sums[m]);
                }
            }
        }
        prefetch(block_of(whole), (n_groups - whole) / P::GROUPS * P::BYTES);
        for i in whole..n_groups {
            let (block, group) = (block_of(i), i % P::GROUPS);
            let q = P::one(block, group);
            let d = if P::SUB == GROUP {
                _mm256_set1_ps(P::scale(block, group))
            } else {
                _mm256_setr_m128(_mm_set1_ps(P::scale(block, 2 * group)), _mm_set1_ps(P::scale(block, 2 * group + 1)))
            };
            for m in 0..M {
                let seed = _mm256_loadu_si256(lanes[m].add(i * GROUP / LANE).cast());
                let seed = _mm256_sll_epi32(seed, _mm_cvtsi32_si128(P::BIAS_LOG));
                let dot = _mm256_dpbusd_epi32(seed, q, _mm256_loadu_si256(quants[m].add(i * GROUP).cast()));
                rest[m] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(d, _mm256_set1_ps(*scales[m].add(i))), rest[m]);
            }
        }
    }
    for m in 0..M {
        out[m * n_rows] = _mm512_reduce_add_ps(_mm512_add_ps(sums[m], _mm512_zextps256_ps512(rest[m])));
    }
    M
}

/// Scales of 256 weights times those of their activations, which are eight.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn times<P: Plain>(d: __m512, y: __m256) -> __m512 {
    if P::SUB == GROUP {
        return _mm512_castps256_ps512(_mm256_mul_ps(_mm512_castps512_ps256(d), y));
    }
    let twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    _mm512_mul_ps(d, _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(y)))
}

/// The scales of 64 weights beside the sums of four of them: two eight times each, or four four times.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn spread<P: Plain>(d: __m512, pair: usize) -> __m512 {
    let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let n_scales = 2 * GROUP / P::SUB;
    let within = _mm512_srl_epi32(lanes, _mm_cvtsi32_si128((P::SUB / LANE).ilog2() as i32));
    _mm512_permutexvar_ps(_mm512_add_epi32(within, _mm512_set1_epi32((n_scales * pair) as i32)), d)
}
