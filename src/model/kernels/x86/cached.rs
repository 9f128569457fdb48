//! Attention of few rows of queries: keys and values straight from the cache, each widened once in a register for all
//! queries that share it.
//!
//! A score is a sum of lanes over the head's values and one fixed tree over the lanes, so it does not depend on how many
//! queries or keys are looked at together. Values are added in the order of their keys.

/// Functions of one expression: `primitives!("features"; fn ..; ..)`. Those over addresses are of `W` values each.
macro_rules! primitives {
    (
        $features:literal;
        $(fn $name:ident($($arg:ident: $ty:ty),*) -> $result:ty = $body:expr;)*
        $(unsafe fn $memory:ident($($at:ident: $of:ty),*) $(-> $loaded:ty)? = $access:expr;)*
    ) => {
        $(
            #[target_feature(enable = $features)]
            #[inline]
            fn $name($($arg: $ty),*) -> $result {
                $body
            }
        )*
        $(
            /// # Safety
            /// The address is of `W` values.
            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn $memory($($at: $of),*) $(-> $loaded)? {
                // SAFETY: as the caller says.
                unsafe { $access }
            }
        )*
    };
}

/// The functions for registers of one width: `cached!("features")`, where these are in scope: `V`, a register; `W`, the
/// values in it; `zero`, `splat`, `fma`, `mul`; `floats`, `halves` and `bytes`, which load `W` values; `store`; and `sums`,
/// the sum of each of `W` registers, one to a lane.
macro_rules! cached {
    ($features:literal) => {
        use crate::model::kernels::activations::GROUP;
        use crate::model::kernels::attention::{CachedRows, KEYS};
        use crate::model::kernels::set::{CachedFns, FewRows};
        use crate::quant::{Block, BlockQ8_0};

        pub(super) fn functions() -> CachedFns {
            CachedFns { score, weigh }
        }

        /// How values lie in the cache.
        trait Stored {
            fn row_bytes(width: usize) -> usize;

            /// Values `at..at + W` of a row; behind the first `n` whatever there is, or zeros.
            ///
            /// # Safety
            /// `row` points to a row of at least `at + n` values, `at` is a multiple of `W`, `n` is not 0.
            unsafe fn load(row: *const u8, at: usize, n: usize) -> V;
        }

        struct Floats;
        struct Halves;
        struct Blocks;

        /// `n` values, then zeros.
        ///
        /// # Safety
        /// `from` points to as many.
        #[inline(always)]
        unsafe fn ended<T: Copy + Default>(from: *const T, n: usize) -> [T; W] {
            // SAFETY: as the caller says.
            std::array::from_fn(|i| if i < n { unsafe { from.add(i).read_unaligned() } } else { T::default() })
        }

        impl Stored for Floats {
            fn row_bytes(width: usize) -> usize {
                width * size_of::<f32>()
            }

            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn load(row: *const u8, at: usize, n: usize) -> V {
                // SAFETY: as the caller says.
                unsafe {
                    let from = row.cast::<f32>().add(at);
                    if n < W { floats(ended(from, n).as_ptr()) } else { floats(from) }
                }
            }
        }

        impl Stored for Halves {
            fn row_bytes(width: usize) -> usize {
                width * size_of::<u16>()
            }

            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn load(row: *const u8, at: usize, n: usize) -> V {
                // SAFETY: as the caller says.
                unsafe {
                    let from = row.cast::<u16>().add(at);
                    if n < W { halves(ended(from, n).as_ptr()) } else { halves(from) }
                }
            }
        }

        impl Stored for Blocks {
            fn row_bytes(width: usize) -> usize {
                width / GROUP * BlockQ8_0::BYTES
            }

            #[target_feature(enable = $features)]
            #[inline]
            unsafe fn load(row: *const u8, at: usize, _n: usize) -> V {
                // SAFETY: a row is whole blocks, so it has all of the register's values.
                unsafe {
                    let block = row.add(at / GROUP * BlockQ8_0::BYTES);
                    let d = crate::model::kernels::x86::halves::widen_one(block.cast::<u16>().read_unaligned());
                    mul(bytes(block.add(size_of::<u16>() + at % GROUP).cast()), splat(d))
                }
            }
        }

        /// Fetches ahead the block of rows behind this one: keys and values are two streams that take turns, which the
        /// hardware takes up anew each time.
        fn fetch_next<S: Stored>(shape: FewRows, rows: *const u8) {
            let n_bytes = shape.n_keys * S::row_bytes(shape.width);
            crate::model::kernels::x86::fetch(rows.wrapping_add(n_bytes), n_bytes);
        }

        /// # Safety
        /// The processor has the features; else as [`crate::model::kernels::KernelSet::score`] checks.
        #[target_feature(enable = $features)]
        unsafe fn score(q: &[f32], shape: FewRows, rows: CachedRows, scores: &mut [f32]) {
            // SAFETY: as the caller says.
            unsafe {
                match rows {
                    CachedRows::F32(x) => score_of::<Floats>(q, shape, x.as_ptr().cast(), scores),
                    CachedRows::F16(x) => score_of::<Halves>(q, shape, x.as_ptr().cast(), scores),
                    CachedRows::Q8_0(x) => score_of::<Blocks>(q, shape, x.as_ptr(), scores),
                }
            }
        }

        #[target_feature(enable = $features)]
        #[inline]
        unsafe fn score_of<S: Stored>(q: &[f32], shape: FewRows, rows: *const u8, scores: &mut [f32]) {
            let mut r = 0;
            while r < shape.n {
                if r == 0 {
                    fetch_next::<S>(shape, rows);
                }
                // SAFETY: queries from r on, and their scores.
                r += unsafe {
                    let (q, scores) = (q.as_ptr().add(r * shape.stride), scores.as_mut_ptr().add(r * KEYS));
                    match shape.n - r {
                        4.. => score_some::<S, 4, { W / 4 }>(q, shape, rows, scores),
                        2.. => score_some::<S, 2, { W / 2 }>(q, shape, rows, scores),
                        _ => score_some::<S, 1, W>(q, shape, rows, scores),
                    }
                };
            }
        }

        /// `R` queries by all keys, `K` at a time: as many sums as a register has lanes. How many queries those were.
        #[target_feature(enable = $features)]
        #[inline]
        unsafe fn score_some<S: Stored, const R: usize, const K: usize>(
            q: *const f32,
            shape: FewRows,
            rows: *const u8,
            scores: *mut f32,
        ) -> usize {
            let row_bytes = S::row_bytes(shape.width);
            for first in (0..shape.n_keys).step_by(K) {
                // The last keys again where fewer are left: their scores are not stored.
                // SAFETY: keys below n_keys.
                let keys: [*const u8; K] = std::array::from_fn(|k| unsafe { rows.add((first + k).min(shape.n_keys - 1) * row_bytes) });
                let mut sums_of = [[zero(); K]; R];
                let whole = shape.dim / W * W;
                // SAFETY: values of the row from `at` on; queries are filled up to whole registers.
                let mut step = |at: usize, n: usize| unsafe {
                    for k in 0..K {
                        let key = S::load(keys[k], at, n);
                        for r in 0..R {
                            sums_of[r][k] = fma(floats(q.add(r * shape.stride + at)), key, sums_of[r][k]);
                        }
                    }
                };
                (0..whole).step_by(W).for_each(|at| step(at, W));
                if whole < shape.dim {
                    step(whole, shape.dim - whole);
                }
                let mut found = [0.0f32; W];
                // SAFETY: R times K registers are W; each query has room for the scores of n_keys keys.
                unsafe {
                    store(found.as_mut_ptr(), sums(sums_of.as_ptr().cast()));
                    for (r, found) in found.chunks_exact(K).enumerate() {
                        let n = (shape.n_keys - first).min(K);
                        std::ptr::copy_nonoverlapping(found.as_ptr(), scores.add(r * KEYS + first), n);
                    }
                }
            }
            R
        }

        /// # Safety
        /// As for [`score`].
        #[target_feature(enable = $features)]
        unsafe fn weigh(weights: &[f32], shape: FewRows, rows: CachedRows, out: &mut [f32]) {
            // SAFETY: as the caller says.
            unsafe {
                match rows {
                    CachedRows::F32(x) => weigh_of::<Floats>(weights, shape, x.as_ptr().cast(), out),
                    CachedRows::F16(x) => weigh_of::<Halves>(weights, shape, x.as_ptr().cast(), out),
                    CachedRows::Q8_0(x) => weigh_of::<Blocks>(weights, shape, x.as_ptr(), out),
                }
            }
        }

        #[target_feature(enable = $features)]
        #[inline]
        unsafe fn weigh_of<S: Stored>(weights: &[f32], shape: FewRows, rows: *const u8, out: &mut [f32]) {
            let mut r = 0;
            while r < shape.n {
                if r == 0 {
                    fetch_next::<S>(shape, rows);
                }
                // SAFETY: rows of the output from r on, and their weights.
                r += unsafe {
                    let (weights, out) = (weights.as_ptr().add(r * KEYS), out.as_mut_ptr().add(r * shape.stride));
                    match shape.n - r {
                        4.. => weigh_some::<S, 4>(weights, shape, rows, out),
                        2.. => weigh_some::<S, 2>(weights, shape, rows, out),
                        _ => weigh_some::<S, 1>(weights, shape, rows, out),
                    }
                };
            }
        }

        #[target_feature(enable = $features)]
        #[inline]
        unsafe fn weigh_some<S: Stored, const R: usize>(weights: *const f32, shape: FewRows, rows: *const u8, out: *mut f32) -> usize {
            let mut at = 0;
            while at < shape.dim {
                // SAFETY: values from `at` on; rows of the output are filled up to whole registers.
                at += unsafe {
                    let out = out.add(at);
                    match (shape.dim - at) / W {
                        4.. => weigh_part::<S, R, 4>(weights, shape, rows, (at, W), out),
                        2.. => weigh_part::<S, R, 2>(weights, shape, rows, (at, W), out),
                        1 => weigh_part::<S, R, 1>(weights, shape, rows, (at, W), out),
                        _ => weigh_part::<S, R, 1>(weights, shape, rows, (at, shape.dim - at), out),
                    }
                };
            }
            R
        }

        /// `N` registers of `R` rows of the output, the values from `at` on, `each` to a register. How many values there is
        /// room for in them.
        #[target_feature(enable = $features)]
        #[inline]
        unsafe fn weigh_part<S: Stored, const R: usize, const N: usize>(
            weights: *const f32,
            shape: FewRows,
            rows: *const u8,
            (at, each): (usize, usize),
            out: *mut f32,
        ) -> usize {
            let row_bytes = S::row_bytes(shape.width);
            // SAFETY: as the callers have seen to it.
            unsafe {
                let mut sums: [[V; N]; R] = std::array::from_fn(|r| std::array::from_fn(|n| floats(out.add(r * shape.stride + n * W))));
                for j in 0..shape.n_keys {
                    let row = rows.add(j * row_bytes);
                    let values: [V; N] = std::array::from_fn(|n| S::load(row, at + n * W, each));
                    for r in 0..R {
                        let weight = splat(*weights.add(r * KEYS + j));
                        for n in 0..N {
                            sums[r][n] = fma(weight, values[n], sums[r][n]);
                        }
                    }
                }
                for (r, sums) in sums.into_iter().enumerate() {
                    for (n, sum) in sums.into_iter().enumerate() {
                        store(out.add(r * shape.stride + n * W), sum);
                    }
                }
            }
            N * W
        }
    };
}
pub(super) use {cached, primitives};
