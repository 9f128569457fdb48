//! The table of functions of one tier, and the safe door to it.

use super::activations::{Format, GROUP, LANE, Operand, SUM_16, SUPER, Tiles};
use super::attention::{CachedRows, KEYS};
use super::buffer::Aligned;
use super::curves::Curve;
use super::states::StateFns;
use super::tier::Tier;
use super::wide::Wide;
use crate::quant::{Block, BlockQ8_0, GgmlType};
use std::ops::Range;

/// Rows of weights that a panel kernel takes at once.
pub(crate) const PANEL_ROWS: usize = 16;

/// Rows and columns of the blocks that are transposed.
pub(crate) const BLOCK: usize = 16;

/// Products of weight rows with up to [`super::SMALL_BATCH`] rows of activations: `weights` holds whole rows of
/// `row_bytes`, `out` is [m][rows].
pub(crate) type DotRows = unsafe fn(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], scratch: &mut Scratch);

/// Folds a row of integers, as [`super::activations::Rows`] says: `folded` is as long as `quants`, `lanes` has one for eight
/// of them.
pub(crate) type Fold = unsafe fn(quants: &[i8], folded: &mut [i8], lanes: &mut [i32]);

/// Products of up to [`PANEL_ROWS`] weight rows with all tiles of activations, into `scratch.acc`, [tokens][16].
pub(crate) type PanelRows = unsafe fn(weights: &[u8], row_bytes: usize, x: &TileView, scratch: &mut Scratch);

/// `c[r][..n] += a[r][..k] * b[..k][..n]`, the product inside attention; `n` is a multiple of 16.
pub(crate) type FloatTile = unsafe fn(a: &[f32], b: &[f32], c: &mut [f32], shape: TileShape);

/// The transpose `out[j][i] = rows[i][j]` of whole blocks of 16 by 16: `n` rows, `width` values to a row, `stride` to a row
/// of the result.
pub(crate) type Turn = unsafe fn(rows: &[f32], n: usize, width: usize, out: &mut [f32], stride: usize);

/// Shapes of a [`FloatTile`]: row strides in values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TileShape {
    pub m: usize,
    pub k: usize,
    pub n: usize,
    pub a_stride: usize,
    pub b_stride: usize,
    pub c_stride: usize,
}

/// What a panel kernel multiplies with.
pub(crate) struct TileView<'a> {
    pub tiles: &'a Tiles,
    pub k: usize,
    pub m: usize,
}

/// One worker's memory.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Unpacked weights.
    pub panel: Aligned<u8>,
    /// Their scales and minima.
    pub scales: Aligned<f32>,
    pub minima: Aligned<i16>,
    /// Sums, [tokens][16].
    pub acc: Aligned<f32>,
    /// Results of a chunk of rows, [m][rows].
    pub out: Aligned<f32>,
    /// The second product of a gated pair.
    pub gate: Aligned<f32>,
    /// Attention's blocks: queries, keys, values, scores.
    pub blocks: [Aligned<f32>; 4],
}

impl Scratch {
    pub(crate) fn bytes(&self) -> usize {
        let floats = [&self.scales, &self.acc, &self.out, &self.gate].into_iter().chain(&self.blocks);
        self.panel.bytes() + self.minima.bytes() + floats.map(Aligned::bytes).sum::<usize>()
    }
}

