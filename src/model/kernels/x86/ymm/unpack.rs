//! Panels: 16 weight rows taken apart once, side by side, for many rows of activations. Their layout is that of the
//! AVX-512 tier: four neighbouring numbers of a row, then the next row's, [k / 4][16][4]; here that is two registers.

use super::super::{fetch, fetch_next_panel};
use super::floats::{Stored, W};
use super::plain::Plain;
use super::supers::Super;
use super::turn::turn;
use crate::model::kernels::activations::{GROUP, LANE, SUM_16, SUPER};
use crate::model::kernels::set::{PANEL_ROWS as ROWS, Scratch};
use std::arch::x86_64::*;

/// Rows that are turned together.
const HALF: usize = ROWS / 2;
/// Bytes of a step through the panel.
pub(super) const STEP: usize = ROWS * LANE;

/// Stores eight rows' registers as columns, from `to` on, a step apart.
///
/// # Safety
/// `to` points to `n <= 8` steps, of which the first 32 bytes are writable.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
unsafe fn store_turned(rows: [__m256i; HALF], to: *mut u8, n: usize) {
    for (i, column) in turn(rows).into_iter().take(n).enumerate() {
        // SAFETY: as the caller says.
        unsafe { _mm256_storeu_si256(to.add(i * STEP).cast(), column) };
    }
}

/// The panel, then scales `[k / SUB][16]` times d, then dmin `[k / 256][16]`; minima in pairs, `[k / (2 SUB)][16][2]`.
///
/// # Safety
/// The processor has the features; `weights` is at most 16 rows of `row_bytes` of `K`'s blocks.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn supers<K: Super>(weights: &[u8], row_bytes: usize, k: usize, scratch: &mut Scratch) {
    let (n_blocks, n_subs) = (k / SUPER, SUPER / K::SUB);
    scratch.panel.resize(k * ROWS);
    scratch.scales.resize((n_blocks * n_subs + n_blocks) * ROWS);
    scratch.scales.fill(0.0);
    scratch.minima.resize(n_blocks * n_subs * ROWS);
    let (scales, dmins) = scratch.scales.split_at_mut(n_blocks * n_subs * ROWS);
    for b in 0..n_blocks {
        for half in 0..2 {
            let mut quants = [[_mm256_setzero_si256(); HALF]; SUPER / GROUP];
            for (i, row) in weights.chunks_exact(row_bytes).skip(half * HALF).take(HALF).enumerate() {
                // SAFETY: block b of the row.
                let (q, parts) = unsafe {
                    let block = row.as_ptr().add(b * K::BYTES);
                    fetch(block.wrapping_add(ROWS * row_bytes), K::BYTES);
                    (K::quants(block), K::scales(block))
                };
                for (quants, q) in quants.iter_mut().zip(q) {
                    quants[i] = q;
                }
                let (mut row_scales, mut row_minima) = ([0i16; SUPER / SUM_16], [0i16; SUPER / SUM_16]);
                // SAFETY: 16 numbers each.
                unsafe {
                    _mm256_storeu_si256(row_scales.as_mut_ptr().cast(), parts.scales);
                    _mm256_storeu_si256(row_minima.as_mut_ptr().cast(), parts.minima);
                }
                let r = half * HALF + i;
                for s in 0..n_subs {
                    let at = b * n_subs + s;
                    scales[at * ROWS + r] = parts.d * f32::from(row_scales[s * K::SUB / SUM_16]);
                    scratch.minima[(at / 2 * ROWS + r) * 2 + at % 2] = row_minima[s * K::SUB / SUM_16];
                }
                dmins[b * ROWS + r] = parts.dmin;
            }
            for (j, rows) in quants.into_iter().enumerate() {
                let step = (b * SUPER + j * GROUP) / LANE;
                // SAFETY: the panel has k / 4 steps.
                unsafe { store_turned(rows, scratch.panel.as_mut_ptr().add(step * STEP + half * STEP / 2), HALF) };
            }
        }
    }
}

/// The panel as signed numbers, and scales `[k / SUB][16]`, then minima `[k / 32][16]` where there are any.
///
/// # Safety
/// As for [`supers`], of `P`'s blocks.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn plain<P: Plain>(weights: &[u8], row_bytes: usize, k: usize, scratch: &mut Scratch) {
    let n_subs = GROUP / P::SUB;
    scratch.panel.resize(k * ROWS);
    let n_scales = k / P::SUB * ROWS;
    scratch.scales.resize(n_scales + if P::HAS_MINIMUM { k / GROUP * ROWS } else { 0 });
    scratch.scales.fill(0.0);
    for g in 0..k / GROUP {
        fetch_next_panel(weights, g, k / GROUP);
        let (at, within) = (g / P::GROUPS * P::BYTES, g % P::GROUPS);
        for half in 0..2 {
            let mut quants = [_mm256_setzero_si256(); HALF];
            for (i, row) in weights.chunks_exact(row_bytes).skip(half * HALF).take(HALF).enumerate() {
                // SAFETY: the row's block that 32 weights are of.
                unsafe {
                    let block = row.as_ptr().add(at);
                    quants[i] = P::quants(block, within);
                    for s in 0..n_subs {
                        let scale = P::scale(block, within * n_subs + s);
                        scratch.scales[(g * n_subs + s) * ROWS + half * HALF + i] = scale;
                    }
                    if P::HAS_MINIMUM {
                        scratch.scales[n_scales + g * ROWS + half * HALF + i] = P::minimum(block);
                    }
                }
            }
            let step = g * GROUP / LANE;
            // SAFETY: the panel has k / 4 steps.
            unsafe { store_turned(quants, scratch.panel.as_mut_ptr().add(step * STEP + half * STEP / 2), HALF) };
        }
    }
}

/// The panel as f32, `[k][16]`.
///
/// # Safety
/// As for [`supers`], of `S`'s values.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn floats<S: Stored>(weights: &[u8], row_bytes: usize, k: usize, scratch: &mut Scratch) {
    scratch.panel.resize(k * STEP);
    let panel = scratch.panel.as_mut_ptr();
    for at in (0..k).step_by(W) {
        fetch_next_panel(weights, at / W, k.div_ceil(W));
        let n = (k - at).min(W);
        for half in 0..2 {
            let mut rows = [_mm256_setzero_si256(); HALF];
            for (slot, row) in rows.iter_mut().zip(weights.chunks_exact(row_bytes).skip(half * HALF)) {
                let mut values = [0.0; W];
                // SAFETY: n weights from `at` on, eight values.
                *slot = unsafe {
                    let from = row.as_ptr().add(at * S::BYTES);
                    if n == W {
                        _mm256_castps_si256(S::load(from))
                    } else {
                        values.iter_mut().take(n).enumerate().for_each(|(i, v)| *v = S::one(from.add(i * S::BYTES)));
                        _mm256_loadu_si256(values.as_ptr().cast())
                    }
                };
            }
            // SAFETY: the panel has k columns of 16 values.
            unsafe { store_turned(rows, panel.add(at * STEP + half * STEP / 2), n) };
        }
    }
}
