//! Weights as panels of bfloat16: the nearest to what each stands for.
//!
//! A scale times a number is exact in f32 for every type, so one fused operation with the minimum rounds as a
//! multiplication and a subtraction do.

use super::super::laid;
use super::super::plain::Plain;
use super::super::supers::{Narrow, Super};
use super::super::{grids, long, plain, scales};
use super::pack::{as_bits, first};
use crate::model::kernels::activations::{GROUP, SUM_16, SUPER};
use crate::model::kernels::wide::{CELL, CELL_STEP, STEP, Unpack};
use crate::model::kernels::x86::fetch;
use crate::model::kernels::x86::scales::Numbers;
use crate::quant::GgmlType;
use std::arch::x86_64::*;
use std::ops::Range;
use std::slice::ChunksExact;

/// None for floats of more than bfloat16's digits.
pub(in super::super::super) fn unpack(ty: GgmlType) -> Option<Unpack> {
    Some(match ty {
        GgmlType::BF16 => halves,
        GgmlType::Q8_0 => plains::<plain::Q8_0>,
        GgmlType::Q4_0 => plains::<plain::Q4_0>,
        GgmlType::Q4_1 => plains::<plain::Q4_1>,
        GgmlType::Q5_0 => plains::<plain::Q5_0>,
        GgmlType::Q5_1 => plains::<plain::Q5_1>,
        GgmlType::IQ4NL => plains::<plain::IQ4NL>,
        GgmlType::MXFP4 => plains::<plain::MXFP4>,
        GgmlType::NVFP4 => plains::<long::NVFP4>,
        GgmlType::Q1_0 => plains::<long::Q1_0>,
        GgmlType::Q2_0 => plains::<long::Q2_0>,
        GgmlType::Q2K => supers::<scales::Q2K>,
        GgmlType::Q3K => supers::<scales::Q3K>,
        GgmlType::Q4K => supers::<scales::Q4K>,
        GgmlType::Q5K => supers::<scales::Q5K>,
        GgmlType::Q6K => supers::<scales::Q6K>,
        GgmlType::IQ4XS => supers::<scales::IQ4XS>,
        GgmlType::IQ2XXS => supers::<grids::IQ2XXS>,
        GgmlType::IQ2XS => supers::<grids::IQ2XS>,
        GgmlType::IQ2S => supers::<grids::IQ2S>,
        GgmlType::IQ3XXS => supers::<grids::IQ3XXS>,
        GgmlType::IQ3S => supers::<grids::IQ3S>,
        GgmlType::IQ1S => supers::<Narrow<grids::IQ1S>>,
        GgmlType::IQ1M => supers::<Narrow<grids::IQ1M>>,
        GgmlType::TQ1_0 => supers::<Narrow<scales::TQ1_0>>,
        GgmlType::TQ2_0 => supers::<scales::TQ2_0>,
        _ => return None,
    })
}

/// Blocks of 256 and groups of 32 that each row's bytes are fetched ahead: while the other rows of a cell have their turn.
const BLOCKS_AHEAD: usize = 1;
const GROUPS_AHEAD: usize = 16;

/// Where in memory, from a row's begin, what stands `ahead` of unit `at` of a row's `units` is: in the row, or behind its end in
/// that of the next cell.
fn ahead(at: usize, ahead: usize, units: &Range<usize>, bytes: usize, row_bytes: usize) -> usize {
    if at + ahead < units.end { (at + ahead) * bytes } else { CELL * row_bytes + (at + ahead - units.len()) * bytes }
}

/// Rows of weights, a cell's worth at a time, each with its part of the panel.
fn cells<'a>(
    weights: &'a [u8],
    row_bytes: usize,
    panel: &'a mut [u16],
    n_steps: usize,
) -> impl Iterator<Item = (ChunksExact<'a, u8>, &'a mut [u16])> {
    let rows = weights.chunks(CELL * row_bytes).map(move |rows| rows.chunks_exact(row_bytes));
    rows.zip(panel.chunks_exact_mut(n_steps * CELL_STEP))
}

/// # Safety
/// The processor has the features; weights are whole rows of `row_bytes` of `K`'s blocks, `values` whole blocks, and the
/// panel has room for as many rows and values.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
unsafe fn supers<K: Super>(weights: &[u8], row_bytes: usize, values: Range<usize>, panel: &mut [u16]) {
    let (n_steps, blocks) = (values.len() / STEP, values.start / SUPER..values.end / SUPER);
    for (rows, panel) in cells(weights, row_bytes, panel, n_steps) {
        for (b, panel) in blocks.clone().zip(panel.chunks_exact_mut(SUPER * CELL)) {
            let next = ahead(b, BLOCKS_AHEAD, &blocks, K::BYTES, row_bytes);
            for (r, row) in rows.clone().enumerate() {
                fetch(row.as_ptr().wrapping_add(next), K::BYTES);
                // SAFETY: block b of the row; eight steps of the row's place.
                unsafe { super_block::<K>(row.as_ptr().add(b * K::BYTES), panel[r * STEP..].as_mut_ptr()) };
            }
        }
    }
}

