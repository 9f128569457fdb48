//! Activations in the formats that weights are multiplied with.

use super::buffer::{Aligned, LINE, Shared};
use super::set::KernelSet;
use super::wide::{self, CELL};
use crate::quant::GgmlType;
use crate::sys::pool::Pool;

/// Rows of activations up to which every product sums in the order of a single row.
pub const SMALL_BATCH: usize = 8;

/// Values that share a scale in the two integer formats.
pub(crate) const GROUP: usize = 32;
pub(crate) const SUPER: usize = 256;
/// Values whose sum is kept beside them: in groups of 256, and within a vector's 32-bit lane.
pub(crate) const SUM_16: usize = 16;
pub(crate) const LANE: usize = 4;
/// Values that share a lane where rows are folded.
pub(crate) const FOLDED_LANE: usize = 2 * LANE;

/// What activations are brought to: the partner that llama.cpp gives the weights' type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    F32,
    /// Rounded to half precision, held as f32.
    F16,
    /// Rounded to bfloat16, held as f32.
    Bf16,
    /// Q8_0 and Q8_1: integers with a scale for each 32.
    By32,
    /// Q8_K: integers with a scale for each 256.
    By256,
    /// Rounded to bfloat16 for [`wide`]'s units, in blocks of tokens.
    Wide,
}

/// As many as there are formats.
const N_FORMATS: usize = 6;

impl Format {
    /// None for a type that weights never have.
    pub(crate) fn of(ty: GgmlType) -> Option<Self> {
        Some(match ty.partner()? {
            GgmlType::F32 => Self::F32,
            GgmlType::F16 => Self::F16,
            GgmlType::BF16 => Self::Bf16,
            GgmlType::Q8_0 | GgmlType::Q8_1 => Self::By32,
            GgmlType::Q8K => Self::By256,
            _ => return None,
        })
    }

    /// Values under one scale.
    pub(crate) fn group(self) -> usize {
        match self {
            Self::By32 => GROUP,
            Self::By256 => SUPER,
            Self::F32 | Self::F16 | Self::Bf16 | Self::Wide => 1,
        }
    }

    /// Values whose sum is kept.
    fn summed(self) -> usize {
        if self == Self::By256 { SUM_16 } else { GROUP }
    }

    fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::Bf16)
    }
}

/// The activations of one step, `m` rows of `k` values, in every format its weights ask for. Its buffers grow to the
/// largest step and stay.
#[derive(Default)]
pub struct Activations {
    pub(crate) k: usize,
    pub(crate) m: usize,
    /// Tokens that the set's panel kernels take side by side; 0 where the rows are few or the set has none.
    pub(crate) tile: usize,
    rows: [Rows; N_FORMATS],
}

/// One format's rows; which buffers are in use depends on the format.
pub(crate) struct Rows {
    ready: bool,
    /// Floats, [m][k].
    pub(crate) floats: Aligned<f32>,
    /// Integers, [m][k rounded up to a line].
    pub(crate) quants: Aligned<i8>,
    /// Scales, [m][k / group].
    pub(crate) scales: Aligned<f32>,
    /// Sums of the integers, [m][k / 32], or [m][k / 16] in groups of 256.
    pub(crate) sums: Aligned<i16>,
    /// Groups of 32 only: minus the sums of 4, [m][k / 4], the start of dot products with weights moved to be positive.
    pub(crate) lanes: Aligned<i32>,
    /// Groups of 32 only: scale times sum, through half precision (Q8_1's second number), [m][k / 32].
    pub(crate) weighted: Aligned<f32>,
    /// Groups of 32 only, where a set asks for it and the rows are few: of four groups the first halves, then the second
    /// ones, [m][k rounded up to a line], and minus the sums of the eight that share a lane, [m][k / 8].
    folded: Aligned<i8>,
    folded_lanes: Aligned<i32>,
    pub(crate) tiles: Tiles,
    /// For [`wide`]'s units only: blocks of tokens.
    blocks: Aligned<u16>,
}

