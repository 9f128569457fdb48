//! Many rows of activations: 16 weight rows are taken apart once, side by side, and meet tiles of 12 tokens.
//!
//! In the panel four neighbouring numbers of a row share a lane, and 16 rows make a register: [k / 4][16][4]. In a tile of
//! activations four numbers of a token follow each other, and one 32-bit word is spread over all lanes as it is loaded:
//! [k / 4][12][4]. One load of weights feeds twelve multiplications.

use super::super::fetch_next_panel;
use super::super::scales::{Numbers, SIGN_LOG};
use super::floats::{Stored, W};
use super::laid;
use super::plain::Plain;
use super::supers::Super;
use super::turn::turn;
use crate::model::kernels::activations::{GROUP, LANE, SUM_16, SUPER};
use crate::model::kernels::set::{PANEL_ROWS as ROWS, Scratch, TileView};
use std::arch::x86_64::*;

/// Tokens to a tile: twelve sums of integers and twelve of floats leave registers for the operands.
pub(super) const TOKENS: usize = 12;

/// Bytes of a register.
const V: usize = 64;

/// Calls a function for each tile with as many tokens as it has, rounded up to four. While the last one is multiplied, the
/// weights of the next panel are fetched: earlier they would be gone again where the tokens are many, and all at once,
/// while this panel is taken apart, they are more than a processor waits for at a time.
macro_rules! for_each_tile {
    ($x:expr, $function:ident::<$of:ty>, $scratch:expr, $weights:expr) => {
        for tile in 0..$x.m.div_ceil(TOKENS) {
            let left = $x.m - tile * TOKENS;
            let ahead = if left <= TOKENS { $weights } else { &[] };
            match left {
                9.. => $function::<$of, 12>($x, tile, $scratch, ahead),
                5.. => $function::<$of, 8>($x, tile, $scratch, ahead),
                _ => $function::<$of, 4>($x, tile, $scratch, ahead),
            }
        }
    };
}

/// # Safety
/// The processor has the features; `weights` is at most 16 rows of `row_bytes` of `K`'s blocks, the tiles hold `m` tokens
/// of as many values, and `scratch.acc` has room for whole tiles of [tokens][16].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn supers<K: Super>(weights: &[u8], row_bytes: usize, x: &TileView, scratch: &mut Scratch) {
    // SAFETY: as the caller says.
    unsafe {
        unpack_supers::<K>(weights, row_bytes, x.k, scratch);
        for_each_tile!(x, supers_by_tile::<K>, scratch, weights);
    }
}

/// # Safety
/// As for [`supers`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn plain<P: Plain>(weights: &[u8], row_bytes: usize, x: &TileView, scratch: &mut Scratch) {
    // SAFETY: as the caller says.
    unsafe {
        unpack_plain::<P>(weights, row_bytes, x.k, scratch);
        for_each_tile!(x, plain_by_tile::<P>, scratch, weights);
    }
}

/// # Safety
/// As for [`supers`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn floats<S: Stored>(weights: &[u8], row_bytes: usize, x: &TileView, scratch: &mut Scratch) {
    // SAFETY: as the caller says.
    unsafe {
        unpack_floats::<S>(weights, row_bytes, x.k, scratch);
        for_each_tile!(x, floats_by_tile::<S>, scratch, weights);
    }
}

/// Sixteen rows' registers stored as columns, one after the other.
///
/// # Safety
/// `to` points to `n <= 16` writable registers.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn store_turned(rows: [__m512i; ROWS], to: *mut u8, n: usize) {
    for (i, column) in turn(rows).into_iter().take(n).enumerate() {
        // SAFETY: as the caller says.
        unsafe { _mm512_storeu_si512(to.add(i * V).cast(), column) };
    }
}