/// One block of a row: eight steps.
///
/// # Safety
/// `block` points to `K::BYTES` readable bytes, `to` to 32 numbers in each of eight steps.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
#[inline]
unsafe fn super_block<K: Super>(block: *const u8, to: *mut u16) {
    const N: usize = SUPER / SUM_16;
    // SAFETY: as the caller says.
    let (quants, parts) = unsafe { (K::quants(block), K::scales(block)) };
    let (mut scales, mut minima) = ([0.0f32; N], [0.0f32; N]);
    // SAFETY: 16 numbers each.
    unsafe {
        _mm512_storeu_ps(scales.as_mut_ptr(), times(parts.scales, parts.d));
        if K::NUMBERS == Numbers::Least {
            _mm512_storeu_ps(minima.as_mut_ptr(), times(parts.minima, -parts.dmin));
        }
    }
    for i in 0..quants.len() {
        let quants = match K::NUMBERS {
            Numbers::Least | Numbers::Signed => quants[i],
            Numbers::Moved(by) => _mm512_sub_epi8(quants[i], _mm512_set1_epi8(1 << by)),
        };
        for half in 0..2 {
            let sub = (2 * i + half) * 2;
            let (scales, minima) = ([scales[sub], scales[sub + 1]], [minima[sub], minima[sub + 1]]);
            let minima = (K::NUMBERS == Numbers::Least).then_some(minima);
            // SAFETY: 32 numbers of step 2 i + half.
            unsafe { step(quants, half, scales, minima, to.add((2 * i + half) * CELL_STEP)) };
        }
    }
}

/// Sixteen whole numbers times something.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
#[inline]
fn times(numbers: __m256i, factor: f32) -> __m512 {
    _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(numbers)), _mm512_set1_ps(factor))
}

/// Half of a register's signed numbers times a scale, plus a minimum, for each 16 of them.
///
/// # Safety
/// `to` points to 32 numbers.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
#[inline]
unsafe fn step(quants: __m512i, half: usize, scales: [f32; 2], minima: Option<[f32; 2]>, to: *mut u16) {
    let quants = if half == 0 { _mm512_castsi512_si256(quants) } else { _mm512_extracti64x4_epi64::<1>(quants) };
    let low = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm256_castsi256_si128(quants)));
    let high = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm256_extracti128_si256::<1>(quants)));
    let of = (_mm512_set1_ps(scales[0]), _mm512_set1_ps(scales[1]));
    let (low, high) = match minima {
        Some(more) => (_mm512_fmadd_ps(low, of.0, _mm512_set1_ps(more[0])), _mm512_fmadd_ps(high, of.1, _mm512_set1_ps(more[1]))),
        None => (_mm512_mul_ps(low, of.0), _mm512_mul_ps(high, of.1)),
    };
    // SAFETY: as the caller says.
    unsafe { _mm512_storeu_si512(to.cast(), as_bits(_mm512_cvtne2ps_pbh(high, low))) };
}

/// # Safety
/// As for [`supers`]; `values` begin at an even group of 32.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
unsafe fn plains<P: Plain>(weights: &[u8], row_bytes: usize, values: Range<usize>, panel: &mut [u16]) {
    let (n_steps, n_subs, groups) = (values.len() / STEP, GROUP / P::SUB, values.start / GROUP..values.end / GROUP);
    let group_bytes = P::BYTES / P::GROUPS;
    for (rows, panel) in cells(weights, row_bytes, panel, n_steps) {
        for (g, panel) in groups.clone().step_by(2).zip(panel.chunks_mut(2 * CELL_STEP)) {
            let next = ahead(g, GROUPS_AHEAD, &groups, group_bytes, row_bytes);
            for (r, row) in rows.clone().enumerate() {
                let row = row.as_ptr();
                fetch(row.wrapping_add(next), 2 * group_bytes);
                let is_last = g + 1 == groups.end;
                // SAFETY: one or two groups from g on, and their steps of the row's place.
                unsafe {
                    let quants = _mm512_sub_epi8(laid::pair::<P>(row, g, is_last), _mm512_set1_epi8(P::BIAS as i8));
                    for half in 0..if is_last { 1 } else { 2 } {
                        let group = g + half;
                        let first = laid::scale::<P>(row, group * n_subs);
                        let second = if n_subs == 1 { first } else { laid::scale::<P>(row, group * n_subs + 1) };
                        let minima = if P::HAS_MINIMUM { Some([laid::minimum::<P>(row, group); 2]) } else { None };
                        step(quants, half, [first, second], minima, panel[half * CELL_STEP + r * STEP..].as_mut_ptr());
                    }
                }
            }
        }
    }
}

/// What is bfloat16 already.
///
/// # Safety
/// As for [`supers`], of any number of values.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
unsafe fn halves(weights: &[u8], row_bytes: usize, values: Range<usize>, panel: &mut [u16]) {
    let n_steps = values.len().div_ceil(STEP);
    for (rows, panel) in cells(weights, row_bytes, panel, n_steps) {
        for (r, row) in rows.enumerate() {
            for (at, panel) in values.clone().step_by(STEP).zip(panel.chunks_exact_mut(CELL_STEP)) {
                let n = values.end - at;
                // SAFETY: what the mask leaves out is not read; 32 numbers of the row's place.
                unsafe {
                    let from = row.as_ptr().add(at * size_of::<u16>()).cast();
                    let loaded = _mm512_maskz_loadu_epi16(first(n), from);
                    _mm512_storeu_si512(panel[r * STEP..].as_mut_ptr().cast(), loaded);
                }
            }
        }
    }
}
