//! Types whose weights are points of a grid: which points, with what signs, under which scales.
//!
//! All of a block's places and signs are taken from their bits at once, so that what remains is to look the points up. How
//! that is done best depends on the registers: see `points` of the tiers.

use super::scales::{Numbers, Scales, SuperScales, half, word};
use crate::quant::grids;
use crate::quant::{Block, BlockIQ1M, BlockIQ1S, BlockIQ2S, BlockIQ2XS, BlockIQ2XXS, BlockIQ3S, BlockIQ3XXS};
use half::f16;
use std::arch::x86_64::*;

/// The points that a type's places are of: eight weights each, or four.
#[derive(Clone, Copy)]
pub(super) enum Points {
    Eights(&'static [[i8; 8]]),
    Fours(&'static [[i8; 4]]),
}

/// A type whose weights are points of a grid.
pub(super) trait Grid: SuperScales {
    const POINTS: Points;

    /// Words, in the order of the weights, each below the number of points: 32 for eights, and two registers without
    /// meaning; 64 for fours.
    ///
    /// # Safety
    /// `block` points to `BYTES` readable bytes.
    unsafe fn places(block: *const u8) -> [__m256i; 4];
}

/// A grid of magnitudes.
pub(super) trait Magnitudes: Grid {
    /// A bit for each weight: whether it is minus.
    ///
    /// # Safety
    /// `block` points to `BYTES` readable bytes.
    unsafe fn signs(block: *const u8) -> __m256i;
}

/// A grid of signed numbers that are moved a little, up or down.
pub(super) trait Moved: Grid {
    /// A byte for each eight weights: what is added to them, the bias of [`Numbers::Moved`] included.
    ///
    /// # Safety
    /// `block` points to `BYTES` readable bytes.
    unsafe fn shifts(block: *const u8) -> __m256i;
}

/// The logarithm of what magnitudes with signs are moved by: none is larger than 62.
const SIGNED_LOG: i32 = 6;
/// That of IQ1's numbers, and the number: none is larger than 9.
const IQ1_LOG: i32 = 4;
const IQ1_BIAS: i8 = 1 << IQ1_LOG;

pub(super) struct IQ2XXS;
pub(super) struct IQ2XS;
pub(super) struct IQ2S;
pub(super) struct IQ3XXS;
pub(super) struct IQ3S;
pub(super) struct IQ1S;
pub(super) struct IQ1M;

/// # Safety
/// `at` points to 32 readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn load(at: *const u8) -> __m256i {
    // SAFETY: as the caller says.
    unsafe { _mm256_loadu_si256(at.cast()) }
}

/// 16 bytes as words.
///
/// # Safety
/// `at` points to 16 readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn widened(at: *const u8) -> __m256i {
    // SAFETY: as the caller says.
    unsafe { _mm256_cvtepu8_epi16(_mm_loadu_si128(at.cast())) }
}

/// 64 bits in the lower half.
///
/// # Safety
/// `at` points to eight readable bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn quad(at: *const u8) -> __m128i {
    // SAFETY: as the caller says.
    unsafe { _mm_loadl_epi64(at.cast()) }
}

/// Scales that are odd numbers, `2 s + 1`.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn odd(numbers: __m256i, d: f32) -> Scales {
    let scales = _mm256_or_si256(_mm256_slli_epi16::<1>(numbers), _mm256_set1_epi16(1));
    Scales { scales, minima: _mm256_setzero_si256(), d, dmin: 0.0 }
}

/// Eight words, each twice.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn doubled(words: __m128i) -> __m256i {
    _mm256_setr_m128i(_mm_unpacklo_epi16(words, words), _mm_unpackhi_epi16(words, words))
}

/// The lower four words, each four times.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn by_fours(words: __m128i) -> __m256i {
    let order = _mm256_setr_epi8(0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3, 4, 5, 4, 5, 4, 5, 4, 5, 6, 7, 6, 7, 6, 7, 6, 7);
    _mm256_shuffle_epi8(_mm256_broadcastq_epi64(words), order)
}

/// The nibbles of the lower eight bytes, as bytes.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn nibbles(bytes: __m128i) -> __m128i {
    _mm_and_si128(_mm_unpacklo_epi8(bytes, _mm_srli_epi16::<4>(bytes)), _mm_set1_epi8(0xF))
}