/// The panel, then scales `[k / SUB][16]` times d, then dmin `[k / 256][16]`; minima in pairs, `[k / (2 SUB)][16][2]`.
///
/// # Safety
/// As for [`supers`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn unpack_supers<K: Super>(weights: &[u8], row_bytes: usize, k: usize, scratch: &mut Scratch) {
    let n_blocks = k / SUPER;
    let n_subs = SUPER / K::SUB;
    scratch.panel.resize(k * ROWS);
    scratch.scales.resize((n_blocks * n_subs + n_blocks) * ROWS);
    scratch.minima.resize(n_blocks * n_subs * ROWS);
    let (scales, dmins) = scratch.scales.split_at_mut(n_blocks * n_subs * ROWS);
    // One of two neighbours where a scale counts for 32.
    let every_second = _mm256_setr_epi16(0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14);
    // Rows that a panel lacks are its first one again: nobody asks for their sums.
    let rows: [*const u8; ROWS] =
        std::array::from_fn(|r| weights[if r * row_bytes < weights.len() { r * row_bytes } else { 0 }..].as_ptr());
    for b in 0..n_blocks {
        // The scales, then pairs of minima.
        let mut numbers = [_mm512_setzero_si512(); ROWS];
        let (mut d, mut dmin) = ([0.0f32; ROWS], [0.0f32; ROWS]);
        // SAFETY: block b of each row, and of buffers that were made as long.
        unsafe {
            let blocks = rows.map(|row| row.add(b * K::BYTES));
            for (r, block) in blocks.into_iter().enumerate() {
                let parts = K::scales(block);
                numbers[r] = if K::SUB == SUM_16 {
                    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(parts.scales), parts.minima)
                } else {
                    let scales = _mm256_cvtepi16_epi32(_mm256_castsi256_si128(_mm256_permutexvar_epi16(every_second, parts.scales)));
                    let minima = _mm256_permutexvar_epi16(every_second, parts.minima);
                    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(scales), minima)
                };
                (d[r], dmin[r]) = (parts.d, parts.dmin);
            }
            K::lay(blocks, scratch.panel.as_mut_ptr().add(b * SUPER * ROWS).cast());
            let d = _mm512_loadu_ps(d.as_ptr());
            let columns = turn(numbers);
            for j in 0..n_subs {
                let scale = if K::SUB == SUM_16 {
                    // Two to a word.
                    let word = columns[j / 2];
                    _mm512_srai_epi32::<16>(if j % 2 == 0 { _mm512_slli_epi32::<16>(word) } else { word })
                } else {
                    columns[j]
                };
                _mm512_storeu_ps(scales.as_mut_ptr().add((b * n_subs + j) * ROWS), _mm512_mul_ps(d, _mm512_cvtepi32_ps(scale)));
            }
            if K::NUMBERS == Numbers::Least {
                for j in 0..n_subs / 2 {
                    let to = scratch.minima.as_mut_ptr().add((b * n_subs / 2 + j) * ROWS * 2);
                    _mm512_storeu_si512(to.cast(), columns[ROWS / 2 + j]);
                }
            }
        }
        dmins[b * ROWS..][..ROWS].copy_from_slice(&dmin);
    }
}

/// # Safety
/// As for [`supers`], after [`unpack_supers`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn supers_by_tile<K: Super, const T: usize>(x: &TileView, tile: usize, scratch: &mut Scratch, ahead: &[u8]) {
    let (n_blocks, n_subs) = (x.k / SUPER, SUPER / K::SUB);
    let pairs = if K::SUB == SUM_16 { &x.tiles.pairs_16 } else { &x.tiles.pairs_32 };
    let y = x.tiles.quants[tile * TOKENS * x.k..].as_ptr();
    let y_scales = x.tiles.scales[tile * TOKENS * n_blocks..].as_ptr();
    let y_pairs = pairs[tile * TOKENS * n_blocks * n_subs..].as_ptr().cast::<i32>();
    let seeds = x.tiles.seeds[tile * TOKENS * (x.k / SUM_16)..].as_ptr();
    let (panel, scales) = (scratch.panel.as_ptr(), scratch.scales.as_ptr());
    let dmins = scratch.scales[n_blocks * n_subs * ROWS..].as_ptr();
    let minima = scratch.minima.as_ptr();
    let mut totals = [_mm512_setzero_ps(); T];
    for b in 0..n_blocks {
        let mut sums = [_mm512_setzero_ps(); T];
        // SAFETY: block b of the panel and of the tile.
        unsafe {
            for j in b * n_subs..(b + 1) * n_subs {
                fetch_next_panel(ahead, j, n_blocks * n_subs);
                let mut dots = [_mm512_setzero_si512(); T];
                let moved_by = match K::NUMBERS {
                    Numbers::Least => None,
                    Numbers::Moved(by) => Some(by),
                    Numbers::Signed => Some(SIGN_LOG),
                };
                if let Some(by) = moved_by {
                    for t in 0..T {
                        dots[t] = _mm512_sll_epi32(seed_of::<K>(seeds, j, t), _mm_cvtsi32_si128(by));
                    }
                }
                for s in j * K::SUB / LANE..(j + 1) * K::SUB / LANE {
                    let w = _mm512_loadu_si512(panel.add(s * V).cast());
                    for t in 0..T {
                        let word = y.cast::<i32>().add(s * TOKENS + t).read_unaligned();
                        dots[t] = _mm512_dpbusd_epi32(dots[t], w, _mm512_set1_epi32(word));
                    }
                }
                let scale = _mm512_loadu_ps(scales.add(j * ROWS));
                for t in 0..T {
                    sums[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[t]), scale, sums[t]);
                }
            }
            if K::NUMBERS == Numbers::Least {
                take_off_minima(
                    &mut sums,
                    minima.add(b * n_subs * ROWS),
                    dmins.add(b * ROWS),
                    y_pairs.add(b * n_subs / 2 * TOKENS),
                    n_subs,
                );
            }
            for t in 0..T {
                totals[t] = _mm512_fmadd_ps(sums[t], _mm512_set1_ps(*y_scales.add(b * TOKENS + t)), totals[t]);
            }
        }
    }
    // SAFETY: whole tiles of 16 rows have room.
    unsafe { store_tile(totals, tile, scratch) };
}

