//! Products of weights and activations, shared out over the pool.

use super::activations::{Activations, SMALL_BATCH};
use super::buffer::Shared;
use super::compute::Compute;
use super::curves::Curve;
use super::set::{DotRows, KernelSet, PANEL_ROWS, PanelRows, Scratch, TileView};
use super::wide::{self, Wide};
use super::work::Work;
use crate::quant::GgmlType;
use std::ops::Range;

/// Bytes of weights to a claim of a thread: enough to stream, little enough that the threads end together.
const CHUNK_BYTES: usize = 64 * 1024;

/// A matrix as it lies in the file: `n_rows` rows of `k` values.
#[derive(Clone, Copy)]
pub struct WeightRows<'a> {
    ty: GgmlType,
    bytes: &'a [u8],
    k: usize,
    row_bytes: usize,
    n_rows: usize,
}

impl<'a> WeightRows<'a> {
    /// None where the bytes are not exactly `n_rows` rows of `k` values.
    pub fn new(ty: GgmlType, bytes: &'a [u8], k: usize, n_rows: usize) -> Option<Self> {
        let row_bytes = ty.row_bytes(k)?;
        (row_bytes.checked_mul(n_rows)? == bytes.len() && k > 0).then_some(Self { ty, bytes, k, row_bytes, n_rows })
    }

    pub fn ty(&self) -> GgmlType {
        self.ty
    }

    pub fn k(&self) -> usize {
        self.k
    }

    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Some of the rows: an expert's, or one for a look-up.
    pub fn rows(&self, range: Range<usize>) -> Option<Self> {
        let bytes = self.bytes.get(range.start * self.row_bytes..range.end * self.row_bytes)?;
        Some(Self { bytes, n_rows: range.len(), ..*self })
    }

    pub(super) fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    pub(super) fn slice(&self, rows: &Range<usize>) -> &'a [u8] {
        &self.bytes[rows.start * self.row_bytes..rows.end * self.row_bytes]
    }
}

/// One matrix of a [`Compute::linear`], or two of one shape.
#[derive(Clone)]
pub struct Linear<'a> {
    pub weights: WeightRows<'a>,
    /// If set, the results are multiplied by what `by` makes of gate x: [`Curve::Silu`] or [`Curve::Gelu`].
    pub gate: Option<WeightRows<'a>>,
    pub by: Curve,
    /// Where in a row of the output the results begin.
    pub column: usize,
    pub bias: Option<&'a [f32]>,
    /// Add to what is there (a residual) instead of replacing it.
    pub add: bool,
    /// The rows of activations to multiply: row `rows.start` gives the first row of the output.
    pub rows: Range<usize>,
}

impl<'a> Linear<'a> {
    /// All rows of activations, into columns from 0 on.
    pub fn new(weights: WeightRows<'a>, x: &Activations) -> Self {
        Self { weights, gate: None, by: Curve::Silu, column: 0, bias: None, add: false, rows: 0..x.n_rows() }
    }

    pub fn gated(self, gate: WeightRows<'a>) -> Self {
        Self { gate: Some(gate), ..self }
    }

    pub fn at_column(self, column: usize) -> Self {
        Self { column, ..self }
    }

    pub fn with_bias(self, bias: Option<&'a [f32]>) -> Self {
        Self { bias, ..self }
    }

    pub fn adding(self) -> Self {
        Self { add: true, ..self }
    }

    pub fn of_rows(self, rows: Range<usize>) -> Self {
        Self { rows, ..self }
    }

    /// The shape of it all is sound: what a part may index, and that parts do not write to the same place.
    fn check(&self, x: &Activations, begins: usize, n_out: usize, stride: usize) {
        let (n, m) = (self.weights.n_rows, self.rows.len());
        assert!(self.weights.k == x.k && self.rows.end <= x.m, "{} values by {} rows were prepared", x.k, x.m);
        assert!(self.gate.is_none_or(|g| g.k == self.weights.k && g.n_rows == n), "gate and up have one shape");
        assert!(self.bias.is_none_or(|b| b.len() == n), "a bias has a value for each row");
        assert!(self.column >= begins, "parts are given in the order of their columns and do not overlap");
        assert!(m <= 1 || self.column + n <= stride, "columns end within a row of the output");
        assert!(m == 0 || (m - 1) * stride + self.column + n <= n_out, "results end within the output");
    }