/// Functions over f32 rows, each as the method of its name on [`KernelSet`] says.
#[allow(clippy::type_complexity)]
pub(crate) struct FloatFns {
    pub dot: unsafe fn(&[f32], &[f32]) -> f32,
    pub axpy: unsafe fn(f32, &[f32], &mut [f32]),
    pub scale: unsafe fn(&mut [f32], f32),
    pub multiply: unsafe fn(&mut [f32], &[f32]),
    pub multiply_add: unsafe fn(&mut [f32], &[f32], &[f32]),
    pub approach: unsafe fn(&mut [f32], &[f32], &[f32]),
    pub curve: unsafe fn(Curve, &mut [f32]),
    pub soften: unsafe fn(&mut [f32], f32, Range<usize>, f32) -> (f32, f32),
    pub max: unsafe fn(&[f32]) -> f32,
    pub exp_sum: unsafe fn(&mut [f32], f32) -> f32,
    pub rms_norm: unsafe fn(&[f32], Option<&[f32]>, f32, &mut [f32]),
    pub silu_mul: unsafe fn(&mut [f32], &[f32]),
    pub rope_norm: unsafe fn(&mut [f32], &[f32], &[f32]),
    pub rope_neox: unsafe fn(&mut [f32], &[f32], &[f32]),
    pub quantize_by_32: unsafe fn(&[f32], &mut [i8], &mut [f32], &mut [i16], &mut [i32], &mut [f32]),
    pub quantize_by_256: unsafe fn(&[f32], &mut [i8], &mut [f32], &mut [i16]),
}

/// Half precision and back.
pub(crate) struct HalfFns {
    pub round: unsafe fn(&mut [f32]),
    pub narrow: unsafe fn(&[f32], &mut [half::f16]),
    pub widen: unsafe fn(&[half::f16], &mut [f32]),
    /// Whole blocks of Q8_0.
    pub widen_blocks: unsafe fn(&[u8], &mut [f32]),
}

/// Attention of few rows by rows of the cache as they lie there; which is the right way only while they are few.
pub(crate) struct CachedFns {
    /// `scores[r * KEYS + j] = q[r] · row j`
    pub score: unsafe fn(q: &[f32], shape: FewRows, rows: CachedRows, scores: &mut [f32]),
    /// `out[r] += the sum over j of weights[r * KEYS + j] * row j`
    pub weigh: unsafe fn(weights: &[f32], shape: FewRows, rows: CachedRows, out: &mut [f32]),
}

/// Shapes of [`CachedFns`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct FewRows {
    /// Rows of queries or of the output, and the values from one to the next: a multiple of 16 that holds `dim`.
    pub n: usize,
    pub stride: usize,
    /// Rows of the cache.
    pub n_keys: usize,
    /// Values of a row that count, and all it has.
    pub dim: usize,
    pub width: usize,
}

/// Which values RoPE turns together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RopePairs {
    /// Neighbours: (2i, 2i + 1).
    Norm,
    /// Halves: (i, i + n / 2).
    Neox,
}

/// One tier's functions. Every one of them is within reach only on a processor that can run it: a set is made by
/// [`super::available`] alone, after looking.
pub struct KernelSet {
    pub(super) tier: Tier,
    pub(super) is_exact: bool,
    pub(super) floats: FloatFns,
    pub(super) states: StateFns,
    pub(super) halves: HalfFns,
    pub(super) dot_rows: fn(GgmlType) -> Option<DotRows>,
    pub(super) panel_rows: fn(GgmlType) -> Option<PanelRows>,
    pub(super) float_tile: FloatTile,
    pub(super) turn: Turn,
    /// None where attention of few rows goes the way of many.
    pub(super) cached: Option<CachedFns>,
    /// Brings few rows to the order in which nibbles are multiplied, where the set does that.
    pub(super) fold: Option<Fold>,
    /// Tokens to a tile of panel kernels; 0 where there are none.
    pub(super) tile: usize,
    /// What multiplies some types by many rows instead.
    pub(super) wide: Option<Wide>,
}

impl KernelSet {
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Whether this is the set behind `--exact`.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Whether some types are multiplied by many rows in bfloat16.
    #[cfg(test)]
    pub fn has_unit(&self) -> bool {
        self.wide.is_some()
    }

    /// Whether weights of a type can be multiplied.
    pub fn multiplies(&self, ty: GgmlType) -> bool {
        (self.dot_rows)(ty).is_some()
    }

    /// What `m` rows of activations become beside weights of a type.
    pub(crate) fn format(&self, ty: GgmlType, m: usize) -> Option<Format> {
        if self.is_exact {
            return ty.partner().map(|_| Format::F32);
        }
        if self.wide(ty, m).is_some() { Some(Format::Wide) } else { Format::of(ty) }
    }