/// The same side by side for panel kernels: a tile is `T` tokens, the last one filled up with zeros.
pub(crate) struct Tiles {
    /// [tile][k][T]
    pub(crate) floats: Aligned<f32>,
    /// [tile][k / 4][T][4]
    pub(crate) quants: Aligned<i8>,
    /// [tile][k / group][T]
    pub(crate) scales: Aligned<f32>,
    /// Groups of 32 only: scales times sums, [tile][k / 32][T].
    pub(crate) weighted: Aligned<f32>,
    /// Groups of 256 only: sums of 16, [tile][k / 32][T][2].
    pub(crate) pairs_16: Aligned<i16>,
    /// Groups of 256 only: sums of 32, [tile][k / 64][T][2].
    pub(crate) pairs_32: Aligned<i16>,
    /// Minus the sums, [tile][k / 32][T], or [tile][k / 16][T] in groups of 256: where a dot product begins with weights
    /// that were moved to be positive.
    pub(crate) seeds: Aligned<i32>,
}

/// Up to [`SMALL_BATCH`] neighbouring rows, as a kernel reads them.
#[derive(Clone, Copy)]
pub(crate) struct Operand<'a> {
    rows: &'a Rows,
    pub(crate) k: usize,
    first: usize,
    pub(crate) m: usize,
}

impl<'a> Operand<'a> {
    pub(crate) fn floats(&self, t: usize) -> &'a [f32] {
        &self.rows.floats[(self.first + t) * self.k..][..self.k]
    }

    pub(crate) fn quants(&self, t: usize) -> &'a [i8] {
        &self.rows.quants[(self.first + t) * row_stride(self.k)..][..self.k]
    }

    pub(crate) fn scales(&self, t: usize, group: usize) -> &'a [f32] {
        &self.rows.scales[(self.first + t) * (self.k / group)..][..self.k / group]
    }

    pub(crate) fn sums(&self, t: usize, each: usize) -> &'a [i16] {
        &self.rows.sums[(self.first + t) * (self.k / each)..][..self.k / each]
    }

    #[cfg(target_arch = "x86_64")]
    pub(crate) fn lanes(&self, t: usize) -> &'a [i32] {
        &self.rows.lanes[(self.first + t) * (self.k / LANE)..][..self.k / LANE]
    }

    #[cfg(target_arch = "x86_64")]
    pub(crate) fn folded(&self, t: usize) -> &'a [i8] {
        &self.rows.folded[(self.first + t) * row_stride(self.k)..][..self.k]
    }

    #[cfg(target_arch = "x86_64")]
    pub(crate) fn folded_lanes(&self, t: usize) -> &'a [i32] {
        &self.rows.folded_lanes[(self.first + t) * (self.k / FOLDED_LANE)..][..self.k / FOLDED_LANE]
    }

    pub(crate) fn weighted(&self, t: usize) -> &'a [f32] {
        &self.rows.weighted[(self.first + t) * (self.k / GROUP)..][..self.k / GROUP]
    }
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            ready: false,
            floats: Aligned::new(),
            quants: Aligned::new(),
            scales: Aligned::new(),
            sums: Aligned::new(),
            lanes: Aligned::new(),
            weighted: Aligned::new(),
            folded: Aligned::new(),
            folded_lanes: Aligned::new(),
            tiles: Tiles {
                floats: Aligned::new(),
                quants: Aligned::new(),
                scales: Aligned::new(),
                weighted: Aligned::new(),
                pairs_16: Aligned::new(),
                pairs_32: Aligned::new(),
                seeds: Aligned::new(),
            },
            blocks: Aligned::new(),
        }
    }
}

/// Rows of integers begin on a cache line.
fn row_stride(k: usize) -> usize {
    k.next_multiple_of(LINE)
}

impl Activations {
    pub fn new() -> Self {
        Self::default()
    }

    /// Rows of the step.
    pub fn n_rows(&self) -> usize {
        self.m
    }

    /// Memory held.
    pub fn bytes(&self) -> usize {
        self.rows.iter().map(Rows::bytes).sum()
    }

