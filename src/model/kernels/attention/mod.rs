//! Attention of grouped query heads over cached keys and values: blocks of keys, a running maximum, f32 sums.

mod unit;

use super::activations::{GROUP, SMALL_BATCH};
use super::buffer::Shared;
use super::chosen::Chosen;
use super::compute::Compute;
use super::set::KernelSet;
use super::work::Work;
use crate::quant::{Block, BlockQ8_0};
use half::f16;
use std::ops::Range;
pub(super) use unit::turn_keys;
use unit::{Found, Unit, settle};

/// Keys that are looked at together; blocks begin at its multiples, so that a row's sums do not depend on its batch.
pub(super) const KEYS: usize = 64;
/// Rows of queries (tokens times heads of a group) that share a block of keys.
pub(super) const QUERY_ROWS: usize = 128;
/// Keys that one thread looks at for few rows. Parts begin at its multiples, so that a row's sums do not depend on its batch
/// or on how many threads there are.
const PART: usize = 1024;
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
    pub(super) fn n_rows(self, width: usize) -> usize {
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

    /// The rows of some positions as they lie there, up to the ring's end.
    fn bytes(&self, positions: &Range<usize>, width: usize) -> &[u8] {
        let all: &[u8] = match self {
            CachedRows::F32(x) => bytemuck::cast_slice(x),
            CachedRows::F16(x) => bytemuck::cast_slice(x),
            CachedRows::Q8_0(x) => x,
        };
        let (n_rows, row_bytes) = (self.n_rows(width), self.row_bytes(width));
        let first = positions.start % n_rows;
        &all[first * row_bytes..(first + positions.len()).min(n_rows) * row_bytes]
    }

    /// Where they lie.
    fn at(self) -> *const u8 {
        match self {
            CachedRows::F32(x) => x.as_ptr().cast(),
            CachedRows::F16(x) => x.as_ptr().cast(),
            CachedRows::Q8_0(x) => x.as_ptr(),
        }
    }

    /// The rows from `row` on.
    fn starting_at(self, row: usize, width: usize) -> Self {
        match self {
            CachedRows::F32(x) => CachedRows::F32(&x[row * width..]),
            CachedRows::F16(x) => CachedRows::F16(&x[row * width..]),
            CachedRows::Q8_0(x) => CachedRows::Q8_0(&x[row * (width / GROUP * BlockQ8_0::BYTES)..]),
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

    /// Rows of tokens to a unit of work: half as many as may be, or more where all threads have two units then.
    fn block_tokens(&self, n_threads: usize) -> usize {
        let most = (QUERY_ROWS / self.group()).max(1);
        (self.n_rows * self.n_head_kv / (2 * n_threads)).clamp(most.div_ceil(2), most)
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

    /// The positions that any of the step's rows `from..to` sees.
    fn keys(&self, from: usize, to: usize) -> Range<usize> {
        self.seen.by(self.first_pos + from).start..self.first_pos + to
    }

    /// What takes its share beside the keys; minus infinity for nothing.
    fn sink(&self, head: usize) -> f32 {
        self.sinks.map_or(f32::NEG_INFINITY, |sinks| sinks[head])
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
        if n_rows <= SMALL_BATCH && self.set().reads_cached() {
            return self.attend_few(shape, kv, (q, q_stride), (out, out_stride));
        }
        let out = Shared::new(out);
        let each = shape.block_tokens(self.n_threads());
        self.run(n_head_kv * n_rows.div_ceil(each), |chunk, scratch| {
            // The longest rows first: with a causal mask they have the most to do.
            let block = n_rows.div_ceil(each) - 1 - chunk / n_head_kv;
            let (from, to) = (block * each, ((block + 1) * each).min(n_rows));
            let unit = Unit { head_kv: chunk % n_head_kv, from, to, keys: shape.keys(from, to), is_last: true, few: false };
            unit.attend(self.set(), shape, kv(unit.head_kv), (q, q_stride), scratch);
            let found = [Found::of(scratch, unit.n(shape))];
            for r in 0..unit.n(shape) {
                let (row, head) = unit.query(shape, r);
                // SAFETY: rows of the output lie apart, as was checked, and a unit has its rows' heads alone.
                let out = unsafe { out.slice(row * out_stride + head * head_dim_v, head_dim_v) };
                settle(self.set(), &found, r, shape.sink(head), out);
            }
        });
    }

    /// The same for few rows: keys and values straight from the cache, and long contexts in parts.
    fn attend_few<'a>(
        &self,
        shape: &Attention,
        kv: impl Fn(usize) -> KvHead<'a> + Sync,
        q: (&[f32], usize),
        (out, out_stride): (&mut [f32], usize),
    ) {
        let keys = shape.keys(0, shape.n_rows);
        let first = keys.start / PART;
        let n_parts = keys.end.div_ceil(PART) - first;
        let unit = |chunk: usize| {
            let part = first + chunk % n_parts;
            let keys = keys.start.max(part * PART)..keys.end.min((part + 1) * PART);
            let is_last = chunk % n_parts + 1 == n_parts;
            Unit { head_kv: chunk / n_parts, from: 0, to: shape.n_rows, keys, is_last, few: true }
        };
        let n = unit(0).n(shape);
        let each = n * (2 + wide(shape.head_dim_v));
        let mut parts = self.parts();
        parts.resize(shape.n_head_kv * n_parts * each);
        let shared = Shared::new(&mut parts);
        self.run(shape.n_head_kv * n_parts, |chunk, scratch| {
            let unit = unit(chunk);
            unit.attend(self.set(), shape, kv(unit.head_kv), q, scratch);
            // SAFETY: each chunk has its own part.
            let (running, values) = unsafe { shared.slice(chunk * each, each) }.split_at_mut(2 * n);
            running.copy_from_slice(&scratch.acc);
            values.copy_from_slice(&scratch.out);
        });
        for head_kv in 0..shape.n_head_kv {
            let found: Vec<_> =
                parts[head_kv * n_parts * each..].chunks_exact(each).take(n_parts).map(|part| Found::read(part, n)).collect();
            for r in 0..n {
                let (row, head) = unit(head_kv * n_parts).query(shape, r);
                let out = &mut out[row * out_stride + head * shape.head_dim_v..][..shape.head_dim_v];
                settle(self.set(), &found, r, shape.sink(head), out);
            }
        }
    }
}

/// A width filled up to whole vectors.
pub(super) fn wide(dim: usize) -> usize {
    dim.next_multiple_of(VECTOR)
}
