//! Few rows of activations, in place.

/// The functions of a tier: `few!(features, sum of products of words, of bytes)` gives a module `few`.
macro_rules! few {
    ($features:literal, $add_words:path, $add_bytes:path) => {
        mod few {
            use crate::model::kernels::activations::{GROUP, Operand, SUM_16, SUPER};
            use crate::model::kernels::set::Scratch;
            use crate::model::kernels::x86::prefetch;
            use crate::model::kernels::x86::scales::Numbers;
            use crate::model::kernels::x86::ymm::floats::total;
            use crate::model::kernels::x86::ymm::plain::Plain;
            use crate::model::kernels::x86::ymm::points::Room;
            use crate::model::kernels::x86::ymm::supers::{Super, spread_scales};
            use std::arch::x86_64::*;

            /// # Safety
            /// The processor has the features; `weights` is whole rows of `row_bytes` of `K`'s blocks, `out` is [m][rows].
            #[target_feature(enable = $features)]
            pub(super) unsafe fn supers<K: Super>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
                let n_rows = out.len() / x.m;
                for (r, row) in weights.chunks_exact(row_bytes).enumerate() {
                    let mut t = 0;
                    while t < x.m {
                        let out = &mut out[r + t * n_rows..];
                        // SAFETY: as the caller says.
                        t += unsafe {
                            match x.m - t {
                                4.. => super_dot::<K, 4>(row, x, t, out, n_rows),
                                2.. => super_dot::<K, 2>(row, x, t, out, n_rows),
                                _ => super_dot::<K, 1>(row, x, t, out, n_rows),
                            }
                        };
                    }
                }
            }

            /// One weight row by `M` rows of activations. How many those were.
            ///
            /// # Safety
            /// As for [`supers`].
            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn super_dot<K: Super, const M: usize>(row: &[u8], x: Operand, t: usize, out: &mut [f32], n_rows: usize) -> usize {
                let quants: [*const i8; M] = std::array::from_fn(|i| x.quants(t + i).as_ptr());
                let y_scales: [*const f32; M] = std::array::from_fn(|i| x.scales(t + i, SUPER).as_ptr());
                let y_sums: [*const i16; M] = std::array::from_fn(|i| x.sums(t + i, SUM_16).as_ptr());
                let mut sums = [_mm256_setzero_ps(); M];
                let mut minima = [_mm256_setzero_ps(); M];
                let mut room = Room::new();
                for i in 0..row.len() / K::BYTES {
                    // SAFETY: block i of the row, and its share of the activations.
                    unsafe {
                        let block = row.as_ptr().add(i * K::BYTES);
                        prefetch(block, K::BYTES);
                        let factors = K::factors(block, &mut room);
                        let parts = K::scales(block);
                        let scales = spread_scales(parts.scales);
                        let mut dots = [_mm256_setzero_si256(); M];
                        for j in 0..SUPER / GROUP {
                            let (q, signs) = factors(j);
                            for m in 0..M {
                                let y = _mm256_loadu_si256(quants[m].add(i * SUPER + j * GROUP).cast());
                                let products = match (signs, K::NUMBERS) {
                                    (Some(signs), _) => _mm256_maddubs_epi16(q, _mm256_sign_epi8(y, signs)),
                                    (None, Numbers::Least) => _mm256_maddubs_epi16(q, y),
                                    (None, Numbers::Moved(by)) => {
                                        let moved = _mm256_maddubs_epi16(_mm256_set1_epi8(1 << by), y);
                                        _mm256_sub_epi16(_mm256_maddubs_epi16(q, y), moved)
                                    }
                                    (None, Numbers::Signed) => _mm256_maddubs_epi16(_mm256_abs_epi8(q), _mm256_sign_epi8(y, q)),
                                };
                                dots[m] = match K::IS_SCALED {
                                    true => $add_words(dots[m], products, scales(j)),
                                    false => _mm256_add_epi16(dots[m], products),
                                };
                            }
                        }
                        for m in 0..M {
                            let y_scale = *y_scales[m].add(i);
                            let dot = match K::IS_SCALED {
                                true => dots[m],
                                false => $add_words(_mm256_setzero_si256(), dots[m], _mm256_set1_epi16(1)),
                            };
                            sums[m] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_set1_ps(parts.d * y_scale), sums[m]);
                            if K::NUMBERS == Numbers::Least {
                                let y_sums = _mm256_loadu_si256(y_sums[m].add(i * SUPER / SUM_16).cast());
                                let minimum = _mm256_cvtepi32_ps(_mm256_madd_epi16(y_sums, parts.minima));
                                minima[m] = _mm256_fmadd_ps(minimum, _mm256_set1_ps(parts.dmin * y_scale), minima[m]);
                            }
                        }
                    }
                }
                for m in 0..M {
                    out[m * n_rows] = total(_mm256_sub_ps(sums[m], minima[m]));
                }
                M
            }

            /// # Safety
            /// As for [`supers`], of `P`'s blocks, which have no minimum.
            #[target_feature(enable = $features)]
            pub(super) unsafe fn plain<P: Plain>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
                let n_rows = out.len() / x.m;
                for (r, row) in weights.chunks_exact(row_bytes).enumerate() {
                    let mut t = 0;
                    while t < x.m {
                        let out = &mut out[r + t * n_rows..];
                        // SAFETY: as the caller says.
                        t += unsafe {
                            match x.m - t {
                                4.. => plain_dot::<P, 4>(row, x, t, out, n_rows),
                                2.. => plain_dot::<P, 2>(row, x, t, out, n_rows),
                                _ => plain_dot::<P, 1>(row, x, t, out, n_rows),
                            }
                        };
                    }
                }
            }

            /// One weight row by `M` rows of activations. How many those were.
            ///
            /// # Safety
            /// As for [`plain`].
            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn plain_dot<P: Plain, const M: usize>(row: &[u8], x: Operand, t: usize, out: &mut [f32], n_rows: usize) -> usize {
                let quants: [*const i8; M] = std::array::from_fn(|i| x.quants(t + i).as_ptr());
                let y_scales: [*const f32; M] = std::array::from_fn(|i| x.scales(t + i, GROUP).as_ptr());
                let mut sums = [_mm256_setzero_ps(); M];
                for i in 0..row.len() / P::BYTES {
                    // SAFETY: block i of the row, and its share of the activations.
                    unsafe {
                        let block = row.as_ptr().add(i * P::BYTES);
                        prefetch(block, P::BYTES);
                        for g in 0..P::GROUPS {
                            let q = P::quants(block, g);
                            let magnitude = P::magnitudes(q);
                            // A lane is the sum of four products, so half a register that of sixteen.
                            let d = match P::SUB {
                                GROUP => _mm256_set1_ps(P::scale(block, g)),
                                _ => _mm256_setr_m128(_mm_set1_ps(P::scale(block, 2 * g)), _mm_set1_ps(P::scale(block, 2 * g + 1))),
                            };
                            for m in 0..M {
                                let at = i * P::GROUPS + g;
                                let y = _mm256_sign_epi8(_mm256_loadu_si256(quants[m].add(at * GROUP).cast()), q);
                                let dot = $add_bytes(_mm256_setzero_si256(), magnitude, y);
                                let scale = _mm256_mul_ps(d, _mm256_set1_ps(*y_scales[m].add(at)));
                                sums[m] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), scale, sums[m]);
                            }
                        }
                    }
                }
                for m in 0..M {
                    out[m * n_rows] = total(sums[m]);
                }
                M
            }
        }
    };
}
pub(super) use few;
