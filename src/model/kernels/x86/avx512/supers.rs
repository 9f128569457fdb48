//! Blocks of 256 weights, taken apart into registers.
//!
//! What each type's bits mean is said at the blocks in `quant`. Here they become unsigned numbers in the order of the
//! activations; what a type subtracts from its numbers (32 in Q6_K) is a bias that the sums of the activations take off
//! again, exactly, so that one multiplication of unsigned weights by signed activations serves all. Types of other numbers
//! than those that their bits are give them signed.
//!
//! A panel has 16 rows side by side: common types turn the bits as they are stored, which are half as many registers as
//! the numbers that come of them.

use super::super::scales::{IQ4XS, Numbers, Q2K, Q3K, Q4K, Q5K, Q6K, Scales, SuperScales, TQ2_0};
use super::super::ymm::{self, points::Room};
use super::plain::by_table;
use super::turn::turn;
use crate::model::kernels::set::PANEL_ROWS as ROWS;
use crate::quant::IQ4_VALUES;
use std::arch::x86_64::*;
use std::marker::PhantomData;

/// A type with blocks of 256 weights.
pub(super) trait Super: SuperScales {
    /// # Safety
    /// `block` points to `BYTES` readable bytes.
    unsafe fn quants(block: *const u8) -> [__m512i; 4];

    /// Unsigned numbers of 16 rows' blocks as columns of four weights, [64][16][4].
    ///
    /// # Safety
    /// Each of `blocks` points to `BYTES` readable bytes, `to` to 64 writable registers.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn lay(blocks: [*const u8; ROWS], to: *mut __m512i) {
        let mut quants = [[_mm512_setzero_si512(); ROWS]; 4];
        for (r, block) in blocks.into_iter().enumerate() {
            // SAFETY: as the caller says.
            for (rows, q) in quants.iter_mut().zip(unsafe { Self::quants(block) }) {
                rows[r] = if Self::NUMBERS == Numbers::Signed { _mm512_xor_si512(q, _mm512_set1_epi8(-128)) } else { q };
            }
        }
        for (j, rows) in quants.into_iter().enumerate() {
            for (i, column) in turn(rows).into_iter().enumerate() {
                // SAFETY: as the caller says.
                unsafe { _mm512_storeu_si512(to.add(j * ROWS + i), column) };
            }
        }
    }

    /// What few rows are multiplied by: the same, or magnitudes and which of them are minus, where those are there first.
    ///
    /// # Safety
    /// `block` points to `BYTES` readable bytes.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn factors(block: *const u8, _room: &mut Room) -> ([__m512i; 4], Option<[u64; 4]>) {
        // SAFETY: as the caller says.
        (unsafe { Self::quants(block) }, None)
    }
}

/// 64 bytes of each of 16 rows' blocks as 16 columns.
///
/// # Safety
/// `at` bytes behind each of `blocks` are 64 readable bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn columns(blocks: [*const u8; ROWS], at: usize) -> [__m512i; ROWS] {
    // SAFETY: as the caller says.
    turn(blocks.map(|block| unsafe { _mm512_loadu_si512(block.add(at).cast()) }))
}

/// 32 bytes of each as eight columns.
///
/// # Safety
/// `at` bytes behind each of `blocks` are 32 readable bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn half_columns(blocks: [*const u8; ROWS], at: usize) -> [__m512i; ROWS / 2] {
    // SAFETY: as the caller says.
    let columns = turn(blocks.map(|block| unsafe { _mm512_castsi256_si512(_mm256_loadu_si256(block.add(at).cast())) }));
    std::array::from_fn(|i| columns[i])
}

/// 32 bytes in both halves of a register.
///
/// # Safety
/// `at` points to 32 readable bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn twice(at: *const u8) -> __m512i {
    // SAFETY: as the caller says.
    unsafe { _mm512_broadcast_i64x4(_mm256_loadu_si256(at.cast())) }
}

/// One 16-bit shift for the lower half, another for the upper one.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn halves(low: i16, high: i16) -> __m512i {
    _mm512_inserti64x4::<1>(_mm512_set1_epi16(low), _mm256_set1_epi16(high))
}

/// `(a & mask) | b`
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn masked_or(a: __m512i, mask: __m512i, b: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0xEA>(a, mask, b)
}