/// Bytes of seven signs with the eighth, which makes the number of minuses even.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn even(sevens: __m256i) -> __m256i {
    const E: i8 = 0;
    const O: i8 = i8::MIN;
    // Whether a nibble has an odd number of ones.
    let odd = _mm256_broadcastsi128_si256(_mm_setr_epi8(E, O, O, E, O, E, E, O, O, E, E, O, E, O, O, E));
    let folded = _mm256_and_si256(_mm256_xor_si256(sevens, _mm256_srli_epi16::<4>(sevens)), _mm256_set1_epi8(0xF));
    _mm256_or_si256(sevens, _mm256_shuffle_epi8(odd, folded))
}

/// The signs in the lower 28 bits of eight words: seven for eight weights.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn signs_of_28(words: __m256i) -> __m256i {
    const SEVEN: i32 = 0x7F;
    let a = _mm256_and_si256(words, _mm256_set1_epi32(SEVEN));
    let b = _mm256_and_si256(_mm256_slli_epi32::<1>(words), _mm256_set1_epi32(SEVEN << 8));
    let c = _mm256_and_si256(_mm256_slli_epi32::<2>(words), _mm256_set1_epi32(SEVEN << 16));
    let d = _mm256_and_si256(_mm256_slli_epi32::<3>(words), _mm256_set1_epi32(SEVEN << 24));
    even(_mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d)))
}

/// The scales above those signs: each for 32 weights.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn scales_above_28(words: __m256i, d: f32) -> Scales {
    let numbers = _mm256_srli_epi32::<28>(words);
    odd(_mm256_or_si256(numbers, _mm256_slli_epi32::<16>(numbers)), d)
}

/// The 32-bit words of IQ2_XXS: those with an even number, or an odd one. Places and signs take turns.
///
/// # Safety
/// `block` points to as many bytes as a block has.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn every_second<const IS_ODD: bool>(block: *const u8) -> __m256i {
    // SAFETY: 64 bytes behind the scale.
    let (a, b) = unsafe { (_mm256_castsi256_ps(load(block.add(2))), _mm256_castsi256_ps(load(block.add(34)))) };
    let halves = if IS_ODD { _mm256_shuffle_ps::<0b11_01_11_01>(a, b) } else { _mm256_shuffle_ps::<0b10_00_10_00>(a, b) };
    _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_castps_si256(halves))
}

impl SuperScales for IQ2XXS {
    const BYTES: usize = BlockIQ2XXS::BYTES;
    const SUB: usize = 32;
    const NUMBERS: Numbers = Numbers::Moved(SIGNED_LOG);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: the whole block.
        unsafe { scales_above_28(every_second::<true>(block), half(block) / 8.0) }
    }
}

impl Grid for IQ2XXS {
    const POINTS: Points = Points::Eights(&grids::IQ2_XXS);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn places(block: *const u8) -> [__m256i; 4] {
        // SAFETY: the whole block.
        let bytes = unsafe { every_second::<false>(block) };
        let none = _mm256_setzero_si256();
        [_mm256_cvtepu8_epi16(_mm256_castsi256_si128(bytes)), _mm256_cvtepu8_epi16(_mm256_extracti128_si256::<1>(bytes)), none, none]
    }
}

impl Magnitudes for IQ2XXS {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn signs(block: *const u8) -> __m256i {
        // SAFETY: the whole block.
        signs_of_28(unsafe { every_second::<true>(block) })
    }
}

impl SuperScales for IQ2XS {
    const BYTES: usize = BlockIQ2XS::BYTES;
    const SUB: usize = 16;
    const NUMBERS: Numbers = Numbers::Moved(SIGNED_LOG);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: a half-precision number at the begin, eight bytes of nibbles from 66 on.
        unsafe { odd(_mm256_cvtepu8_epi16(nibbles(quad(block.add(66)))), half(block) / 8.0) }
    }
}

impl Grid for IQ2XS {
    const POINTS: Points = Points::Eights(&grids::IQ2_XS);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn places(block: *const u8) -> [__m256i; 4] {
        // SAFETY: 64 bytes behind the scale.
        let (a, b) = unsafe { (load(block.add(2)), load(block.add(34))) };
        let (nine, none) = (_mm256_set1_epi16(511), _mm256_setzero_si256());
        [_mm256_and_si256(a, nine), _mm256_and_si256(b, nine), none, none]
    }
}

impl Magnitudes for IQ2XS {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn signs(block: *const u8) -> __m256i {
        // SAFETY: 64 bytes behind the scale.
        let (a, b) = unsafe { (load(block.add(2)), load(block.add(34))) };
        let sevens = _mm256_packus_epi16(_mm256_srli_epi16::<9>(a), _mm256_srli_epi16::<9>(b));
        even(_mm256_permute4x64_epi64::<0b11_01_10_00>(sevens))
    }
}