    fn work(&self, set: &KernelSet, m: usize) -> Work {
        let mut work = Work::default();
        for weights in std::iter::once(&self.weights).chain(&self.gate) {
            let n_ops = 2 * (weights.n_rows * weights.k * self.rows.len()) as u64;
            let is_float = matches!(weights.ty, GgmlType::F32 | GgmlType::F16 | GgmlType::BF16);
            work.weight_bytes += weights.bytes.len() as u64;
            *match set.wide(weights.ty, m) {
                Some(_) => &mut work.n_bf16_ops,
                None if is_float => &mut work.n_float_ops,
                None => &mut work.n_ops,
            } += n_ops;
        }
        work
    }

    /// Rows of weights to a chunk.
    fn chunk_rows(&self, compute: &Compute, m: usize) -> usize {
        if let Some(wide) = self.wide(compute.set(), m) {
            return wide.chunk_rows(self.weights.n_rows, self.gate.is_some(), compute.n_threads());
        }
        if self.panels(compute.set(), m).is_some() {
            return PANEL_ROWS;
        }
        let bytes = self.weights.row_bytes + self.gate.map_or(0, |g| g.row_bytes);
        (CHUNK_BYTES / bytes).max(1)
    }

    /// The panel kernels, where the rows are many and all types have one.
    fn panels(&self, set: &KernelSet, m: usize) -> Option<(PanelRows, Option<PanelRows>)> {
        let has_unit = |w: WeightRows| set.wide(w.ty, m).is_some();
        if self.rows.len() <= SMALL_BATCH || self.rows.start > 0 || has_unit(self.weights) || self.gate.is_some_and(has_unit) {
            return None;
        }
        let weights = (set.panel_rows)(self.weights.ty)?;
        match self.gate {
            Some(gate) => Some((weights, Some((set.panel_rows)(gate.ty)?))),
            None => Some((weights, None)),
        }
    }

    /// The unit for many rows, where it multiplies all that there is.
    fn wide<'s>(&self, set: &'s KernelSet, m: usize) -> Option<&'s Wide> {
        let fits = self.rows == (0..m) && self.gate.is_none_or(|gate| set.wide(gate.ty, m).is_some());
        set.wide(self.weights.ty, m).filter(|_| fits)
    }
}

impl Compute {
    /// Multiplies prepared activations by several weights in one region. Row `t` of the activations gives a part's
    /// results at `out[(t - rows.start) * stride + column..]`. Parts come in the order of their columns.
    pub fn linear(&self, x: &Activations, parts: &[Linear], out: &mut [f32], stride: usize) {
        let (mut begins, mut n_chunks) = (0, 0);
        for part in parts {
            part.check(x, begins, out.len(), stride);
            self.count(part.work(self.set(), x.m));
            begins = part.column + part.weights.n_rows;
            n_chunks += part.weights.n_rows.div_ceil(part.chunk_rows(self, x.m));
        }
        let out = Shared::new(out);
        self.run(n_chunks, |chunk, scratch| {
            let mut left = chunk;
            for part in parts {
                let each = part.chunk_rows(self, x.m);
                let here = part.weights.n_rows.div_ceil(each);
                if left < here {
                    let rows = left * each..((left + 1) * each).min(part.weights.n_rows);
                    return chunk_of(self.set(), x, part, rows, scratch, out, stride);
                }
                left -= here;
            }
        });
    }
}