    /// The unit for weights of a type and `m` rows of activations.
    pub(crate) fn wide(&self, ty: GgmlType, m: usize) -> Option<&Wide> {
        self.wide.as_ref().filter(|wide| m >= wide.min_rows && (wide.unpack)(ty).is_some())
    }

    pub(crate) fn tile(&self) -> usize {
        self.tile
    }

    pub fn dot(&self, a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len());
        // SAFETY: the set's functions fit this processor; lengths are equal.
        unsafe { (self.floats.dot)(a, b) }
    }

    /// `y += a * x`
    pub fn axpy(&self, a: f32, x: &[f32], y: &mut [f32]) {
        assert_eq!(x.len(), y.len());
        // SAFETY: as in `dot`.
        unsafe { (self.floats.axpy)(a, x, y) }
    }

    /// `x *= factor`
    pub fn scale(&self, x: &mut [f32], factor: f32) {
        // SAFETY: the set's functions fit this processor.
        unsafe { (self.floats.scale)(x, factor) }
    }

    /// `y *= x`
    pub fn multiply(&self, y: &mut [f32], x: &[f32]) {
        assert_eq!(x.len(), y.len());
        // SAFETY: as in `dot`.
        unsafe { (self.floats.multiply)(y, x) }
    }

    /// `y += a * b`
    pub fn multiply_add(&self, y: &mut [f32], a: &[f32], b: &[f32]) {
        assert!(a.len() == y.len() && b.len() == y.len());
        // SAFETY: as in `dot`.
        unsafe { (self.floats.multiply_add)(y, a, b) }
    }

    /// `y += share * (to - y)`
    pub fn approach(&self, y: &mut [f32], to: &[f32], share: &[f32]) {
        assert!(to.len() == y.len() && share.len() == y.len());
        // SAFETY: as in `dot`.
        unsafe { (self.floats.approach)(y, to, share) }
    }

    /// Each value becomes what the curve makes of it.
    pub fn curve(&self, which: Curve, x: &mut [f32]) {
        // SAFETY: the set's functions fit this processor.
        unsafe { (self.floats.curve)(which, x) }
    }

    /// GELU by the rounding of ggml's CPU path (ggml/src/ggml-cpu/vec.h): input and output in F16, nothing below -10, x above
    /// 10. The exact set rounds nothing.
    pub fn gelu(&self, x: &mut [f32]) {
        const END: f32 = 10.0;
        if self.is_exact {
            return self.curve(Curve::Gelu, x);
        }
        let mut before = [0.0; 16 * BLOCK];
        for x in x.chunks_mut(before.len()) {
            let before = &mut before[..x.len()];
            before.copy_from_slice(x);
            x.iter_mut().for_each(|x| *x = if *x < -END { -END } else { *x });
            // SAFETY: the set's functions fit this processor.
            unsafe { (self.halves.round)(x) };
            self.curve(Curve::Gelu, x);
            // SAFETY: as above.
            unsafe { (self.halves.round)(x) };
            x.iter_mut().zip(before).for_each(|(y, x)| *y = if *x >= END { *x } else { *y });
        }
    }

    /// `gate = curve(gate) * up`, where the curve is that of a feed-forward.
    pub fn gate(&self, by: Curve, gate: &mut [f32], up: &[f32]) {
        match by {
            Curve::Silu => return self.silu_mul(gate, up),
            Curve::Gelu => self.gelu(gate),
            other => self.curve(other, gate),
        }
        self.multiply(gate, up);
    }

    /// Attention's running softmax: scores times `scale` in `seen`, the largest of them and of `before`, and the scores
    /// replaced by e to what they are above it. Gives that largest and the sum.
    pub(crate) fn soften(&self, scores: &mut [f32], scale: f32, seen: Range<usize>, before: f32) -> (f32, f32) {
        assert!(scores.len().is_multiple_of(BLOCK));
        // SAFETY: the set's functions fit this processor.
        unsafe { (self.floats.soften)(scores, scale, seen, before) }
    }

    /// The largest value; minus infinity for none.
    pub fn max(&self, x: &[f32]) -> f32 {
        // SAFETY: the set's functions fit this processor.
        unsafe { (self.floats.max)(x) }
    }

    /// `x = exp(x - shift)`, and the sum of the results.
    pub fn exp_sum(&self, x: &mut [f32], shift: f32) -> f32 {
        // SAFETY: as in `max`.
        unsafe { (self.floats.exp_sum)(x, shift) }
    }

    /// Softmax in place.
    pub fn softmax(&self, x: &mut [f32]) {
        let top = self.max(x);
        let sum = self.exp_sum(x, top);
        x.iter_mut().for_each(|v| *v /= sum);
    }

    /// `out = x / sqrt(mean(x^2) + eps) * weight`: squares in f32, their sum in f64.
    pub fn rms_norm(&self, x: &[f32], weight: Option<&[f32]>, eps: f32, out: &mut [f32]) {
        assert!(x.len() == out.len() && weight.is_none_or(|w| w.len() == x.len()));
        // SAFETY: as in `dot`.
        unsafe { (self.floats.rms_norm)(x, weight, eps, out) }
    }

    /// `gate = silu(gate) * up`, where silu(x) = x / (1 + exp(-x)).
    pub fn silu_mul(&self, gate: &mut [f32], up: &[f32]) {
        assert_eq!(gate.len(), up.len());
        // SAFETY: as in `dot`.
        unsafe { (self.floats.silu_mul)(gate, up) }
    }

    /// Turns the first `2 * cos.len()` values of one head; the rest stays.
    pub fn rope(&self, pairs: RopePairs, head: &mut [f32], cos: &[f32], sin: &[f32]) {
        assert!(cos.len() == sin.len() && 2 * cos.len() <= head.len());
        let turned = &mut head[..2 * cos.len()];
        // SAFETY: as in `dot`; two values for each angle.
        unsafe {
            match pairs {
                RopePairs::Norm => (self.floats.rope_norm)(turned, cos, sin),
                RopePairs::Neox => (self.floats.rope_neox)(turned, cos, sin),
            }
        }
    }

    pub fn to_f16(&self, x: &[f32], out: &mut [half::f16]) {
        assert_eq!(x.len(), out.len());
        // SAFETY: as in `dot`.
        unsafe { (self.halves.narrow)(x, out) }
    }

    pub fn from_f16(&self, x: &[half::f16], out: &mut [f32]) {
        assert_eq!(x.len(), out.len());
        // SAFETY: as in `dot`.
        unsafe { (self.halves.widen)(x, out) }
    }

    /// Blocks of Q8_0 as numbers.
    pub(crate) fn widen_q8_0(&self, x: &[u8], out: &mut [f32]) {
        assert!(x.len() * GROUP == out.len() * BlockQ8_0::BYTES && out.len().is_multiple_of(GROUP));
        // SAFETY: the set's functions fit this processor; there are as many blocks as groups of results.
        unsafe { (self.halves.widen_blocks)(x, out) }
    }

    pub(crate) fn round_f16(&self, x: &[f32], out: &mut [f32]) {
        out.copy_from_slice(x);
        // SAFETY: the set's functions fit this processor.
        unsafe { (self.halves.round)(out) }
    }

    pub(crate) fn round_bf16(&self, x: &[f32], out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = half::bf16::from_f32(*x).to_f32();
        }
    }

    /// Q8_0 and Q8_1: quants, scales, sums, minus the sums of 4, scale times sum.
    pub(crate) fn quantize_by_32(
        &self,
        x: &[f32],
        quants: &mut [i8],
        scales: &mut [f32],
        sums: &mut [i16],
        lanes: &mut [i32],
        weighted: &mut [f32],
    ) {
        let n = x.len() / GROUP;
        assert!(x.len() == n * GROUP && quants.len() == x.len() && lanes.len() == x.len() / LANE);
        assert!(scales.len() == n && sums.len() == n && weighted.len() == n);
        // SAFETY: as in `dot`.
        unsafe {
            (self.floats.quantize_by_32)(x, quants, scales, sums, lanes, weighted);
            (self.halves.round)(scales);
            (self.halves.round)(weighted);
        }
    }

    /// Q8_K: quants, scales, sums of 16.
    pub(crate) fn quantize_by_256(&self, x: &[f32], quants: &mut [i8], scales: &mut [f32], sums: &mut [i16]) {
        let n = x.len() / SUPER;
        assert!(x.len() == n * SUPER && quants.len() == x.len());
        assert!(scales.len() == n && sums.len() == x.len() / SUM_16);
        // SAFETY: as in `dot`.
        unsafe { (self.floats.quantize_by_256)(x, quants, scales, sums) }
    }

    pub(crate) fn float_tile(&self, a: &[f32], b: &[f32], c: &mut [f32], shape: TileShape) {
        let TileShape { m, k, n, a_stride, b_stride, c_stride } = shape;
        assert!(n.is_multiple_of(16) && a_stride >= k && b_stride >= n && c_stride >= n);
        if m == 0 || k == 0 || n == 0 {
            return;
        }
        assert!(a.len() >= (m - 1) * a_stride + k && b.len() >= (k - 1) * b_stride + n && c.len() >= (m - 1) * c_stride + n);
        // SAFETY: as in `dot`; the shapes lie within the slices.
        unsafe { (self.float_tile)(a, b, c, shape) }
    }

    pub(crate) fn turn(&self, rows: &[f32], n: usize, width: usize, out: &mut [f32], stride: usize) {
        assert!(n.is_multiple_of(BLOCK) && width.is_multiple_of(BLOCK) && n <= stride && width > 0);
        assert!(rows.len() >= n * width && out.len() >= (width - 1) * stride + n);
        // SAFETY: as in `dot`; the blocks lie within the slices.
        unsafe { (self.turn)(rows, n, width, out, stride) }
    }

    /// Whether [`KernelSet::score`] and [`KernelSet::weigh`] are there.
    pub(crate) fn reads_cached(&self) -> bool {
        self.cached.is_some()
    }

    /// Scores of few queries, [n][stride], by rows of the cache, [n][KEYS].
    pub(crate) fn score(&self, q: &[f32], shape: FewRows, rows: CachedRows, scores: &mut [f32]) {
        let Some(functions) = self.cached.as_ref().filter(|_| shape.is_some(rows)) else { return };
        assert!(q.len() >= shape.n * shape.stride && scores.len() >= (shape.n - 1) * KEYS + shape.n_keys);
        // SAFETY: the set's functions fit this processor; queries, rows and scores are as many as the shape says.
        unsafe { (functions.score)(q, shape, rows, scores) }
    }

    /// Adds the rows of the cache, weighed by [n][KEYS], to [n][stride].
    pub(crate) fn weigh(&self, weights: &[f32], shape: FewRows, rows: CachedRows, out: &mut [f32]) {
        let Some(functions) = self.cached.as_ref().filter(|_| shape.is_some(rows)) else { return };
        assert!(out.len() >= shape.n * shape.stride && weights.len() >= (shape.n - 1) * KEYS + shape.n_keys);
        // SAFETY: as in `score`.
        unsafe { (functions.weigh)(weights, shape, rows, out) }
    }
}

impl FewRows {
    /// Whether there is anything to do; the shape fits the rows if so.
    fn is_some(&self, rows: CachedRows) -> bool {
        assert!(self.dim <= self.width && self.dim <= self.stride && self.stride.is_multiple_of(BLOCK));
        assert!(self.n_keys <= KEYS && self.n_keys <= rows.n_rows(self.width));
        self.n > 0 && self.n_keys > 0 && self.dim > 0
    }
}