/// 64 bytes of two bits each.
///
/// # Safety
/// `at` points to as many readable bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn twos(at: *const u8) -> [__m512i; 4] {
    let two = _mm512_set1_epi8(3);
    // SAFETY: as the caller says.
    let (a, b) = unsafe { (twice(at), twice(at.add(32))) };
    let (low, high) = (halves(0, 2), halves(4, 6));
    [(a, low), (a, high), (b, low), (b, high)].map(|(bits, shift)| _mm512_and_si512(_mm512_srlv_epi16(bits, shift), two))
}

impl Super for Q2K {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        // SAFETY: 64 bytes from 16 on.
        unsafe { twos(block.add(16)) }
    }
}

impl Super for TQ2_0 {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        // SAFETY: 64 bytes at the begin.
        unsafe { twos(block) }
    }
}

impl Super for Q3K {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        let (two, four) = (_mm512_set1_epi8(3), _mm512_set1_epi8(4));
        // SAFETY: 32 bytes of third bits, then 64 of the others.
        let (third, a, b) = unsafe { (twice(block), twice(block.add(32)), twice(block.add(64))) };
        let (low, high) = (halves(0, 2), halves(4, 6));
        let thirds = [
            _mm512_sllv_epi16(third, halves(2, 1)),
            _mm512_srlv_epi16(third, halves(0, 1)),
            _mm512_srlv_epi16(third, halves(2, 3)),
            _mm512_srlv_epi16(third, halves(4, 5)),
        ];
        let lows = [(a, low), (a, high), (b, low), (b, high)];
        std::array::from_fn(|i| masked_or(_mm512_srlv_epi16(lows[i].0, lows[i].1), two, _mm512_and_si512(thirds[i], four)))
    }
}

impl Super for Q4K {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        let (shift, four) = (halves(0, 4), _mm512_set1_epi8(0xF));
        // SAFETY: 128 bytes from 16 on.
        std::array::from_fn(|i| _mm512_and_si512(_mm512_srlv_epi16(unsafe { twice(block.add(16 + 32 * i)) }, shift), four))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn lay(blocks: [*const u8; ROWS], to: *mut __m512i) {
        let four = _mm512_set1_epi8(0xF);
        for half in 0..2 {
            // SAFETY: 128 bytes from 16 on; each column of bytes is one of lower and one of upper nibbles.
            unsafe {
                for (i, bits) in columns(blocks, 16 + 64 * half).into_iter().enumerate() {
                    let to = to.add(32 * half + i / 8 * 16 + i % 8);
                    _mm512_storeu_si512(to, _mm512_and_si512(bits, four));
                    _mm512_storeu_si512(to.add(8), _mm512_and_si512(_mm512_srli_epi16::<4>(bits), four));
                }
            }
        }
    }
}

impl Super for Q5K {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        let (shift, four, sixteen) = (halves(0, 4), _mm512_set1_epi8(0xF), _mm512_set1_epi8(0x10));
        // SAFETY: 32 bytes of fifth bits from 16 on, then 128 of the others.
        let fifth = unsafe { twice(block.add(16)) };
        let fifths = [
            _mm512_sllv_epi16(fifth, halves(4, 3)),
            _mm512_sllv_epi16(fifth, halves(2, 1)),
            _mm512_srlv_epi16(fifth, halves(0, 1)),
            _mm512_srlv_epi16(fifth, halves(2, 3)),
        ];
        std::array::from_fn(|i| {
            // SAFETY: as above.
            let low = _mm512_srlv_epi16(unsafe { twice(block.add(48 + 32 * i)) }, shift);
            masked_or(low, four, _mm512_and_si512(fifths[i], sixteen))
        })
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn lay(blocks: [*const u8; ROWS], to: *mut __m512i) {
        let (four, sixteen) = (_mm512_set1_epi8(0xF), _mm512_set1_epi8(0x10));
        // SAFETY: 32 bytes from 16 on, of which bit j belongs to weights 32 j and following, then 128.
        unsafe {
            let fifths = half_columns(blocks, 16);
            for half in 0..2 {
                for (i, bits) in columns(blocks, 48 + 64 * half).into_iter().enumerate() {
                    let chunk = 2 * half + i / 8;
                    let fifth = |j: usize| {
                        let (left, right) = (4usize.saturating_sub(j), j.saturating_sub(4));
                        let moved = _mm512_sll_epi16(fifths[i % 8], _mm_cvtsi32_si128(left as i32));
                        _mm512_and_si512(_mm512_srl_epi16(moved, _mm_cvtsi32_si128(right as i32)), sixteen)
                    };
                    let to = to.add(16 * chunk + i % 8);
                    _mm512_storeu_si512(to, masked_or(bits, four, fifth(2 * chunk)));
                    _mm512_storeu_si512(to.add(8), masked_or(_mm512_srli_epi16::<4>(bits), four, fifth(2 * chunk + 1)));
                }
            }
        }
    }
}