/// Minus the sum of a token's activations beside weights `K::SUB * j..`; sums are kept of 16.
///
/// # Safety
/// `seeds` is the tile's, with as many.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn seed_of<K: Super>(seeds: *const i32, j: usize, t: usize) -> __m512i {
    let n = K::SUB / SUM_16;
    // SAFETY: as the caller says.
    _mm512_set1_epi32((0..n).map(|i| unsafe { *seeds.add((j * n + i) * TOKENS + t) }).sum())
}

/// Takes a block's minima times the sums of the activations off the sums.
///
/// # Safety
/// The addresses are of a block's minima, `[n_subs / 2][16][2]`, its 16 dmin, and the tile's sums, `[n_subs / 2][12][2]`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn take_off_minima<const T: usize>(sums: &mut [__m512; T], minima: *const i16, dmins: *const f32, y: *const i32, n_subs: usize) {
    let mut minimum = [_mm512_setzero_si512(); T];
    // SAFETY: as the caller says.
    let dmin = unsafe {
        for j in 0..n_subs / 2 {
            let m = _mm512_loadu_si512(minima.add(j * ROWS * 2).cast());
            for t in 0..T {
                let pair = y.add(j * TOKENS + t).read_unaligned();
                minimum[t] = _mm512_dpwssd_epi32(minimum[t], m, _mm512_set1_epi32(pair));
            }
        }
        _mm512_loadu_ps(dmins)
    };
    for t in 0..T {
        sums[t] = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(minimum[t]), dmin, sums[t]);
    }
}

/// # Safety
/// `scratch.acc` has room for the tile.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
unsafe fn store_tile<const T: usize>(totals: [__m512; T], tile: usize, scratch: &mut Scratch) {
    let out = scratch.acc[tile * TOKENS * ROWS..][..T * ROWS].as_mut_ptr();
    for (t, total) in totals.into_iter().enumerate() {
        // SAFETY: within the slice above.
        unsafe { _mm512_storeu_ps(out.add(t * ROWS), total) };
    }
}

/// The panel, and scales `[k / SUB][16]`, then minima `[k / 32][16]` where there are any.
///
/// # Safety
/// As for [`supers`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn unpack_plain<P: Plain>(weights: &[u8], row_bytes: usize, k: usize, scratch: &mut Scratch) {
    let (n_groups, n_subs) = (k / GROUP, GROUP / P::SUB);
    // A pair of groups is unpacked at once; the second of the last pair may be missing.
    scratch.panel.resize(k.next_multiple_of(2 * GROUP) * ROWS);
    let n_scales = n_groups * n_subs * ROWS;
    scratch.scales.resize(n_scales + if P::HAS_MINIMUM { n_groups * ROWS } else { 0 });
    scratch.scales.fill(0.0);
    for g in (0..n_groups).step_by(2) {
        let mut quants = [_mm512_setzero_si512(); ROWS];
        for (r, row) in weights.chunks_exact(row_bytes).take(ROWS).enumerate() {
            // SAFETY: one or two groups from g on.
            unsafe {
                for s in g * n_subs..(g + 2).min(n_groups) * n_subs {
                    scratch.scales[s * ROWS + r] = laid::scale::<P>(row.as_ptr(), s);
                }
                if P::HAS_MINIMUM {
                    for g in g..(g + 2).min(n_groups) {
                        scratch.scales[n_scales + g * ROWS + r] = laid::minimum::<P>(row.as_ptr(), g);
                    }
                }
                quants[r] = laid::pair::<P>(row.as_ptr(), g, g + 1 == n_groups);
            }
        }
        // SAFETY: the panel has room for pairs of groups.
        unsafe { store_turned(quants, scratch.panel.as_mut_ptr().add(g * GROUP * ROWS), ROWS) };
    }
}

