//! Panels: 16 weight rows taken apart once, in two halves of eight rows, for many rows of activations. A half is one step
//! of 16 values after the other, each as the tier lays it.

use super::floats::{Stored, W};
use super::plain::Plain;
use super::products::{Products, ROWS as HALF, STEP};
use super::scales::Numbers;
use super::supers::{PARTS, Super};
use crate::model::kernels::activations::{GROUP, SUM_16, SUPER};
use crate::model::kernels::set::{PANEL_ROWS as ROWS, Scratch};
use std::arch::aarch64::*;

/// The panel as signed numbers, or positive ones over minima; then scales `[k / SUB][16]`, times d, and minima
/// `[k / SUB][16]`, times dmin, where there are any.
///
/// # Safety
/// `weights` is at most 16 rows of `row_bytes` of `K`'s blocks.
#[target_feature(enable = "neon")]
pub(super) unsafe fn supers<K: Super, P: Products>(weights: &[u8], row_bytes: usize, k: usize, scratch: &mut Scratch) {
    let n_subs = SUPER / K::SUB;
    let n_scales = k / K::SUB * ROWS;
    scratch.panel.resize(k * ROWS);
    scratch.scales.resize(n_scales * if K::NUMBERS == Numbers::Least { 2 } else { 1 });
    scratch.scales.fill(0.0);
    let (all_scales, all_minima) = scratch.scales.split_at_mut(n_scales);
    for b in 0..k / SUPER {
        for half in 0..2 {
            let mut quants = [[vdupq_n_s8(0); HALF]; PARTS];
            for (i, row) in weights.chunks_exact(row_bytes).skip(half * HALF).take(HALF).enumerate() {
                // SAFETY: block b of the row.
                let (q, parts) = unsafe {
                    let block = row.as_ptr().add(b * K::BYTES);
                    (K::quants(block), K::scales(block))
                };
                for (quants, q) in quants.iter_mut().zip(q) {
                    quants[i] = if let Numbers::Moved(by) = K::NUMBERS { vsubq_s8(q, vdupq_n_s8(by as i8)) } else { q };
                }
                let at = b * n_subs * ROWS + half * HALF + i;
                spread(parts.scales, parts.d, K::SUB, &mut all_scales[at..]);
                if K::NUMBERS == Numbers::Least {
                    spread(parts.minima, parts.dmin, K::SUB, &mut all_minima[at..]);
                }
            }
            for (j, rows) in quants.into_iter().enumerate() {
                let at = half * HALF * k + (b * SUPER + j * STEP) * HALF;
                // SAFETY: a half of the panel has k values of each row.
                unsafe { P::lay(rows, scratch.panel.as_mut_ptr().add(at).cast()) };
            }
        }
    }
}

/// The numbers of a block's 16 or 8 parts, times `d`, 16 places apart.
#[target_feature(enable = "neon")]
#[inline]
fn spread(numbers: [int16x8_t; 2], d: f32, sub: usize, out: &mut [f32]) {
    let mut each = [0i16; SUPER / SUM_16];
    // SAFETY: two times eight numbers.
    unsafe {
        vst1q_s16(each.as_mut_ptr(), numbers[0]);
        vst1q_s16(each.as_mut_ptr().add(8), numbers[1]);
    }
    for (number, out) in each.iter().step_by(sub / SUM_16).zip(out.iter_mut().step_by(ROWS)) {
        *out = d * f32::from(*number);
    }
}

/// The panel as signed numbers, and scales `[k / SUB][16]`, then minima `[k / 32][16]` where there are any.
///
/// # Safety
/// As for [`supers`].
#[target_feature(enable = "neon")]
pub(super) unsafe fn plain<K: Plain, P: Products>(weights: &[u8], row_bytes: usize, k: usize, scratch: &mut Scratch) {
    let n_subs = GROUP / K::SUB;
    scratch.panel.resize(k * ROWS);
    let n_scales = k / K::SUB * ROWS;
    scratch.scales.resize(n_scales + if K::HAS_MINIMUM { k / GROUP * ROWS } else { 0 });
    scratch.scales.fill(0.0);
    for g in 0..k / GROUP {
        let (at, within) = (g / K::GROUPS * K::BYTES, g % K::GROUPS);
        for half in 0..2 {
            let mut quants = [[vdupq_n_s8(0); HALF]; GROUP / STEP];
            for (i, row) in weights.chunks_exact(row_bytes).skip(half * HALF).take(HALF).enumerate() {
                // SAFETY: the row's block that 32 weights are of.
                unsafe {
                    let block = row.as_ptr().add(at);
                    let q = K::quants(block, within);
                    (quants[0][i], quants[1][i]) = (q[0], q[1]);
                    for s in 0..n_subs {
                        let scale = K::scale(block, within * n_subs + s);
                        scratch.scales[(g * n_subs + s) * ROWS + half * HALF + i] = scale;
                    }
                    if K::HAS_MINIMUM {
                        scratch.scales[n_scales + g * ROWS + half * HALF + i] = K::minimum(block);
                    }
                }
            }
            for (j, rows) in quants.into_iter().enumerate() {
                let at = half * HALF * k + (g * GROUP + j * STEP) * HALF;
                // SAFETY: a half of the panel has k values of each row.
                unsafe { P::lay(rows, scratch.panel.as_mut_ptr().add(at).cast()) };
            }
        }
    }
}

/// The panel as f32, `[k][16]`.
///
/// # Safety
/// As for [`supers`], of `S`'s values.
#[target_feature(enable = "neon")]
pub(super) unsafe fn floats<S: Stored>(weights: &[u8], row_bytes: usize, k: usize, scratch: &mut Scratch) {
    scratch.panel.resize(k * ROWS * size_of::<f32>());
    let panel = scratch.panel.as_mut_ptr().cast::<f32>();
    for at in (0..k).step_by(W) {
        let n = (k - at).min(W);
        for first in (0..ROWS).step_by(W) {
            let mut rows = [vdupq_n_f32(0.0); W];
            for (slot, row) in rows.iter_mut().zip(weights.chunks_exact(row_bytes).skip(first)) {
                let mut values = [0.0; W];
                // SAFETY: n weights from `at` on, four values.
                *slot = unsafe {
                    let from = row.as_ptr().add(at * S::BYTES);
                    if n == W {
                        S::load(from)
                    } else {
                        values.iter_mut().take(n).enumerate().for_each(|(i, v)| *v = S::one(from.add(i * S::BYTES)));
                        vld1q_f32(values.as_ptr())
                    }
                };
            }
            for (i, column) in super::products::turn(rows).into_iter().take(n).enumerate() {
                // SAFETY: the panel has k columns of 16 values.
                unsafe { vst1q_f32(panel.add((at + i) * ROWS + first), column) };
            }
        }
    }
}