impl Super for Q6K {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        let (four, upper) = (_mm512_set1_epi8(0xF), _mm512_set1_epi8(0x30));
        // SAFETY: 128 bytes of lower nibbles, then 64 of upper pairs.
        let (a, b, high_a, high_b) = unsafe {
            (_mm512_loadu_si512(block.cast()), _mm512_loadu_si512(block.add(64).cast()), twice(block.add(128)), twice(block.add(160)))
        };
        let (left, right) = (halves(4, 2), halves(0, 2));
        let low = |low: __m512i, high: __m512i| masked_or(low, four, _mm512_and_si512(_mm512_sllv_epi16(high, left), upper));
        let high = |low: __m512i, high: __m512i| {
            masked_or(_mm512_srli_epi16::<4>(low), four, _mm512_and_si512(_mm512_srlv_epi16(high, right), upper))
        };
        [low(a, high_a), high(a, high_a), low(b, high_b), high(b, high_b)]
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn lay(blocks: [*const u8; ROWS], to: *mut __m512i) {
        let (four, upper) = (_mm512_set1_epi8(0xF), _mm512_set1_epi8(0x30));
        // SAFETY: 128 bytes of lower nibbles, then 64 of upper pairs.
        unsafe {
            let highs = columns(blocks, 128);
            for half in 0..2 {
                let lows = columns(blocks, 64 * half);
                for i in 0..8 {
                    let (a, b, high) = (lows[i], lows[8 + i], highs[8 * half + i]);
                    let to = to.add(32 * half + i);
                    let pair = |moved: __m512i| _mm512_and_si512(moved, upper);
                    _mm512_storeu_si512(to, masked_or(a, four, pair(_mm512_slli_epi16::<4>(high))));
                    _mm512_storeu_si512(to.add(8), masked_or(b, four, pair(_mm512_slli_epi16::<2>(high))));
                    _mm512_storeu_si512(to.add(16), masked_or(_mm512_srli_epi16::<4>(a), four, pair(high)));
                    _mm512_storeu_si512(to.add(24), masked_or(_mm512_srli_epi16::<4>(b), four, pair(_mm512_srli_epi16::<2>(high))));
                }
            }
        }
    }
}

impl Super for IQ4XS {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        // SAFETY: 128 bytes from 8 on.
        std::array::from_fn(|i| unsafe { by_table(block.add(8 + 32 * i), block.add(24 + 32 * i), &IQ4_VALUES) })
    }
}

/// A type that the narrower tiers take apart.
pub(super) struct Narrow<K>(PhantomData<K>);

impl<K: SuperScales> SuperScales for Narrow<K> {
    const BYTES: usize = K::BYTES;
    const SUB: usize = K::SUB;
    const NUMBERS: Numbers = K::NUMBERS;
    const IS_SCALED: bool = K::IS_SCALED;

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: as the caller says.
        unsafe { K::scales(block) }
    }
}

impl<K: ymm::supers::Super> Super for Narrow<K> {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn quants(block: *const u8) -> [__m512i; 4] {
        // SAFETY: as the caller says.
        let narrow = unsafe { K::quants(block) };
        std::array::from_fn(|i| joined(narrow[2 * i], narrow[2 * i + 1]))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn factors(block: *const u8, room: &mut Room) -> ([__m512i; 4], Option<[u64; 4]>) {
        // SAFETY: as the caller says.
        let narrow = unsafe { K::factors(block, room) };
        let one = |j: usize| {
            let (quants, signs) = narrow(j);
            assert!(signs.is_none(), "types with signs apart are looked up otherwise");
            quants
        };
        (std::array::from_fn(|i| joined(one(2 * i), one(2 * i + 1))), None)
    }
}

/// Two halves as one.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
pub(super) fn joined(low: __m256i, high: __m256i) -> __m512i {
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
}
