//! Few rows of queries by 16 values at a time.

use crate::model::kernels::x86::cached::{cached, primitives};
use std::arch::x86_64::*;

type V = __m512;
const W: usize = 16;

primitives! {
    "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni";
    fn zero() -> V = _mm512_setzero_ps();
    fn splat(x: f32) -> V = _mm512_set1_ps(x);
    fn fma(a: V, b: V, c: V) -> V = _mm512_fmadd_ps(a, b, c);
    fn mul(a: V, b: V) -> V = _mm512_mul_ps(a, b);
    fn low_pairs(a: V, b: V) -> V = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
    fn high_pairs(a: V, b: V) -> V = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
    fn by_word(a: V, b: V) -> V = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    fn by_pair(a: V, b: V) -> V = _mm512_add_ps(low_pairs(a, b), high_pairs(a, b));
    fn by_quarter(a: V, b: V) -> V = _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xDD>(a, b));
    unsafe fn floats(at: *const f32) -> V = _mm512_loadu_ps(at);
    unsafe fn halves(at: *const u16) -> V = _mm512_cvtph_ps(_mm256_loadu_si256(at.cast()));
    unsafe fn bytes(at: *const i8) -> V = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(at.cast())));
    unsafe fn store(at: *mut f32, v: V) = _mm512_storeu_ps(at, v);
}

/// The sum of each of 16 registers, one to a lane: words of quarters first, then the quarters.
///
/// # Safety
/// `of` points to 16 registers.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn sums(of: *const V) -> V {
    // SAFETY: as the caller says.
    let of = |i: usize| unsafe { *of.add(i) };
    let words: [V; 8] = std::array::from_fn(|i| by_word(of(2 * i), of(2 * i + 1)));
    let fours: [V; 4] = std::array::from_fn(|i| by_pair(words[2 * i], words[2 * i + 1]));
    by_quarter(by_quarter(fours[0], fours[1]), by_quarter(fours[2], fours[3]))
}

cached!("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni");
