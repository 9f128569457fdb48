//! Sums of products of signed bytes: all that the tiers differ in.
//!
//! A *tile* is eight rows of weights by four tokens, eight registers of sums. Which sums stand in which register is the
//! tier's choice, and numbers that belong to rows or tokens are laid out to match.

use std::arch::aarch64::*;
use std::arch::asm;

/// Weight rows to a tile.
pub(super) const ROWS: usize = 8;
/// Tokens to a tile.
pub(super) const TOKENS: usize = 4;
/// Values of a row that are taken at once: a register of bytes.
pub(super) const STEP: usize = 16;

/// Eight registers, of a tile's sums or of what belongs to them.
pub(super) type Tile<T> = [T; 8];

/// How a tier multiplies.
pub(super) trait Products {
    /// `sums` and 16 products, added up to the lanes in some order. Of two products of neighbours the magnitudes must add
    /// up to less than 2^15: `b` is never -128.
    ///
    /// # Safety
    /// The processor has the tier's instructions.
    unsafe fn add(sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t;

    /// Lays 16 values of eight rows into a panel as [`Self::add_tile`] reads them.
    ///
    /// # Safety
    /// `to` points to 128 writable bytes.
    unsafe fn lay(rows: [int8x16_t; ROWS], to: *mut i8);

    /// A tile's sums and the products of 16 values; no activation is -128.
    ///
    /// # Safety
    /// As for `add`; `panel` points to 128 readable bytes that `lay` wrote, `tokens` to 64, `[4][tokens][4]`.
    unsafe fn add_tile(sums: &mut Tile<int32x4_t>, panel: *const i8, tokens: *const i8);

    /// Numbers of the rows, as they stand beside a tile's sums.
    ///
    /// # Safety
    /// As for `add`.
    unsafe fn by_rows(rows: [float32x4_t; 2]) -> Tile<float32x4_t>;

    /// Numbers of the tokens, as they stand beside a tile's sums.
    ///
    /// # Safety
    /// As for `add`.
    unsafe fn by_tokens(tokens: float32x4_t) -> Tile<float32x4_t>;

    /// The sums of each token, by rows.
    ///
    /// # Safety
    /// As for `add`.
    unsafe fn columns(sums: Tile<float32x4_t>) -> [[float32x4_t; 2]; TOKENS];
}

/// What every processor has: products of 16 bits, added up by pairs.
pub(super) struct Neon;

/// Four products to a lane at once.
pub(super) struct Dotprod;

/// Products of two rows by two tokens, eight values each, beside those of [`Dotprod`].
pub(super) struct I8mm;

/// Four rows of one token to a register: sums `4 * half of the rows + token`.
mod by_row {
    use super::*;

    /// # Safety
    /// `to` points to 128 writable bytes.
    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) unsafe fn lay(rows: [int8x16_t; ROWS], to: *mut i8) {
        for half in 0..2 {
            let columns = turn(std::array::from_fn(|r| vreinterpretq_f32_s8(rows[4 * half + r])));
            for (i, column) in columns.into_iter().enumerate() {
                // SAFETY: four steps of eight times four bytes.
                unsafe { vst1q_s8(to.add((2 * i + half) * STEP), vreinterpretq_s8_f32(column)) };
            }
        }
    }

    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) fn by_rows(rows: [float32x4_t; 2]) -> Tile<float32x4_t> {
        std::array::from_fn(|i| rows[i / TOKENS])
    }

    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) fn by_tokens(tokens: float32x4_t) -> Tile<float32x4_t> {
        let each = [vdupq_laneq_f32::<0>(tokens), vdupq_laneq_f32::<1>(tokens), vdupq_laneq_f32::<2>(tokens), vdupq_laneq_f32::<3>(tokens)];
        std::array::from_fn(|i| each[i % TOKENS])
    }

    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) fn columns(sums: Tile<float32x4_t>) -> [[float32x4_t; 2]; TOKENS] {
        std::array::from_fn(|t| [sums[t], sums[TOKENS + t]])
    }
}

