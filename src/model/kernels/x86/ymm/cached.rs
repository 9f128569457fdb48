//! Few rows of queries by 8 values at a time.

use crate::model::kernels::x86::cached::{cached, primitives};
use std::arch::x86_64::*;

type V = __m256;
const W: usize = 8;

primitives! {
    "avx2,fma,f16c";
    fn zero() -> V = _mm256_setzero_ps();
    fn splat(x: f32) -> V = _mm256_set1_ps(x);
    fn fma(a: V, b: V, c: V) -> V = _mm256_fmadd_ps(a, b, c);
    fn mul(a: V, b: V) -> V = _mm256_mul_ps(a, b);
    fn low_pairs(a: V, b: V) -> V = _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
    fn high_pairs(a: V, b: V) -> V = _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
    fn by_word(a: V, b: V) -> V = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    fn by_pair(a: V, b: V) -> V = _mm256_add_ps(low_pairs(a, b), high_pairs(a, b));
    fn by_half(a: V, b: V) -> V = _mm256_add_ps(_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b));
    unsafe fn floats(at: *const f32) -> V = _mm256_loadu_ps(at);
    unsafe fn halves(at: *const u16) -> V = _mm256_cvtph_ps(_mm_loadu_si128(at.cast()));
    unsafe fn bytes(at: *const i8) -> V = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(at.cast())));
    unsafe fn store(at: *mut f32, v: V) = _mm256_storeu_ps(at, v);
}

/// The sum of each of 8 registers, one to a lane: words of halves first, then the halves.
///
/// # Safety
/// `of` points to 8 registers.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn sums(of: *const V) -> V {
    // SAFETY: as the caller says.
    let of = |i: usize| unsafe { *of.add(i) };
    let words: [V; 4] = std::array::from_fn(|i| by_word(of(2 * i), of(2 * i + 1)));
    by_half(by_pair(words[0], words[1]), by_pair(words[2], words[3]))
}

cached!("avx2,fma,f16c");
