//! Few rows of activations by blocks of 256 weights.
//!
//! Weights stream through once: a row is taken apart block by block and its registers meet every row of activations of a
//! batch. Each (weight row, activation row) has its own sums, added in one order whatever the batch.

use super::super::prefetch;
use super::super::scales::Numbers;
use super::super::ymm::points::Room;
use super::supers::Super;
use crate::model::kernels::activations::{Operand, SUM_16, SUPER};
use crate::model::kernels::set::Scratch;
use std::arch::x86_64::*;

/// # Safety
/// The processor has the features; `weights` is whole rows of `row_bytes` of `K`'s blocks, `out` is [m][rows].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn rows<K: Super>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
    // SAFETY: as the caller says; the rows t.. of the operand are as long as the weights.
    unsafe { few_rows!(weights, row_bytes, x, out, dot::<K>) }
}

/// One weight row by `M` rows of activations. How many those were.
///
/// # Safety
/// As for [`rows`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn dot<K: Super, const M: usize>(row: &[u8], x: Operand, first: usize, out: &mut [f32], n_rows: usize) -> usize {
    let quants: [*const i8; M] = std::array::from_fn(|i| x.quants(first + i).as_ptr());
    let y_scales: [*const f32; M] = std::array::from_fn(|i| x.scales(first + i, SUPER).as_ptr());
    let y_sums: [*const i16; M] = std::array::from_fn(|i| x.sums(first + i, SUM_16).as_ptr());
    let mut sums = [_mm512_setzero_ps(); M];
    let mut minima = [_mm256_setzero_ps(); M];
    let mut room = Room::new();
    for i in 0..row.len() / K::BYTES {
        // SAFETY: block i of the row, and its share of the activations.
        unsafe {
            let block = row.as_ptr().add(i * K::BYTES);
            prefetch(block, K::BYTES);
            let (q, minus) = K::factors(block, &mut room);
            let parts = K::scales(block);
            let scales = spread_scales(parts.scales);
            for t in 0..M {
                let y = quants[t].add(i * SUPER);
                let (mut dot, mut moved) = (_mm512_setzero_si512(), _mm512_setzero_si512());
                for j in 0..4 {
                    let y = _mm512_loadu_si512(y.add(64 * j).cast());
                    if let (false, Numbers::Moved(by)) = (K::IS_SCALED, K::NUMBERS) {
                        dot = _mm512_dpbusd_epi32(dot, q[j], y);
                        moved = _mm512_dpbusd_epi32(moved, _mm512_set1_epi8(1 << by), y);
                        continue;
                    }
                    let products = match (minus, K::NUMBERS) {
                        (Some(minus), _) => _mm512_maddubs_epi16(q[j], negative_where(minus[j], y)),
                        (None, Numbers::Least) => _mm512_maddubs_epi16(q[j], y),
                        (None, Numbers::Moved(by)) => {
                            let moved = _mm512_maddubs_epi16(_mm512_set1_epi8(1 << by), y);
                            _mm512_sub_epi16(_mm512_maddubs_epi16(q[j], y), moved)
                        }
                        (None, Numbers::Signed) => {
                            _mm512_maddubs_epi16(_mm512_abs_epi8(q[j]), negative_where(_mm512_movepi8_mask(q[j]), y))
                        }
                    };
                    dot = _mm512_dpwssd_epi32(dot, products, scales[j]);
                }
                let dot = _mm512_sub_epi32(dot, moved);
                let y_scale = *y_scales[t].add(i);
                sums[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_set1_ps(parts.d * y_scale), sums[t]);
                if K::NUMBERS == Numbers::Least {
                    let y_sums = _mm256_loadu_si256(y_sums[t].add(i * SUPER / SUM_16).cast());
                    let minimum = _mm256_madd_epi16(y_sums, parts.minima);
                    minima[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(minimum), _mm256_set1_ps(parts.dmin * y_scale), minima[t]);
                }
            }
        }
    }
    for t in 0..M {
        // Both are sums of lanes; one reduction serves them.
        out[t * n_rows] = _mm512_reduce_add_ps(_mm512_sub_ps(sums[t], _mm512_zextps256_ps512(minima[t])));
    }
    M
}

/// Some of the bytes with the other sign.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn negative_where(minus: u64, y: __m512i) -> __m512i {
    _mm512_mask_sub_epi8(y, minus, _mm512_setzero_si512(), y)
}

/// Scale i / 16 beside the products of weights i and i + 1: eight times each.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn spread_scales(scales: __m256i) -> [__m512i; 4] {
    const fn order(first: i16) -> [i16; 32] {
        let mut order = [0; 32];
        let mut i = 0;
        while i < 32 {
            order[i] = first + i as i16 / 8;
            i += 1;
        }
        order
    }
    const ORDERS: [[i16; 32]; 4] = [order(0), order(4), order(8), order(12)];
    let all = _mm512_castsi256_si512(scales);
    // SAFETY: an order is 64 bytes.
    ORDERS.each_ref().map(|order| _mm512_permutexvar_epi16(unsafe { _mm512_loadu_si512(order.as_ptr().cast()) }, all))
}
