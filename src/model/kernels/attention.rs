//! Attention of grouped query heads over cached keys and values: blocks of keys, a running maximum, f32 sums.

use super::activations::GROUP;
use super::buffer::{Aligned, Shared};
use super::chosen::Chosen;
use super::compute::Compute;
use super::set::{KernelSet, Scratch, TileShape};
use super::work::Work;
use crate::quant::{Block, BlockQ8_0};
use half::f16;
use std::ops::Range;

/// Keys that are looked at together; blocks begin at its multiples, so that a row's sums do not depend on its batch.
pub(super) const KEYS: usize = 64;
/// Rows of queries (tokens times heads of a group) that share a block of keys.
pub(super) const QUERY_ROWS: usize = 64;
/// Values to a vector of the float tile.
const VECTOR: usize = 16;

/// One head's keys or values in the cache, [n_rows][dim]: position p lies in row p % n_rows.
#[derive(Debug, Clone, Copy)]
pub enum CachedRows<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    /// Blocks of 32 values, as they lie in files.
    Q8_0(&'a [u8]),
}

impl CachedRows<'_> {
    /// How many rows of `width` values there are.
    fn n_rows(self, width: usize) -> usize {
        match self {
            CachedRows::F32(x) => x.len() / width,
            CachedRows::F16(x) => x.len() / width,
            CachedRows::Q8_0(x) => x.len() / (width / GROUP * BlockQ8_0::BYTES),
        }
    }

    /// Bytes of a row of `width` values.
    fn row_bytes(self, width: usize) -> usize {
        match self {
            CachedRows::F32(_) => width * size_of::<f32>(),
            CachedRows::F16(_) => width * size_of::<f16>(),
            CachedRows::Q8_0(_) => width / GROUP * BlockQ8_0::BYTES,
        }
    }

    /// Where they lie.
    fn at(self) -> *const u8 {
        match self {
            CachedRows::F32(x) => x.as_ptr().cast(),
            CachedRows::F16(x) => x.as_ptr().cast(),
            CachedRows::Q8_0(x) => x.as_ptr(),
        }
    }

    /// The first values of row `row`, as many as `out` has.
    fn load(self, set: &KernelSet, row: usize, width: usize, out: &mut [f32]) {
        match self {
            CachedRows::F32(x) => out.copy_from_slice(&x[row * width..][..out.len()]),
            CachedRows::F16(x) => set.from_f16(&x[row * width..][..out.len()], out),
            CachedRows::Q8_0(x) => {
                let blocks = &x[row * (width / GROUP * BlockQ8_0::BYTES)..];
                let (whole, rest) = out.split_at_mut(out.len() / GROUP * GROUP);
                let (whole_blocks, rest_blocks) = blocks.split_at(whole.len() / GROUP * BlockQ8_0::BYTES);
                set.widen_q8_0(whole_blocks, whole);
                if !rest.is_empty() {
                    let mut last = [0.0; GROUP];
                    set.widen_q8_0(&rest_blocks[..BlockQ8_0::BYTES], &mut last);
                    rest.copy_from_slice(&last[..rest.len()]);
                }
            }
        }
    }
}

/// One KV head.
#[derive(Debug, Clone, Copy)]
pub struct KvHead<'a> {
    pub keys: CachedRows<'a>,
    pub values: CachedRows<'a>,
}

/// Which keys a query at position p sees, up to p.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    All,
    /// The last so many, p's own among them.
    Window(usize),
    /// Those of its own chunk: from p - p % n on.
    Chunk(usize),
}

impl Seen {
    /// How many positions a row looks back at at most, its own among them; none if at all.
    pub fn span(self) -> Option<usize> {
        match self {
            Seen::All => None,
            Seen::Window(n) | Seen::Chunk(n) => Some(n),
        }
    }

    /// The positions that the row at `pos` sees.
    pub fn by(self, pos: usize) -> Range<usize> {
        let first = match self {
            Seen::All => 0,
            Seen::Window(n) => (pos + 1).saturating_sub(n),
            Seen::Chunk(n) => pos - pos % n,
        };
        first..pos + 1
    }
}

