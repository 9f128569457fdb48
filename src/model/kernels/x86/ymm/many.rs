//! Many rows of activations, by panels of 16 weight rows and tiles of four tokens.

/// The functions of a tier: `many!(features, sum of products of words, of bytes)` gives a module `many`.
macro_rules! many {
    ($features:literal, $add_words:path, $add_bytes:path) => {
        mod many {
            use crate::model::kernels::activations::{GROUP, LANE, SUM_16, SUPER};
            use crate::model::kernels::set::{PANEL_ROWS as ROWS, Scratch, TileView};
            use crate::model::kernels::x86::scales::Numbers;
            use crate::model::kernels::x86::ymm::floats::Stored;
            use crate::model::kernels::x86::ymm::plain::Plain;
            use crate::model::kernels::x86::ymm::supers::Super;
            use crate::model::kernels::x86::ymm::tier::TOKENS;
            use crate::model::kernels::x86::ymm::unpack::{self, STEP};
            use std::arch::x86_64::*;

            /// Sums of two registers of rows by a tile of tokens.
            type Sums = [[__m256; TOKENS]; 2];

            /// # Safety
            /// The processor has the features; `weights` is at most 16 rows of `row_bytes` of `K`'s blocks, the tiles hold
            /// `m` tokens of as many values, and `scratch.acc` has room for whole tiles of [tokens][16].
            #[target_feature(enable = $features)]
            pub(super) unsafe fn supers<K: Super>(weights: &[u8], row_bytes: usize, x: &TileView, scratch: &mut Scratch) {
                // SAFETY: as the caller says.
                unsafe {
                    unpack::supers::<K>(weights, row_bytes, x.k, scratch);
                    for tile in 0..x.m.div_ceil(TOKENS) {
                        let sums = supers_by_tile::<K>(x, tile, scratch);
                        store(sums, tile, scratch);
                    }
                }
            }

            /// # Safety
            /// As for [`supers`].
            #[target_feature(enable = $features)]
            pub(super) unsafe fn plain<P: Plain>(weights: &[u8], row_bytes: usize, x: &TileView, scratch: &mut Scratch) {
                // SAFETY: as the caller says.
                unsafe {
                    unpack::plain::<P>(weights, row_bytes, x.k, scratch);
                    for tile in 0..x.m.div_ceil(TOKENS) {
                        let sums = plain_by_tile::<P>(x, tile, scratch);
                        store(sums, tile, scratch);
                    }
                }
            }

            /// # Safety
            /// As for [`supers`].
            #[target_feature(enable = $features)]
            pub(super) unsafe fn floats<S: Stored>(weights: &[u8], row_bytes: usize, x: &TileView, scratch: &mut Scratch) {
                // SAFETY: as the caller says.
                unsafe {
                    unpack::floats::<S>(weights, row_bytes, x.k, scratch);
                    for tile in 0..x.m.div_ceil(TOKENS) {
                        let sums = floats_by_tile(x, tile, scratch);
                        store(sums, tile, scratch);
                    }
                }
            }

            /// Puts a tile's sums to `scratch.acc`.
            #[target_feature(enable = $features)]
            #[inline]
            fn store(sums: Sums, tile: usize, scratch: &mut Scratch) {
                let out = &mut scratch.acc[tile * TOKENS * ROWS..][..TOKENS * ROWS];
                for t in 0..TOKENS {
                    for half in 0..2 {
                        // SAFETY: eight values within the tile.
                        unsafe { _mm256_storeu_ps(out.as_mut_ptr().add(t * ROWS + half * ROWS / 2), sums[half][t]) };
                    }
                }
            }

            /// Both registers of 16 values.
            ///
            /// # Safety
            /// `at` points to 64 readable bytes.
            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn both(at: *const u8) -> [__m256i; 2] {
                // SAFETY: as the caller says.
                unsafe { [_mm256_loadu_si256(at.cast()), _mm256_loadu_si256(at.add(STEP / 2).cast())] }
            }

            /// `sums` and the products of signed bytes by fours: a weight's sign is moved over to its activation.
            #[target_feature(enable = $features)]
            #[inline]
            fn add_signed(sums: __m256i, weights: __m256i, activations: __m256i) -> __m256i {
                $add_bytes(sums, _mm256_abs_epi8(weights), _mm256_sign_epi8(activations, weights))
            }

            /// Minus the sum of a token's activations beside weights `K::SUB * j..`; sums are kept of 16.
            ///
            /// # Safety
            /// `seeds` is the tile's, with as many.
            #[inline(always)]
            unsafe fn seed_of<K: Super>(seeds: *const i32, j: usize, t: usize) -> i32 {
                let n = K::SUB / SUM_16;
                // SAFETY: as the caller says.
                (0..n).map(|i| unsafe { *seeds.add((j * n + i) * TOKENS + t) }).sum()
            }

            /// # Safety
            /// As for [`supers`], after the panel was unpacked.
            #[target_feature(enable = $features)]
            unsafe fn supers_by_tile<K: Super>(x: &TileView, tile: usize, scratch: &Scratch) -> Sums {
                let (n_blocks, n_subs) = (x.k / SUPER, SUPER / K::SUB);
                let pairs = if K::SUB == SUM_16 { &x.tiles.pairs_16 } else { &x.tiles.pairs_32 };
                let y = x.tiles.quants[tile * TOKENS * x.k..].as_ptr().cast::<i32>();
                let y_scales = x.tiles.scales[tile * TOKENS * n_blocks..].as_ptr();
                let y_pairs = pairs[tile * TOKENS * n_blocks * n_subs..].as_ptr().cast::<i32>();
                let seeds = x.tiles.seeds[tile * TOKENS * (x.k / SUM_16)..].as_ptr();
                let (panel, scales) = (scratch.panel.as_ptr(), scratch.scales.as_ptr());
                let dmins = scratch.scales[n_blocks * n_subs * ROWS..].as_ptr();
                let minima = scratch.minima.as_ptr();
                let mut totals = [[_mm256_setzero_ps(); TOKENS]; 2];
                for b in 0..n_blocks {
                    let mut sums = [[_mm256_setzero_ps(); TOKENS]; 2];
                    // SAFETY: block b of the panel and of the tile.
                    unsafe {
                        for j in b * n_subs..(b + 1) * n_subs {
                            let mut dots = [[_mm256_setzero_si256(); TOKENS]; 2];
                            if let Numbers::Moved(by) = K::NUMBERS {
                                for t in 0..TOKENS {
                                    let seed = _mm256_set1_epi32(seed_of::<K>(seeds, j, t) << by);
                                    (dots[0][t], dots[1][t]) = (seed, seed);
                                }
                            }
                            for s in j * K::SUB / LANE..(j + 1) * K::SUB / LANE {
                                let w = both(panel.add(s * STEP));
                                for t in 0..TOKENS {
                                    let word = _mm256_set1_epi32(y.add(s * TOKENS + t).read_unaligned());
                                    for half in 0..2 {
                                        dots[half][t] = match K::NUMBERS {
                                            Numbers::Signed => add_signed(dots[half][t], w[half], word),
                                            _ => $add_bytes(dots[half][t], w[half], word),
                                        };
                                    }
                                }
                            }
                            let scale = both(scales.add(j * ROWS).cast()).map(|s| _mm256_castsi256_ps(s));
                            for half in 0..2 {
                                for t in 0..TOKENS {
                                    sums[half][t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[half][t]), scale[half], sums[half][t]);
                                }
                            }
                        }
                        if K::NUMBERS == Numbers::Least {
                            let mut minimum = [[_mm256_setzero_si256(); TOKENS]; 2];
                            for j in b * n_subs / 2..(b + 1) * n_subs / 2 {
                                let m = both(minima.add(j * ROWS * 2).cast());
                                for t in 0..TOKENS {
                                    let pair = _mm256_set1_epi32(y_pairs.add(j * TOKENS + t).read_unaligned());
                                    minimum[0][t] = $add_words(minimum[0][t], m[0], pair);
                                    minimum[1][t] = $add_words(minimum[1][t], m[1], pair);
                                }
                            }
                            let dmin = both(dmins.add(b * ROWS).cast()).map(|d| _mm256_castsi256_ps(d));
                            for half in 0..2 {
                                for t in 0..TOKENS {
                                    sums[half][t] = _mm256_fnmadd_ps(_mm256_cvtepi32_ps(minimum[half][t]), dmin[half], sums[half][t]);
                                }
                            }
                        }
                        for t in 0..TOKENS {
                            let scale = _mm256_set1_ps(*y_scales.add(b * TOKENS + t));
                            for half in 0..2 {
                                totals[half][t] = _mm256_fmadd_ps(sums[half][t], scale, totals[half][t]);
                            }
                        }
                    }
                }
                totals
            }

            /// # Safety
            /// As for [`plain`], after the panel was unpacked.
            #[target_feature(enable = $features)]
            unsafe fn plain_by_tile<P: Plain>(x: &TileView, tile: usize, scratch: &Scratch) -> Sums {
                let n_subs = GROUP / P::SUB;
                let n_groups = x.k / GROUP;
                let y = x.tiles.quants[tile * TOKENS * x.k..].as_ptr().cast::<i32>();
                let y_scales = x.tiles.scales[tile * TOKENS * n_groups..].as_ptr();
                let y_weighted = x.tiles.weighted[tile * TOKENS * n_groups..].as_ptr();
                let (panel, scales) = (scratch.panel.as_ptr(), scratch.scales.as_ptr());
                let minima = scratch.scales[n_groups * n_subs * ROWS..].as_ptr();
                let mut totals = [[_mm256_setzero_ps(); TOKENS]; 2];
                for j in 0..n_groups * n_subs {
                    // SAFETY: these weights of the panel and of the tile.
                    unsafe {
                        let mut dots = [[_mm256_setzero_si256(); TOKENS]; 2];
                        for s in j * P::SUB / LANE..(j + 1) * P::SUB / LANE {
                            let w = both(panel.add(s * STEP));
                            for t in 0..TOKENS {
                                let word = _mm256_set1_epi32(y.add(s * TOKENS + t).read_unaligned());
                                for half in 0..2 {
                                    dots[half][t] = add_signed(dots[half][t], w[half], word);
                                }
                            }
                        }
                        let scale = both(scales.add(j * ROWS).cast()).map(|s| _mm256_castsi256_ps(s));
                        for t in 0..TOKENS {
                            let y_scale = _mm256_set1_ps(*y_scales.add(j / n_subs * TOKENS + t));
                            for half in 0..2 {
                                let scale = _mm256_mul_ps(scale[half], y_scale);
                                totals[half][t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[half][t]), scale, totals[half][t]);
                            }
                        }
                        if P::HAS_MINIMUM {
                            let minimum = both(minima.add(j * ROWS).cast()).map(|m| _mm256_castsi256_ps(m));
                            for t in 0..TOKENS {
                                let weighted = _mm256_set1_ps(*y_weighted.add(j * TOKENS + t));
                                for half in 0..2 {
                                    totals[half][t] = _mm256_fmadd_ps(minimum[half], weighted, totals[half][t]);
                                }
                            }
                        }
                    }
                }
                totals
            }

            /// # Safety
            /// As for [`floats`], after the panel was unpacked.
            #[target_feature(enable = $features)]
            unsafe fn floats_by_tile(x: &TileView, tile: usize, scratch: &Scratch) -> Sums {
                let y = x.tiles.floats[tile * TOKENS * x.k..].as_ptr();
                let panel = scratch.panel.as_ptr();
                let mut totals = [[_mm256_setzero_ps(); TOKENS]; 2];
                for i in 0..x.k {
                    // SAFETY: column i of the panel, value i of the tile's tokens.
                    unsafe {
                        let w = both(panel.add(i * STEP)).map(|w| _mm256_castsi256_ps(w));
                        for t in 0..TOKENS {
                            let y = _mm256_set1_ps(*y.add(i * TOKENS + t));
                            totals[0][t] = _mm256_fmadd_ps(w[0], y, totals[0][t]);
                            totals[1][t] = _mm256_fmadd_ps(w[1], y, totals[1][t]);
                        }
                    }
                }
                totals
            }
        }
    };
}
pub(super) use many;
