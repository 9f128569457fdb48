//! Many rows of activations, by panels of 16 weight rows in two halves, and tiles of four tokens.

use super::floats::Stored;
use super::plain::Plain;
use super::products::{Products, ROWS as HALF, STEP, TOKENS, Tile};
use super::scales::Numbers;
use super::supers::Super;
use super::unpack;
use crate::model::kernels::activations::{GROUP, SUM_16, SUPER};
use crate::model::kernels::set::{PANEL_ROWS as ROWS, Scratch, TileView};
use std::arch::aarch64::*;

/// # Safety
/// The processor has `P`'s instructions; `weights` is at most 16 rows of `row_bytes` of `K`'s blocks, the tiles hold `m`
/// tokens of as many values, and `scratch.acc` has room for whole tiles of [tokens][16].
#[target_feature(enable = "neon")]
pub(super) unsafe fn supers<K: Super, P: Products>(weights: &[u8], row_bytes: usize, x: &TileView, scratch: &mut Scratch) {
    // SAFETY: as the caller says.
    unsafe {
        unpack::supers::<K, P>(weights, row_bytes, x.k, scratch);
        for tile in 0..x.m.div_ceil(TOKENS) {
            for half in 0..2 {
                let sums = supers_by_tile::<K, P>(x, tile, half, scratch);
                store(P::columns(sums), tile, half, scratch);
            }
        }
    }
}

/// # Safety
/// As for [`supers`].
#[target_feature(enable = "neon")]
pub(super) unsafe fn plain<K: Plain, P: Products>(weights: &[u8], row_bytes: usize, x: &TileView, scratch: &mut Scratch) {
    // SAFETY: as the caller says.
    unsafe {
        unpack::plain::<K, P>(weights, row_bytes, x.k, scratch);
        for tile in 0..x.m.div_ceil(TOKENS) {
            for half in 0..2 {
                let sums = plain_by_tile::<K, P>(x, tile, half, scratch);
                store(P::columns(sums), tile, half, scratch);
            }
        }
    }
}

/// # Safety
/// As for [`supers`], of `S`'s values; any processor has the instructions.
#[target_feature(enable = "neon")]
pub(super) unsafe fn floats<S: Stored>(weights: &[u8], row_bytes: usize, x: &TileView, scratch: &mut Scratch) {
    // SAFETY: as the caller says.
    unsafe {
        unpack::floats::<S>(weights, row_bytes, x.k, scratch);
        for tile in 0..x.m.div_ceil(TOKENS) {
            for half in 0..2 {
                let sums = floats_by_tile(x, tile, half, scratch);
                store(sums, tile, half, scratch);
            }
        }
    }
}

/// Puts a tile's sums to `scratch.acc`.
#[target_feature(enable = "neon")]
#[inline]
fn store(columns: [[float32x4_t; 2]; TOKENS], tile: usize, half: usize, scratch: &mut Scratch) {
    let out = &mut scratch.acc[tile * TOKENS * ROWS..][..TOKENS * ROWS];
    for (t, column) in columns.into_iter().enumerate() {
        for (i, four) in column.into_iter().enumerate() {
            // SAFETY: four values within the tile.
            unsafe { vst1q_f32(out.as_mut_ptr().add(t * ROWS + half * HALF + 4 * i), four) };
        }
    }
}

/// The numbers of eight rows beside a tile's sums.
///
/// # Safety
/// As for [`supers`]; `at` points to as many readable values.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn of_rows<P: Products>(at: *const f32) -> Tile<float32x4_t> {
    // SAFETY: as the caller says.
    unsafe { P::by_rows([vld1q_f32(at), vld1q_f32(at.add(4))]) }
}

/// `sums + a b`, register by register.
#[target_feature(enable = "neon")]
#[inline]
fn add(sums: &mut Tile<float32x4_t>, a: Tile<float32x4_t>, b: Tile<float32x4_t>) {
    for (i, sum) in sums.iter_mut().enumerate() {
        *sum = vfmaq_f32(*sum, a[i], b[i]);
    }
}

/// The sums of products of `n` values from value `first` on.
///
/// # Safety
/// As for [`supers`]; the panel and the tile have as many values.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn products<P: Products>(panel: *const i8, tokens: *const i8, first: usize, n: usize) -> Tile<float32x4_t> {
    let mut dots = [vdupq_n_s32(0); 8];
    for at in (first..first + n).step_by(STEP) {
        // SAFETY: as the caller says.
        unsafe { P::add_tile(&mut dots, panel.add(at * HALF), tokens.add(at * TOKENS)) };
    }
    dots.map(|dots| vcvtq_f32_s32(dots))
}