/// Rows that stand for blocks of positions, each its own value, beside the keys of single positions. One KV head has them.
#[derive(Debug, Clone, Copy)]
pub struct Pooled<'a> {
    pub rows: CachedRows<'a>,
    /// Positions to a block; its row is seen from its last position on.
    pub ratio: usize,
    /// Which of them each row sees, if not all.
    pub chosen: Option<&'a Chosen>,
}

/// The shape of one step's attention.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'a> {
    pub n_head: usize,
    pub n_head_kv: usize,
    pub head_dim_k: usize,
    pub head_dim_v: usize,
    /// Values from one row to the next; more than `head_dim_v` where rows hold more.
    pub value_stride: usize,
    pub scale: f32,
    /// Position of the first row; row `r` sees the positions up to `first_pos + r`, which are in the cache.
    pub first_pos: usize,
    pub n_rows: usize,
    pub seen: Seen,
    /// If set, scores become `cap * tanh(score / cap)`.
    pub softcap: Option<f32>,
    /// Each head's scores lose slope * distance, [n_head].
    pub slopes: Option<&'a [f32]>,
    /// A score of each head that takes its share and has no value, [n_head].
    pub sinks: Option<&'a [f32]>,
    /// Of the positions that are seen, those that each row looks at, if not at all; every row at one at least.
    pub chosen: Option<&'a Chosen>,
    pub pooled: Option<Pooled<'a>>,
}

impl Attention<'_> {
    /// Query heads that share a KV head.
    fn group(&self) -> usize {
        self.n_head / self.n_head_kv
    }

    /// Rows of tokens to a unit of work.
    fn block_tokens(&self) -> usize {
        (QUERY_ROWS / self.group()).max(1)
    }

    /// Bytes of the keys and values that its rows look at, those of all rows counted once. `kv` is one of its heads.
    fn cached_bytes(&self, kv: KvHead) -> u64 {
        let seen = self.seen.by(self.first_pos).start..self.first_pos + self.n_rows;
        let looked_at = |chosen: Option<&Chosen>, n: usize| chosen.map_or(n, |chosen| chosen.count().min(n));
        let apart = kv.keys.at() != kv.values.at();
        let values = if apart { kv.values.row_bytes(self.head_dim_v) } else { 0 };
        let own = looked_at(self.chosen, seen.len()) * (kv.keys.row_bytes(self.head_dim_k) + values) * self.n_head_kv;
        let pooled = self.pooled.map_or(0, |p| looked_at(p.chosen, seen.end / p.ratio) * p.rows.row_bytes(self.head_dim_k));
        (own + pooled) as u64
    }

    /// Caps the scores of keys from `begin` on, takes off what distance costs. What is still to multiply them by.
    fn adjusted(&self, scores: &mut [f32], head: usize, pos: usize, begin: usize) -> f32 {
        if self.softcap.is_none() && self.slopes.is_none() {
            return self.scale;
        }
        match self.softcap {
            Some(cap) => scores.iter_mut().for_each(|s| *s = cap * (self.scale * *s / cap).tanh()),
            None => scores.iter_mut().for_each(|s| *s *= self.scale),
        }
        if let Some(slopes) = self.slopes {
            let (slope, first) = (slopes[head], begin as f32 - pos as f32);
            scores.iter_mut().enumerate().for_each(|(j, s)| *s += slope * (first + j as f32));
        }
        1.0
    }
}

/// A slice of the queries or the output: rows of heads.
#[derive(Clone, Copy)]
struct Unit {
    head_kv: usize,
    /// Rows of the step.
    from: usize,
    to: usize,
}