impl SuperScales for IQ2S {
    const BYTES: usize = BlockIQ2S::BYTES;
    const SUB: usize = 16;
    const NUMBERS: Numbers = Numbers::Moved(SIGNED_LOG);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: a half-precision number at the begin, eight bytes of nibbles from 74 on.
        unsafe { odd(_mm256_cvtepu8_epi16(nibbles(quad(block.add(74)))), half(block) / 8.0) }
    }
}

impl Grid for IQ2S {
    const POINTS: Points = Points::Eights(&grids::IQ2_S);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn places(block: *const u8) -> [__m256i; 4] {
        // A byte of high bits for four places, then each place's two moved to bits 8 and 9.
        let spread = _mm256_setr_epi8(
            0, -1, 0, -1, 0, -1, 0, -1, 1, -1, 1, -1, 1, -1, 1, -1, 2, -1, 2, -1, 2, -1, 2, -1, 3, -1, 3, -1, 3, -1, 3, -1,
        );
        let to_eight = _mm256_set1_epi64x(0x0004_0010_0040_0100);
        let sixteen = |i: usize| {
            // SAFETY: 32 bytes of places behind the scale, eight bytes of high bits from 66 on.
            let (low, high) = unsafe { (widened(block.add(2 + 16 * i)), _mm256_set1_epi32(word(block.add(66 + 4 * i)) as i32)) };
            let high = _mm256_mullo_epi16(_mm256_shuffle_epi8(high, spread), to_eight);
            _mm256_or_si256(low, _mm256_and_si256(high, _mm256_set1_epi16(0x300)))
        };
        let none = _mm256_setzero_si256();
        [sixteen(0), sixteen(1), none, none]
    }
}

impl Magnitudes for IQ2S {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn signs(block: *const u8) -> __m256i {
        // SAFETY: 32 bytes from 34 on.
        unsafe { load(block.add(34)) }
    }
}

impl SuperScales for IQ3XXS {
    const BYTES: usize = BlockIQ3XXS::BYTES;
    const SUB: usize = 32;
    const NUMBERS: Numbers = Numbers::Moved(SIGNED_LOG);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: a half-precision number at the begin, 32 bytes from 66 on.
        unsafe { scales_above_28(load(block.add(66)), half(block) / 4.0) }
    }
}

impl Grid for IQ3XXS {
    const POINTS: Points = Points::Fours(&grids::IQ3_XXS);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn places(block: *const u8) -> [__m256i; 4] {
        // SAFETY: 64 bytes behind the scale.
        std::array::from_fn(|i| unsafe { widened(block.add(2 + 16 * i)) })
    }
}

impl Magnitudes for IQ3XXS {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn signs(block: *const u8) -> __m256i {
        // SAFETY: 32 bytes from 66 on.
        signs_of_28(unsafe { load(block.add(66)) })
    }
}

impl SuperScales for IQ3S {
    const BYTES: usize = BlockIQ3S::BYTES;
    const SUB: usize = 32;
    const NUMBERS: Numbers = Numbers::Moved(SIGNED_LOG);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: a half-precision number at the begin, four bytes of nibbles from 106 on.
        let (d, bytes) = unsafe { (half(block), _mm_cvtsi32_si128(word(block.add(106)) as i32)) };
        odd(doubled(_mm_cvtepu8_epi16(nibbles(bytes))), d)
    }
}

impl Grid for IQ3S {
    const POINTS: Points = Points::Fours(&grids::IQ3_S);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn places(block: *const u8) -> [__m256i; 4] {
        let which = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, i16::MIN);
        std::array::from_fn(|i| {
            // SAFETY: 64 bytes of places behind the scale, eight bytes of ninth bits from 66 on.
            let (low, ninths) = unsafe { (widened(block.add(2 + 16 * i)), block.add(66 + 2 * i).cast::<i16>().read_unaligned()) };
            let is_set = _mm256_cmpeq_epi16(_mm256_and_si256(_mm256_set1_epi16(ninths), which), which);
            _mm256_or_si256(low, _mm256_and_si256(is_set, _mm256_set1_epi16(0x100)))
        })
    }
}

impl Magnitudes for IQ3S {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn signs(block: *const u8) -> __m256i {
        // SAFETY: 32 bytes from 74 on.
        unsafe { load(block.add(74)) }
    }
}

impl SuperScales for IQ1S {
    const BYTES: usize = BlockIQ1S::BYTES;
    const SUB: usize = 32;
    const NUMBERS: Numbers = Numbers::Moved(IQ1_LOG);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: a half-precision number at the begin, eight words from 34 on.
        let (d, words) = unsafe { (half(block), _mm_loadu_si128(block.add(34).cast())) };
        odd(doubled(_mm_and_si128(_mm_srli_epi16::<12>(words), _mm_set1_epi16(7))), d / 8.0)
    }
}