/// The transpose of four words by four.
#[target_feature(enable = "neon")]
#[inline]
pub(super) fn turn(rows: [float32x4_t; 4]) -> [float32x4_t; 4] {
    let [a, b, c, d] = rows;
    let pairs = [vtrn1q_f32(a, b), vtrn2q_f32(a, b), vtrn1q_f32(c, d), vtrn2q_f32(c, d)].map(|pair| vreinterpretq_f64_f32(pair));
    let columns =
        [vzip1q_f64(pairs[0], pairs[2]), vzip1q_f64(pairs[1], pairs[3]), vzip2q_f64(pairs[0], pairs[2]), vzip2q_f64(pairs[1], pairs[3])];
    columns.map(|column| vreinterpretq_f32_f64(column))
}

impl Products for Neon {
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn add(sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
        vpadalq_s16(sums, vmlal_high_s8(vmull_s8(vget_low_s8(a), vget_low_s8(b)), a, b))
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn lay(rows: [int8x16_t; ROWS], to: *mut i8) {
        // SAFETY: as the caller says.
        unsafe { by_row::lay(rows, to) };
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn add_tile(sums: &mut Tile<int32x4_t>, panel: *const i8, tokens: *const i8) {
        for step in 0..STEP / 4 {
            // SAFETY: four steps of 32 and of 16 bytes.
            let (rows, y) = unsafe {
                let at = panel.add(step * ROWS * 4);
                ([vld1q_s8(at), vld1q_s8(at.add(STEP))], vreinterpretq_s32_s8(vld1q_s8(tokens.add(step * STEP))))
            };
            let each = [vdupq_laneq_s32::<0>(y), vdupq_laneq_s32::<1>(y), vdupq_laneq_s32::<2>(y), vdupq_laneq_s32::<3>(y)];
            for (i, sum) in sums.iter_mut().enumerate() {
                let (w, y) = (rows[i / TOKENS], vreinterpretq_s8_s32(each[i % TOKENS]));
                // Two products of a row stand side by side: a pair's sum goes with the next one's to the row's lane.
                let pairs = vpaddq_s16(vmull_s8(vget_low_s8(w), vget_low_s8(y)), vmull_high_s8(w, y));
                *sum = vpadalq_s16(*sum, pairs);
            }
        }
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn by_rows(rows: [float32x4_t; 2]) -> Tile<float32x4_t> {
        by_row::by_rows(rows)
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn by_tokens(tokens: float32x4_t) -> Tile<float32x4_t> {
        by_row::by_tokens(tokens)
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn columns(sums: Tile<float32x4_t>) -> [[float32x4_t; 2]; TOKENS] {
        by_row::columns(sums)
    }
}

/// One instruction `sums += a b` that the compiler has no stable function for. The directive lets the assembler take it in
/// a function that is compiled for any processor.
macro_rules! multiply {
    ($extension:literal, $instruction:literal, $sums:expr, $a:expr, $b:expr) => {{
        let mut sums: int32x4_t = $sums;
        asm!(
            concat!(".arch_extension ", $extension),
            $instruction,
            sums = inout(vreg) sums,
            a = in(vreg) $a,
            b = in(vreg) $b,
            options(pure, nomem, nostack, preserves_flags)
        );
        sums
    }};
}

impl Products for Dotprod {
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn add(sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
        // SAFETY: as the caller says; registers alone are touched.
        unsafe { multiply!("dotprod", "sdot {sums:v}.4s, {a:v}.16b, {b:v}.16b", sums, a, b) }
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn lay(rows: [int8x16_t; ROWS], to: *mut i8) {
        // SAFETY: as the caller says.
        unsafe { by_row::lay(rows, to) };
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn add_tile(sums: &mut Tile<int32x4_t>, panel: *const i8, tokens: *const i8) {
        for step in 0..STEP / 4 {
            // SAFETY: four steps of 32 and of 16 bytes; then as the caller says, and registers alone are touched.
            unsafe {
                let at = panel.add(step * ROWS * 4);
                let y = vld1q_s8(tokens.add(step * STEP));
                for half in 0..2 {
                    let w = vld1q_s8(at.add(half * STEP));
                    let sums = &mut sums[half * TOKENS..][..TOKENS];
                    sums[0] = multiply!("dotprod", "sdot {sums:v}.4s, {a:v}.16b, {b:v}.4b[0]", sums[0], w, y);
                    sums[1] = multiply!("dotprod", "sdot {sums:v}.4s, {a:v}.16b, {b:v}.4b[1]", sums[1], w, y);
                    sums[2] = multiply!("dotprod", "sdot {sums:v}.4s, {a:v}.16b, {b:v}.4b[2]", sums[2], w, y);
                    sums[3] = multiply!("dotprod", "sdot {sums:v}.4s, {a:v}.16b, {b:v}.4b[3]", sums[3], w, y);
                }
            }
        }
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn by_rows(rows: [float32x4_t; 2]) -> Tile<float32x4_t> {
        by_row::by_rows(rows)
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn by_tokens(tokens: float32x4_t) -> Tile<float32x4_t> {
        by_row::by_tokens(tokens)
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn columns(sums: Tile<float32x4_t>) -> [[float32x4_t; 2]; TOKENS] {
        by_row::columns(sums)
    }
}

impl I8mm {
    /// `sums` and the products of eight values of two rows by two rows: `[a0 b0, a0 b1, a1 b0, a1 b1]`.
    ///
    /// # Safety
    /// The processor has the tier's instructions.
    #[target_feature(enable = "neon")]
    #[inline]
    pub(super) unsafe fn add_two_by_two(sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
        // SAFETY: as the caller says; registers alone are touched.
        unsafe { multiply!("i8mm", "smmla {sums:v}.4s, {a:v}.16b, {b:v}.16b", sums, a, b) }
    }
}

/// Two rows by two tokens to a register: sums `2 * pair of rows + pair of tokens`.
impl Products for I8mm {
    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn add(sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
        // SAFETY: as the caller says: who has these instructions has those.
        unsafe { Dotprod::add(sums, a, b) }
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn lay(rows: [int8x16_t; ROWS], to: *mut i8) {
        for pair in 0..ROWS / 2 {
            let [a, b] = [rows[2 * pair], rows[2 * pair + 1]].map(|row| vreinterpretq_s64_s8(row));
            // SAFETY: two steps of four pairs.
            unsafe {
                vst1q_s8(to.add(pair * STEP), vreinterpretq_s8_s64(vzip1q_s64(a, b)));
                vst1q_s8(to.add((ROWS / 2 + pair) * STEP), vreinterpretq_s8_s64(vzip2q_s64(a, b)));
            }
        }
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn add_tile(sums: &mut Tile<int32x4_t>, panel: *const i8, tokens: *const i8) {
        for step in 0..STEP / 8 {
            // SAFETY: two steps of 64 and of 32 bytes; then as the caller says.
            unsafe {
                // Four values of each token, and the next four: eight of two tokens in each register.
                let at = tokens.add(2 * step * STEP);
                let (a, b) = (vreinterpretq_s32_s8(vld1q_s8(at)), vreinterpretq_s32_s8(vld1q_s8(at.add(STEP))));
                let (first, second) = (vreinterpretq_s8_s32(vzip1q_s32(a, b)), vreinterpretq_s8_s32(vzip2q_s32(a, b)));
                for pair in 0..ROWS / 2 {
                    let w = vld1q_s8(panel.add((step * ROWS / 2 + pair) * STEP));
                    let sums = &mut sums[2 * pair..][..2];
                    sums[0] = Self::add_two_by_two(sums[0], w, first);
                    sums[1] = Self::add_two_by_two(sums[1], w, second);
                }
            }
        }
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn by_rows(rows: [float32x4_t; 2]) -> Tile<float32x4_t> {
        let pairs =
            [vzip1q_f32(rows[0], rows[0]), vzip2q_f32(rows[0], rows[0]), vzip1q_f32(rows[1], rows[1]), vzip2q_f32(rows[1], rows[1])];
        std::array::from_fn(|i| pairs[i / 2])
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn by_tokens(tokens: float32x4_t) -> Tile<float32x4_t> {
        let tokens = vreinterpretq_f64_f32(tokens);
        let pairs = [vdupq_laneq_f64::<0>(tokens), vdupq_laneq_f64::<1>(tokens)].map(|pair| vreinterpretq_f32_f64(pair));
        std::array::from_fn(|i| pairs[i % 2])
    }

    #[target_feature(enable = "neon")]
    #[inline]
    unsafe fn columns(sums: Tile<float32x4_t>) -> [[float32x4_t; 2]; TOKENS] {
        std::array::from_fn(|t| {
            std::array::from_fn(|half| {
                let (a, b) = (sums[4 * half + t / 2], sums[4 * half + 2 + t / 2]);
                if t % 2 == 0 { vuzp1q_f32(a, b) } else { vuzp2q_f32(a, b) }
            })
        })
    }
}