impl Compute {
    /// For each row and head, softmax(scale * q·k) · v over the keys that the row sees. `q` has rows of `q_stride` values
    /// beginning with [n_head][head_dim_k]; results go to [n_head][head_dim_v] at the begin of rows of `out_stride`.
    pub fn attend<'a>(
        &self,
        shape: &Attention,
        kv: impl Fn(usize) -> KvHead<'a> + Sync,
        (q, q_stride): (&[f32], usize),
        (out, out_stride): (&mut [f32], usize),
    ) {
        let Attention { n_head, n_head_kv, head_dim_k, head_dim_v, n_rows, .. } = *shape;
        assert!(n_head_kv > 0 && n_head.is_multiple_of(n_head_kv), "each KV head has as many query heads");
        assert!(n_head * head_dim_k <= q_stride && n_rows * q_stride <= q.len() + q_stride - n_head * head_dim_k);
        assert!(n_head * head_dim_v <= out_stride && n_rows * out_stride <= out.len() + out_stride - n_head * head_dim_v);
        self.count(Work { cached_bytes: shape.cached_bytes(kv(0)), ..Work::default() });
        let out = Shared::new(out);
        let each = shape.block_tokens();
        self.run(n_head_kv * n_rows.div_ceil(each), |chunk, scratch| {
            // The longest rows first: with a causal mask they have the most to do.
            let block = n_rows.div_ceil(each) - 1 - chunk / n_head_kv;
            let unit = Unit { head_kv: chunk % n_head_kv, from: block * each, to: ((block + 1) * each).min(n_rows) };
            attend_unit(self.set(), shape, kv(unit.head_kv), (q, q_stride), unit, scratch);
            let (group, values) = (shape.group(), &scratch.out);
            for (i, row) in (unit.from..unit.to).enumerate() {
                let n = group * head_dim_v;
                // SAFETY: rows of the output lie apart, as was checked, and a unit has its rows' heads alone.
                let out = unsafe { out.slice(row * out_stride + unit.head_kv * n, n) };
                for (g, out) in out.chunks_exact_mut(head_dim_v).enumerate() {
                    out.copy_from_slice(&values[(i * group + g) * wide(head_dim_v)..][..head_dim_v]);
                }
            }
        });
    }
}

/// A width filled up to whole vectors.
pub(super) fn wide(dim: usize) -> usize {
    dim.next_multiple_of(VECTOR)
}

/// Leaves the unit's results in `scratch.out`, [rows][wide(head_dim_v)].
fn attend_unit(set: &KernelSet, shape: &Attention, kv: KvHead, q: (&[f32], usize), unit: Unit, scratch: &mut Scratch) {
    let (dk, dv, group) = (shape.head_dim_k, shape.head_dim_v, shape.group());
    let n = (unit.to - unit.from) * group;
    let Scratch { blocks: [queries, keys, values, scores], out, acc: running, .. } = scratch;
    queries.resize(n * dk);
    for (i, row) in (unit.from..unit.to).enumerate() {
        queries[i * group * dk..][..group * dk].copy_from_slice(&q.0[row * q.1 + unit.head_kv * group * dk..][..group * dk]);
    }
    keys.resize(wide(dk) * KEYS);
    values.resize(KEYS * wide(dk).max(wide(dv)));
    scores.resize(n * KEYS);
    out.resize(n * wide(dv));
    out.fill(0.0);
    running.resize(2 * n);
    let (tops, sums) = running.split_at_mut(n);
    let head = |r: usize| unit.head_kv * group + r % group;
    tops.iter_mut().enumerate().for_each(|(r, top)| *top = shape.sinks.map_or(f32::NEG_INFINITY, |sinks| sinks[head(r)]));
    // A sink is its own largest score and so weighs 1.
    sums.fill(if shape.sinks.is_some() { 1.0 } else { 0.0 });
    let end = shape.first_pos + unit.to;
    let first = shape.seen.by(shape.first_pos + unit.from).start;
    attend_keys(set, shape, Source { kv, keys: first..end, chosen: shape.chosen }, unit, |pos| shape.seen.by(pos), scratch);
    if let Some(Pooled { rows, ratio, chosen }) = shape.pooled {
        let source = Source { kv: KvHead { keys: rows, values: rows }, keys: 0..end / ratio, chosen };
        attend_keys(set, shape, source, unit, |pos| 0..(pos + 1) / ratio, scratch);
    }
    let Scratch { out, acc: running, .. } = scratch;
    for (row, sum) in out.chunks_exact_mut(wide(dv)).zip(&running[n..]) {
        set.scale(row, 1.0 / sum);
    }
}