/// Some rows of one part: products, gate, bias, and out.
fn chunk_of(set: &KernelSet, x: &Activations, part: &Linear, rows: Range<usize>, scratch: &mut Scratch, out: Shared<f32>, stride: usize) {
    let (n, m) = (rows.len(), part.rows.len());
    let end = End { set, part, rows: &rows, out, stride };
    if let Some(wide) = part.wide(set, x.m) {
        return wide::chunk(wide, x, (part.weights, part.gate), &rows, scratch, |tokens, results, gate, each| {
            end.finish(tokens, results, gate, each);
        });
    }
    let each = if let Some((weights, gate)) = part.panels(set, x.m) {
        if let (Some(kernel), Some(gate)) = (gate, part.gate) {
            panel(kernel, set, x, gate, &rows, scratch);
            std::mem::swap(&mut scratch.acc, &mut scratch.gate);
        }
        panel(weights, set, x, part.weights, &rows, scratch);
        std::mem::swap(&mut scratch.acc, &mut scratch.out);
        PANEL_ROWS
    } else {
        if let Some(gate) = part.gate {
            dots(set, x, gate, part, &rows, scratch);
            std::mem::swap(&mut scratch.out, &mut scratch.gate);
        }
        dots(set, x, part.weights, part, &rows, scratch);
        n
    };
    let Scratch { out: results, gate, .. } = scratch;
    let gate = part.gate.map(|_| &mut gate[..m * each]);
    end.finish(0..m, &mut results[..m * each], gate, each);
}

/// Where the products of some rows of a part go.
struct End<'a> {
    set: &'a KernelSet,
    part: &'a Linear<'a>,
    rows: &'a Range<usize>,
    out: Shared<f32>,
    stride: usize,
}

impl End<'_> {
    /// Gate, bias and out, for some tokens: `results` and `gate` are [tokens][each].
    fn finish(&self, tokens: Range<usize>, results: &mut [f32], gate: Option<&mut [f32]>, each: usize) {
        let (part, n) = (self.part, self.rows.len());
        let results = match gate {
            Some(gate) => {
                self.set.gate(part.by, gate, results);
                gate
            }
            None => results,
        };
        for (t, results) in tokens.zip(results.chunks_exact_mut(each)) {
            let results = &mut results[..n];
            if let Some(bias) = part.bias {
                results.iter_mut().zip(&bias[self.rows.clone()]).for_each(|(r, b)| *r += b);
            }
            // SAFETY: `check` has seen that parts lie apart and rows of the output too; a chunk has its rows alone.
            let out = unsafe { self.out.slice(t * self.stride + part.column + self.rows.start, n) };
            if part.add {
                out.iter_mut().zip(results).for_each(|(out, r)| *out += *r);
            } else {
                out.copy_from_slice(results);
            }
        }
    }
}

/// Products with all tiles of activations, into `scratch.acc`.
fn panel(kernel: PanelRows, set: &KernelSet, x: &Activations, w: WeightRows, rows: &Range<usize>, scratch: &mut Scratch) {
    let format = set.format(w.ty, x.m).expect("a type with a kernel has a format");
    let view = TileView { tiles: x.tiles(format), k: x.k, m: x.m };
    scratch.acc.resize(x.m.next_multiple_of(set.tile) * PANEL_ROWS);
    // SAFETY: the set's functions fit this processor; the bytes are whole rows, and the tiles were filled.
    unsafe { kernel(w.slice(rows), w.row_bytes, &view, scratch) };
}

/// Products by rows, a small batch at a time, into `scratch.out`, [m][rows].
fn dots(set: &KernelSet, x: &Activations, w: WeightRows, part: &Linear, rows: &Range<usize>, scratch: &mut Scratch) {
    if let Some(wide) = set.wide(w.ty, x.m) {
        return wide::apart(wide, x, w, &part.rows, rows, scratch);
    }
    let kernel: DotRows = (set.dot_rows)(w.ty).unwrap_or_else(|| panic!("{} cannot be multiplied", w.ty));
    let format = set.format(w.ty, x.m).expect("a type with a kernel has a format");
    let mut out = std::mem::take(&mut scratch.out);
    out.resize(part.rows.len() * rows.len());
    for (i, out) in out.chunks_mut(SMALL_BATCH * rows.len()).enumerate() {
        let m = out.len() / rows.len();
        let operand = x.operand(format, part.rows.start + i * SMALL_BATCH, m);
        // SAFETY: the set's functions fit this processor; the bytes are whole rows, `out` has m values for each.
        unsafe { kernel(w.slice(rows), w.row_bytes, operand, out, scratch) };
    }
    scratch.out = out;
}