    /// Rows `first..first + m` in the format of a type, if [`super::Compute::prepare`] was asked for it.
    pub(crate) fn operand(&self, format: Format, first: usize, m: usize) -> Operand<'_> {
        let rows = &self.rows[format as usize];
        assert!(rows.ready, "activations were not prepared for {format:?}");
        assert!(first + m <= self.m, "activation rows {first}..{} of {}", first + m, self.m);
        Operand { rows, k: self.k, first, m }
    }

    pub(crate) fn tiles(&self, format: Format) -> &Tiles {
        &self.rows[format as usize].tiles
    }

    /// Blocks of tokens for [`wide`]'s units.
    pub(crate) fn blocks(&self) -> &[u16] {
        let rows = &self.rows[Format::Wide as usize];
        assert!(rows.ready, "activations were not prepared for wide products");
        &rows.blocks
    }

    /// Brings `m` rows of `x` to the formats that `types` are multiplied with.
    pub(crate) fn fill(&mut self, set: &KernelSet, pool: &Pool, x: &[f32], m: usize, types: &[GgmlType]) {
        assert!(m > 0 && x.len().is_multiple_of(m), "{} values are not {m} rows", x.len());
        (self.k, self.m) = (x.len() / m, m);
        self.tile = if m > SMALL_BATCH { set.tile() } else { 0 };
        self.rows.iter_mut().for_each(|rows| rows.ready = false);
        for ty in types {
            let format = set.format(*ty, m).unwrap_or_else(|| panic!("{ty} is no type of weights"));
            let rows = &mut self.rows[format as usize];
            if !rows.ready {
                assert!(self.k.is_multiple_of(format.group()), "{} values are no whole groups of {format:?}", self.k);
                rows.reserve(format, self.k, m, self.tile, set.fold.is_some());
                rows.fill(format, set, pool, x, self.k, self.tile);
                rows.ready = true;
            }
        }
    }
}

impl Rows {
    fn bytes(&self) -> usize {
        let tiles = &self.tiles;
        let rows = self.floats.bytes() + self.quants.bytes() + self.scales.bytes() + self.sums.bytes();
        let sums = self.lanes.bytes() + self.weighted.bytes() + tiles.seeds.bytes() + self.folded.bytes() + self.folded_lanes.bytes();
        let pairs = tiles.pairs_16.bytes() + tiles.pairs_32.bytes() + tiles.weighted.bytes();
        rows + sums + pairs + self.blocks.bytes() + tiles.floats.bytes() + tiles.quants.bytes() + tiles.scales.bytes()
    }

    fn reserve(&mut self, format: Format, k: usize, m: usize, tile: usize, folds: bool) {
        let n_tokens = if tile == 0 { 0 } else { m.next_multiple_of(tile) };
        let tiles = &mut self.tiles;
        if format == Format::Wide {
            return self.blocks.resize(m.div_ceil(CELL) * wide::block_len(k));
        }
        if format.is_float() {
            self.floats.resize(m * k);
            tiles.floats.resize(n_tokens * k);
            return;
        }
        self.quants.resize(m * row_stride(k));
        self.sums.resize(m * (k / format.summed()));
        self.scales.resize(m * (k / format.group()));
        tiles.quants.resize(n_tokens * k);
        tiles.seeds.resize(n_tokens * (k / format.summed()));
        tiles.scales.resize(n_tokens * (k / format.group()));
        if format == Format::By256 {
            tiles.pairs_16.resize(n_tokens * (k / SUM_16));
            tiles.pairs_32.resize(n_tokens * (k / GROUP));
        } else {
            self.lanes.resize(m * (k / LANE));
            self.weighted.resize(m * (k / GROUP));
            tiles.weighted.resize(n_tokens * (k / GROUP));
            if folds && tile == 0 {
                self.folded.resize(m * row_stride(k));
                self.folded_lanes.resize(m * (k / FOLDED_LANE));
            }
        }
    }