impl Grid for IQ1S {
    const POINTS: Points = Points::Eights(&grids::IQ1);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn places(block: *const u8) -> [__m256i; 4] {
        // A word has the high bits of four places: each place's three moved to bits 8 to 10, three times up, once down.
        let (up, down) = (_mm256_set1_epi64x(0x0000_0004_0020_0100), _mm256_set1_epi64x(i64::MIN));
        let sixteen = |i: usize| {
            // SAFETY: 32 bytes of places behind the scale, eight words from 34 on.
            let (low, words) = unsafe { (widened(block.add(2 + 16 * i)), by_fours(quad(block.add(34 + 8 * i)))) };
            let high = _mm256_or_si256(_mm256_mullo_epi16(words, up), _mm256_mulhi_epu16(words, down));
            _mm256_or_si256(low, _mm256_and_si256(high, _mm256_set1_epi16(0x700)))
        };
        let none = _mm256_setzero_si256();
        [sixteen(0), sixteen(1), none, none]
    }
}

impl Moved for IQ1S {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn shifts(block: *const u8) -> __m256i {
        // SAFETY: eight words from 34 on.
        let words = unsafe { _mm_loadu_si128(block.add(34).cast()) };
        // The highest bit as a byte, then four of it: 1 or -1.
        let bytes = _mm_packs_epi16(_mm_srai_epi16::<15>(words), _mm_setzero_si128());
        let fours = doubled(_mm_unpacklo_epi8(bytes, bytes));
        _mm256_add_epi8(_mm256_or_si256(fours, _mm256_set1_epi8(1)), _mm256_set1_epi8(IQ1_BIAS))
    }
}

impl SuperScales for IQ1M {
    const BYTES: usize = BlockIQ1M::BYTES;
    const SUB: usize = 16;
    const NUMBERS: Numbers = Numbers::Moved(IQ1_LOG);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn scales(block: *const u8) -> Scales {
        // SAFETY: eight bytes from 48 on.
        let words = unsafe { block.add(48).cast::<u64>().read_unaligned() };
        let d = words >> 12 & 0xF | words >> 24 & 0xF0 | words >> 36 & 0xF00 | words >> 48 & 0xF000;
        // A word for four scales; three bits of each moved to bits 12 to 14, and down.
        let fours = by_fours(_mm_cvtsi64_si128(words as i64));
        let moved = _mm256_mullo_epi16(fours, _mm256_set1_epi64x(0x0008_0040_0200_1000));
        let numbers = _mm256_and_si256(_mm256_srli_epi16::<12>(moved), _mm256_set1_epi16(7));
        odd(numbers, f16::from_bits(d as u16).to_f32() / 8.0)
    }
}

/// The nibbles that IQ1_M keeps for each eight weights.
///
/// # Safety
/// `block` points to as many bytes as a block has.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn nibbles_of_eights(block: *const u8) -> __m256i {
    // SAFETY: 16 bytes from 32 on.
    let words = unsafe { widened(block.add(32)) };
    _mm256_and_si256(_mm256_or_si256(words, _mm256_slli_epi16::<4>(words)), _mm256_set1_epi8(0xF))
}

impl Grid for IQ1M {
    const POINTS: Points = Points::Eights(&grids::IQ1);

    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn places(block: *const u8) -> [__m256i; 4] {
        // SAFETY: the whole block.
        let nibbles = unsafe { nibbles_of_eights(block) };
        let sixteen = |i: usize, nibbles: __m128i| {
            let high = _mm256_slli_epi16::<8>(_mm256_cvtepu8_epi16(nibbles));
            // SAFETY: 32 bytes of places at the begin.
            unsafe { _mm256_or_si256(widened(block.add(16 * i)), _mm256_and_si256(high, _mm256_set1_epi16(0x700))) }
        };
        let none = _mm256_setzero_si256();
        [sixteen(0, _mm256_castsi256_si128(nibbles)), sixteen(1, _mm256_extracti128_si256::<1>(nibbles)), none, none]
    }
}

impl Moved for IQ1M {
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    unsafe fn shifts(block: *const u8) -> __m256i {
        // SAFETY: the whole block.
        let down = _mm256_and_si256(unsafe { nibbles_of_eights(block) }, _mm256_set1_epi8(8));
        // Two less where the bit is set.
        _mm256_sub_epi8(_mm256_set1_epi8(IQ1_BIAS + 1), _mm256_srli_epi16::<2>(down))
    }
}