/// # Safety
/// As for [`supers`], after the panel was unpacked.
#[target_feature(enable = "neon")]
unsafe fn supers_by_tile<K: Super, P: Products>(x: &TileView, tile: usize, half: usize, scratch: &Scratch) -> Tile<float32x4_t> {
    let (n_blocks, n_subs) = (x.k / SUPER, SUPER / K::SUB);
    let panel = scratch.panel[half * HALF * x.k..].as_ptr().cast::<i8>();
    let scales = scratch.scales[half * HALF..].as_ptr();
    let y = x.tiles.quants[tile * TOKENS * x.k..].as_ptr();
    let y_scales = x.tiles.scales[tile * TOKENS * n_blocks..].as_ptr();
    let seeds = x.tiles.seeds[tile * TOKENS * (x.k / SUM_16)..].as_ptr();
    let zero = vdupq_n_f32(0.0);
    let mut totals = [zero; 8];
    for b in 0..n_blocks {
        let mut sums = [zero; 8];
        // SAFETY: block b of the panel and of the tile.
        unsafe {
            for j in b * n_subs..(b + 1) * n_subs {
                let dots = products::<P>(panel, y, j * K::SUB, K::SUB);
                add(&mut sums, dots, of_rows::<P>(scales.add(j * ROWS)));
                if K::NUMBERS == Numbers::Least {
                    // Minus the sums of 16 tokens' values each, so that minima are taken off.
                    let mut sum = vld1q_s32(seeds.add(j * K::SUB / SUM_16 * TOKENS));
                    if K::SUB == GROUP {
                        sum = vaddq_s32(sum, vld1q_s32(seeds.add((2 * j + 1) * TOKENS)));
                    }
                    let minima = scales.add((n_blocks * n_subs + j) * ROWS);
                    add(&mut sums, of_rows::<P>(minima), P::by_tokens(vcvtq_f32_s32(sum)));
                }
            }
            add(&mut totals, sums, P::by_tokens(vld1q_f32(y_scales.add(b * TOKENS))));
        }
    }
    totals
}

/// # Safety
/// As for [`plain`], after the panel was unpacked.
#[target_feature(enable = "neon")]
unsafe fn plain_by_tile<K: Plain, P: Products>(x: &TileView, tile: usize, half: usize, scratch: &Scratch) -> Tile<float32x4_t> {
    let n_subs = GROUP / K::SUB;
    let n_groups = x.k / GROUP;
    let panel = scratch.panel[half * HALF * x.k..].as_ptr().cast::<i8>();
    let scales = scratch.scales[half * HALF..].as_ptr();
    let y = x.tiles.quants[tile * TOKENS * x.k..].as_ptr();
    let y_scales = x.tiles.scales[tile * TOKENS * n_groups..].as_ptr();
    let y_weighted = x.tiles.weighted[tile * TOKENS * n_groups..].as_ptr();
    let mut totals = [vdupq_n_f32(0.0); 8];
    for j in 0..n_groups * n_subs {
        // SAFETY: these weights of the panel and of the tile.
        unsafe {
            let dots = products::<P>(panel, y, j * K::SUB, K::SUB);
            let (d, y_scale) = (of_rows::<P>(scales.add(j * ROWS)), P::by_tokens(vld1q_f32(y_scales.add(j / n_subs * TOKENS))));
            add(&mut totals, dots, std::array::from_fn(|i| vmulq_f32(d[i], y_scale[i])));
            if K::HAS_MINIMUM {
                let minima = of_rows::<P>(scales.add((n_groups * n_subs + j) * ROWS));
                add(&mut totals, minima, P::by_tokens(vld1q_f32(y_weighted.add(j * TOKENS))));
            }
        }
    }
    totals
}

/// # Safety
/// As for [`floats`], after the panel was unpacked.
#[target_feature(enable = "neon")]
unsafe fn floats_by_tile(x: &TileView, tile: usize, half: usize, scratch: &Scratch) -> [[float32x4_t; 2]; TOKENS] {
    let y = x.tiles.floats[tile * TOKENS * x.k..].as_ptr();
    let panel = scratch.panel.as_ptr().cast::<f32>();
    let mut sums = [[vdupq_n_f32(0.0); 2]; TOKENS];
    for i in 0..x.k {
        // SAFETY: column i of the panel, value i of the tile's tokens.
        unsafe {
            let at = panel.add(i * ROWS + half * HALF);
            let w = [vld1q_f32(at), vld1q_f32(at.add(4))];
            for t in 0..TOKENS {
                let y = *y.add(i * TOKENS + t);
                sums[t] = [vfmaq_n_f32(sums[t][0], w[0], y), vfmaq_n_f32(sums[t][1], w[1], y)];
            }
        }
    }
    sums
}