/// Some keys of one KV head, and those of them that rows look at.
struct Source<'a> {
    kv: KvHead<'a>,
    keys: Range<usize>,
    chosen: Option<&'a Chosen>,
}

/// Adds what the unit's rows attend of one source to the running maximum, sum and output.
fn attend_keys(
    set: &KernelSet,
    shape: &Attention,
    source: Source,
    unit: Unit,
    seen: impl Fn(usize) -> Range<usize>,
    scratch: &mut Scratch,
) {
    let (dk, dv, group) = (shape.head_dim_k, shape.head_dim_v, shape.group());
    let n = (unit.to - unit.from) * group;
    let Scratch { blocks: [queries, keys, values, scores], out, acc: running, .. } = scratch;
    let (tops, sums) = running.split_at_mut(n);
    let Source { kv, keys: range, chosen } = source;
    for begin in (range.start / KEYS * KEYS..range.end).step_by(KEYS) {
        let bits = |row| chosen.map_or(u64::MAX, |c| c.block(row, unit.head_kv, begin));
        if chosen.is_some() && (unit.from..unit.to).all(|row| bits(row) == 0) {
            continue;
        }
        let n_keys = (range.end - begin).min(KEYS);
        turn_keys(set, kv.keys, begin, n_keys, dk, [keys, values]);
        load_rows(set, kv.values, begin..begin + n_keys, (dv, shape.value_stride), values);
        scores.fill(0.0);
        set.float_tile(queries, keys, scores, TileShape { m: n, k: dk, n: KEYS, a_stride: dk, b_stride: KEYS, c_stride: KEYS });
        for r in 0..n {
            let row = unit.from + r / group;
            let pos = shape.first_pos + row;
            let seen = seen(pos);
            let scores = &mut scores[r * KEYS..][..KEYS];
            let scale = shape.adjusted(scores, unit.head_kv * group + r % group, pos, begin);
            if chosen.is_some() {
                leave_out(scores, bits(row));
            }
            let (top, sum) = set.soften(scores, scale, seen.start.saturating_sub(begin)..seen.end.saturating_sub(begin), tops[r]);
            if top > tops[r] {
                let fade = (tops[r] - top).exp();
                sums[r] *= fade;
                set.scale(&mut out[r * wide(dv)..][..wide(dv)], fade);
                tops[r] = top;
            }
            sums[r] += sum;
        }
        let shape = TileShape { m: n, k: n_keys, n: wide(dv), a_stride: KEYS, b_stride: wide(dv), c_stride: wide(dv) };
        set.float_tile(scores, values, out, shape);
    }
}

/// Scores of keys whose bit is not set weigh nothing.
fn leave_out(scores: &mut [f32], bits: u64) {
    scores.iter_mut().enumerate().filter(|(j, _)| bits >> j & 1 == 0).for_each(|(_, score)| *score = f32::NEG_INFINITY);
}

/// Keys `begin..` side by side, [wide(head_dim)][KEYS]. What stands behind the last key does not matter.
pub(super) fn turn_keys(set: &KernelSet, rows: CachedRows, begin: usize, n_keys: usize, dim: usize, [out, loaded]: [&mut Aligned<f32>; 2]) {
    load_rows(set, rows, begin..begin + n_keys, (dim, dim), loaded);
    set.turn(loaded, n_keys.next_multiple_of(VECTOR), wide(dim), out, KEYS);
}

/// The first `dim` values of some keys' rows as f32, [KEYS][wide(dim)].
fn load_rows(set: &KernelSet, rows: CachedRows, keys: Range<usize>, (dim, stride): (usize, usize), out: &mut Aligned<f32>) {
    let n_rows = rows.n_rows(stride);
    let mut row = keys.start % n_rows;
    for j in 0..keys.len() {
        let (out, rest) = out[j * wide(dim)..][..wide(dim)].split_at_mut(dim);
        rows.load(set, row, stride, out);
        rest.fill(0.0);
        row = if row + 1 == n_rows { 0 } else { row + 1 };
    }
}