    /// All rows, a tile's worth to a chunk.
    fn fill(&mut self, format: Format, set: &KernelSet, pool: &Pool, x: &[f32], k: usize, tile: usize) {
        let m = x.len() / k.max(1);
        if format == Format::Wide {
            return self.fill_blocks(set, pool, x, k);
        }
        let shared = SharedRows::new(self, format, k);
        let each = if tile == 0 { m } else { tile };
        pool.run(m.div_ceil(each.max(1)), &|chunk, _| {
            let tokens = chunk * each..((chunk + 1) * each).min(m);
            for t in tokens.clone() {
                shared.row(set, &x[t * k..][..k], t);
            }
            if tile > 0 {
                shared.tile(chunk, tokens, tile);
            } else if format == Format::By32 {
                tokens.for_each(|t| shared.fold(set, t));
            }
        });
    }

    /// All rows, a block to a chunk.
    fn fill_blocks(&mut self, set: &KernelSet, pool: &Pool, x: &[f32], k: usize) {
        let wide = set.wide.as_ref().expect("a set with the format has its unit");
        let blocks = Shared::new(&mut self.blocks);
        let len = wide::block_len(k);
        pool.run(x.len().div_ceil(CELL * k), &|block, _| {
            let tokens = x.chunks(CELL * k).nth(block).expect("a block has tokens");
            // SAFETY: each chunk has its own block; the set's functions fit this processor, and the block is as long as
            // rows of k values need.
            unsafe { (wide.pack)(tokens, k, blocks.slice(block * len, len)) };
        });
    }
}

/// The buffers of one format while several threads fill them, each its own rows.
struct SharedRows {
    format: Format,
    k: usize,
    floats: Shared<f32>,
    quants: Shared<i8>,
    scales: Shared<f32>,
    sums: Shared<i16>,
    lanes: Shared<i32>,
    weighted: Shared<f32>,
    folded: Shared<i8>,
    folded_lanes: Shared<i32>,
    tile_floats: Shared<f32>,
    tile_quants: Shared<i8>,
    tile_scales: Shared<f32>,
    tile_weighted: Shared<f32>,
    pairs_16: Shared<i16>,
    pairs_32: Shared<i16>,
    seeds: Shared<i32>,
}

impl SharedRows {
    fn new(rows: &mut Rows, format: Format, k: usize) -> Self {
        let tiles = &mut rows.tiles;
        Self {
            format,
            k,
            floats: Shared::new(&mut rows.floats),
            quants: Shared::new(&mut rows.quants),
            scales: Shared::new(&mut rows.scales),
            sums: Shared::new(&mut rows.sums),
            lanes: Shared::new(&mut rows.lanes),
            weighted: Shared::new(&mut rows.weighted),
            folded: Shared::new(&mut rows.folded),
            folded_lanes: Shared::new(&mut rows.folded_lanes),
            tile_floats: Shared::new(&mut tiles.floats),
            tile_quants: Shared::new(&mut tiles.quants),
            tile_scales: Shared::new(&mut tiles.scales),
            tile_weighted: Shared::new(&mut tiles.weighted),
            pairs_16: Shared::new(&mut tiles.pairs_16),
            pairs_32: Shared::new(&mut tiles.pairs_32),
            seeds: Shared::new(&mut tiles.seeds),
        }
    }

    /// Brings row `t` to the format.
    fn row(&self, set: &KernelSet, x: &[f32], t: usize) {
        let k = self.k;
        // SAFETY: row `t` belongs to one chunk of one region.
        unsafe {
            match self.format {
                Format::Wide => unreachable!("blocks are filled whole"),
                Format::F32 => self.floats.slice(t * k, k).copy_from_slice(x),
                Format::F16 => set.round_f16(x, self.floats.slice(t * k, k)),
                Format::Bf16 => set.round_bf16(x, self.floats.slice(t * k, k)),
                Format::By32 => set.quantize_by_32(
                    x,
                    self.quants.slice(t * row_stride(k), k),
                    self.scales.slice(t * (k / GROUP), k / GROUP),
                    self.sums.slice(t * (k / GROUP), k / GROUP),
                    self.lanes.slice(t * (k / LANE), k / LANE),
                    self.weighted.slice(t * (k / GROUP), k / GROUP),
                ),
                Format::By256 => set.quantize_by_256(
                    x,
                    self.quants.slice(t * row_stride(k), k),
                    self.scales.slice(t * (k / SUPER), k / SUPER),
                    self.sums.slice(t * (k / SUM_16), k / SUM_16),
                ),
            }
        }
    }