/// # Safety
/// As for [`supers`], after [`unpack_plain`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn plain_by_tile<P: Plain, const T: usize>(x: &TileView, tile: usize, scratch: &mut Scratch, ahead: &[u8]) {
    let (n_groups, n_subs) = (x.k / GROUP, GROUP / P::SUB);
    let y = x.tiles.quants[tile * TOKENS * x.k..].as_ptr().cast::<i32>();
    let seeds = x.tiles.seeds[tile * TOKENS * n_groups..].as_ptr();
    let y_scales = x.tiles.scales[tile * TOKENS * n_groups..].as_ptr();
    let y_weighted = x.tiles.weighted[tile * TOKENS * n_groups..].as_ptr();
    let (panel, scales) = (scratch.panel.as_ptr(), scratch.scales.as_ptr());
    let minima = scratch.scales[n_groups * n_subs * ROWS..].as_ptr();
    let moved_by = _mm_cvtsi32_si128(P::BIAS_LOG);
    let mut totals = [_mm512_setzero_ps(); T];
    for j in 0..n_groups * n_subs {
        fetch_next_panel(ahead, j, n_groups * n_subs);
        let steps = j * P::SUB / LANE..(j + 1) * P::SUB / LANE;
        // SAFETY: these weights of the panel and of the tile.
        unsafe {
            let word = |s: usize, t: usize| _mm512_set1_epi32(y.add(s * TOKENS + t).read_unaligned());
            // What the weights were moved by, times the sum of the activations; sums are kept of 32.
            let mut dots: [__m512i; T] = std::array::from_fn(|t| match P::SUB {
                _ if P::HAS_MINIMUM => _mm512_setzero_si512(),
                GROUP => _mm512_sll_epi32(_mm512_set1_epi32(*seeds.add(j * TOKENS + t)), moved_by),
                _ => {
                    let ones = _mm512_set1_epi8(1);
                    let sum = steps.clone().fold(_mm512_setzero_si512(), |sum, s| _mm512_dpbusd_epi32(sum, ones, word(s, t)));
                    _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_sll_epi32(sum, moved_by))
                }
            });
            for s in steps.clone() {
                let w = _mm512_loadu_si512(panel.add(s * V).cast());
                for t in 0..T {
                    dots[t] = _mm512_dpbusd_epi32(dots[t], w, word(s, t));
                }
            }
            let scale = _mm512_loadu_ps(scales.add(j * ROWS));
            for t in 0..T {
                let scale = _mm512_mul_ps(scale, _mm512_set1_ps(*y_scales.add(j / n_subs * TOKENS + t)));
                totals[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[t]), scale, totals[t]);
            }
            if P::HAS_MINIMUM {
                let minimum = _mm512_loadu_ps(minima.add(j * ROWS));
                for t in 0..T {
                    totals[t] = _mm512_fmadd_ps(minimum, _mm512_set1_ps(*y_weighted.add(j * TOKENS + t)), totals[t]);
                }
            }
        }
    }
    // SAFETY: whole tiles of 16 rows have room.
    unsafe { store_tile(totals, tile, scratch) };
}

/// The panel as f32, `[k][16]`.
///
/// # Safety
/// As for [`supers`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn unpack_floats<S: Stored>(weights: &[u8], row_bytes: usize, k: usize, scratch: &mut Scratch) {
    scratch.panel.resize(k * V);
    for at in (0..k).step_by(W) {
        let n = (k - at).min(W);
        let mut rows = [_mm512_setzero_si512(); ROWS];
        for (slot, row) in rows.iter_mut().zip(weights.chunks_exact(row_bytes)) {
            // SAFETY: n weights from `at` on.
            *slot = _mm512_castps_si512(unsafe { S::load(row.as_ptr().add(at * S::BYTES), n) });
        }
        // SAFETY: the panel has room for n more columns.
        unsafe { store_turned(rows, scratch.panel.as_mut_ptr().add(at * V), n) };
    }
}

/// # Safety
/// As for [`supers`], after [`unpack_floats`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn floats_by_tile<S: Stored, const T: usize>(x: &TileView, tile: usize, scratch: &mut Scratch, ahead: &[u8]) {
    let y = x.tiles.floats[tile * TOKENS * x.k..].as_ptr();
    let panel = scratch.panel.as_ptr();
    let mut totals = [_mm512_setzero_ps(); T];
    for i in 0..x.k {
        if i % W == 0 {
            fetch_next_panel(ahead, i / W, x.k.div_ceil(W));
        }
        // SAFETY: column i of the panel, value i of the tile's tokens.
        unsafe {
            let w = _mm512_loadu_ps(panel.add(i * V).cast());
            for t in 0..T {
                totals[t] = _mm512_fmadd_ps(w, _mm512_set1_ps(*y.add(i * TOKENS + t)), totals[t]);
            }
        }
    }
    // SAFETY: whole tiles of 16 rows have room.
    unsafe { store_tile(totals, tile, scratch) };
}