    /// Folds row `t`, if the set wants it.
    fn fold(&self, set: &KernelSet, t: usize) {
        let (k, stride) = (self.k, row_stride(self.k));
        if let Some(fold) = set.fold {
            // SAFETY: row `t` belongs to one chunk of one region, which has filled it before; the set's functions fit this
            // processor, and the buffers are as long as rows of k values need.
            unsafe {
                let lanes = self.folded_lanes.slice(t * (k / FOLDED_LANE), k / FOLDED_LANE);
                fold(self.quants.slice(t * stride, k), self.folded.slice(t * stride, k), lanes);
            }
        }
    }

    /// Lays the rows `tokens` side by side as tile number `index`.
    fn tile(&self, index: usize, tokens: std::ops::Range<usize>, tile: usize) {
        let k = self.k;
        let group = self.format.group();
        // SAFETY: tile `index` and its rows belong to one chunk of one region, which has filled the rows before.
        unsafe {
            if self.format.is_float() {
                let out = self.tile_floats.slice(index * tile * k, tile * k);
                weave::<f32, 1>(out, tile, tokens, |t| self.floats.slice(t * k, k));
                return;
            }
            let out = self.tile_quants.slice(index * tile * k, tile * k);
            weave::<i8, LANE>(out, tile, tokens.clone(), |t| self.quants.slice(t * row_stride(k), k));
            let n = k / group;
            let out = self.tile_scales.slice(index * tile * n, tile * n);
            weave::<f32, 1>(out, tile, tokens.clone(), |t| self.scales.slice(t * n, n));
            if self.format == Format::By256 {
                let n = k / SUM_16;
                let out = self.pairs_16.slice(index * tile * n, tile * n);
                weave::<i16, 2>(out, tile, tokens.clone(), |t| self.sums.slice(t * n, n));
                let out = self.pairs_32.slice(index * tile * n / 2, tile * n / 2);
                out.fill(0);
                for (i, t) in tokens.clone().enumerate() {
                    for (j, pair) in self.sums.slice(t * n, n).chunks_exact(2).enumerate() {
                        out[(j / 2 * tile + i) * 2 + j % 2] = pair[0] + pair[1];
                    }
                }
            } else {
                let out = self.tile_weighted.slice(index * tile * n, tile * n);
                weave::<f32, 1>(out, tile, tokens.clone(), |t| self.weighted.slice(t * n, n));
            }
            let n = k / self.format.summed();
            let out = self.seeds.slice(index * tile * n, tile * n);
            out.fill(0);
            for (i, t) in tokens.enumerate() {
                for (j, sum) in self.sums.slice(t * n, n).iter().enumerate() {
                    out[j * tile + i] = -i32::from(*sum);
                }
            }
        }
    }
}

/// Rows of values side by side, `N` at a time: [row][n / N][N] becomes [n / N][tile][N], missing rows being zero.
fn weave<'a, T: Copy + Default + 'a, const N: usize>(
    out: &mut [T],
    tile: usize,
    tokens: std::ops::Range<usize>,
    row: impl Fn(usize) -> &'a mut [T],
) {
    if tokens.len() < tile {
        out.fill(T::default());
    }
    for (i, t) in tokens.enumerate() {
        let (steps, _) = row(t).as_chunks::<N>();
        let (out, _) = out.as_chunks_mut::<N>();
        for (slot, step) in out.iter_mut().skip(i).step_by(tile).zip(steps) {
            *slot = *step;
        }
    }
}
