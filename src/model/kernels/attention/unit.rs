//! Some rows of queries that share a KV head, and some of its keys.

use super::super::buffer::{Aligned, fetch};
use super::super::chosen::Chosen;
use super::super::set::{FewRows, KernelSet, Scratch, TileShape};
use super::{Attention, CachedRows, KEYS, KvHead, Pooled, VECTOR, wide};
use std::ops::Range;

pub(super) struct Unit {
    pub head_kv: usize,
    /// Rows of the step.
    pub from: usize,
    pub to: usize,
    /// Positions whose keys are looked at.
    pub keys: Range<usize>,
    /// Whether no other unit looks at later keys of the same rows; this one sees to what stands for blocks of positions.
    pub is_last: bool,
    /// Whether rows of the cache are read as they lie there.
    pub few: bool,
}

/// What units found for their queries.
pub(super) struct Found<'a> {
    /// The largest score of each query, and the sum of its weights, e to what scores are above that.
    tops: &'a [f32],
    sums: &'a [f32],
    /// The weighed values of each query, [n][wide(head_dim_v)].
    values: &'a [f32],
}

impl<'a> Found<'a> {
    /// What [`Unit::attend`] left behind for `n` queries.
    pub fn of(scratch: &'a Scratch, n: usize) -> Self {
        let (tops, sums) = scratch.acc.split_at(n);
        Self { tops, sums, values: &scratch.out }
    }

    /// The same, all in one: tops, sums, values.
    pub fn read(part: &'a [f32], n: usize) -> Self {
        let (running, values) = part.split_at(2 * n);
        let (tops, sums) = running.split_at(n);
        Self { tops, sums, values }
    }
}

/// The result of query `r`: all that was found for it, and a score that takes its share and has no value.
pub(super) fn settle(set: &KernelSet, found: &[Found], r: usize, sink: f32, out: &mut [f32]) {
    let top = found.iter().fold(sink, |top, f| top.max(f.tops[r]));
    let share = |x: f32| if x == f32::NEG_INFINITY { 0.0 } else { (x - top).exp() };
    let sum = share(sink) + found.iter().map(|f| share(f.tops[r]) * f.sums[r]).sum::<f32>();
    out.fill(0.0);
    for f in found {
        let stride = f.values.len() / f.tops.len();
        set.axpy(share(f.tops[r]) / sum, &f.values[r * stride..][..out.len()], out);
    }
}

/// Some keys of one KV head, and those of them that rows look at.
struct Source<'a> {
    kv: KvHead<'a>,
    keys: Range<usize>,
    chosen: Option<&'a Chosen>,
}

impl Unit {
    /// Queries: each row's heads of the group.
    pub fn n(&self, shape: &Attention) -> usize {
        (self.to - self.from) * shape.group()
    }

    /// Row and head of query `r`.
    pub fn query(&self, shape: &Attention, r: usize) -> (usize, usize) {
        (self.from + r / shape.group(), self.head_kv * shape.group() + r % shape.group())
    }

    /// Leaves the largest scores and the sums of weights in `scratch.acc`, the weighed values in `scratch.out`.
    pub fn attend(&self, set: &KernelSet, shape: &Attention, kv: KvHead, q: (&[f32], usize), scratch: &mut Scratch) {
        let (dk, dv, n) = (shape.head_dim_k, shape.head_dim_v, self.n(shape));
        let Scratch { blocks: [queries, keys, values, scores], out, acc: running, .. } = scratch;
        queries.resize(n * wide(dk));
        for (r, query) in queries.chunks_exact_mut(wide(dk)).enumerate() {
            let (row, head) = self.query(shape, r);
            let (query, rest) = query.split_at_mut(dk);
            query.copy_from_slice(&q.0[row * q.1 + head * dk..][..dk]);
            rest.fill(0.0);
        }
        keys.resize(wide(dk) * KEYS);
        values.resize(KEYS * wide(dk).max(wide(dv)));
        scores.resize(n * KEYS);
        out.resize(n * wide(dv));
        out.fill(0.0);
        running.resize(2 * n);
        let (tops, sums) = running.split_at_mut(n);
        tops.fill(f32::NEG_INFINITY);
        sums.fill(0.0);
        let source = Source { kv, keys: self.keys.clone(), chosen: shape.chosen };
        self.look_at(set, shape, source, |pos| shape.seen.by(pos), scratch);
        if let Some(Pooled { rows, ratio, chosen }) = shape.pooled.filter(|_| self.is_last) {
            let kv = KvHead { keys: rows, values: rows };
            let source = Source { kv, keys: 0..self.keys.end / ratio, chosen };
            self.look_at(set, shape, source, |pos| 0..(pos + 1) / ratio, scratch);
        }
    }

    /// Adds what the unit's rows attend of one source to the running maximum, sum and output.
    fn look_at(&self, set: &KernelSet, shape: &Attention, source: Source, seen: impl Fn(usize) -> Range<usize>, scratch: &mut Scratch) {
        let Source { kv, keys: range, chosen } = source;
        let n = self.n(shape);
        for begin in (range.start / KEYS * KEYS..range.end).step_by(KEYS) {
            let bits = |row| chosen.map_or(u64::MAX, |c| c.block(row, self.head_kv, begin));
            if chosen.is_some() && (self.from..self.to).all(|row| bits(row) == 0) {
                continue;
            }
            let block = Block { begin, keys: range.start.max(begin)..range.end.min(begin + KEYS) };
            self.score(set, shape, kv.keys, &block, scratch);
            let next = block.keys.end..range.end.min(block.keys.end + KEYS);
            let ahead = [kv.keys.bytes(&next, shape.head_dim_k), kv.values.bytes(&next, shape.value_stride)];
            let Scratch { blocks: [_, _, _, scores], out, acc: running, .. } = &mut *scratch;
            let (tops, sums) = running.split_at_mut(n);
            for (r, scores) in scores.chunks_exact_mut(KEYS).enumerate() {
                // Each query fetches its share of the next block: all at once would be more than a processor waits for.
                ahead.iter().for_each(|rows| fetch(&rows[rows.len() * r / n..rows.len() * (r + 1) / n]));
                let (row, head) = self.query(shape, r);
                let pos = shape.first_pos + row;
                let seen = seen(pos);
                let scale = shape.adjusted(scores, head, pos, begin);
                if chosen.is_some() {
                    leave_out(scores, bits(row));
                }
                let (top, sum) = set.soften(scores, scale, seen.start.saturating_sub(begin)..seen.end.saturating_sub(begin), tops[r]);
                if top > tops[r] {
                    let fade = (tops[r] - top).exp();
                    sums[r] *= fade;
                    let stride = wide(shape.head_dim_v);
                    set.scale(&mut out[r * stride..][..stride], fade);
                    tops[r] = top;
                }
                sums[r] += sum;
            }
            self.weigh(set, shape, kv.values, &block, scratch);
        }
    }

    /// The scores of a block of keys, [n][KEYS]. What stands behind the last key does not matter.
    fn score(&self, set: &KernelSet, shape: &Attention, rows: CachedRows, block: &Block, scratch: &mut Scratch) {
        let (dk, n) = (shape.head_dim_k, self.n(shape));
        let Scratch { blocks: [queries, turned, loaded, scores], .. } = scratch;
        if self.few {
            for (at, n_keys, rows) in block.in_ring(rows, dk) {
                set.score(queries, FewRows { n, stride: wide(dk), n_keys, dim: dk, width: dk }, rows, &mut scores[at..]);
            }
            return;
        }
        turn_keys(set, rows, block.begin, block.len(), dk, [turned, loaded]);
        scores.fill(0.0);
        let tile = TileShape { m: n, k: dk, n: KEYS, a_stride: wide(dk), b_stride: KEYS, c_stride: KEYS };
        set.float_tile(queries, turned, scores, tile);
    }

    /// Adds a block's values times their weights, [n][KEYS].
    fn weigh(&self, set: &KernelSet, shape: &Attention, rows: CachedRows, block: &Block, scratch: &mut Scratch) {
        let (dv, width, n) = (shape.head_dim_v, shape.value_stride, self.n(shape));
        let Scratch { blocks: [_, _, values, weights], out, .. } = scratch;
        if self.few {
            for (at, n_keys, rows) in block.in_ring(rows, width) {
                set.weigh(&weights[at..], FewRows { n, stride: wide(dv), n_keys, dim: dv, width }, rows, out);
            }
            return;
        }
        load_rows(set, rows, block.begin..block.keys.end, (dv, width), values);
        let tile = TileShape { m: n, k: block.len(), n: wide(dv), a_stride: KEYS, b_stride: wide(dv), c_stride: wide(dv) };
        set.float_tile(weights, values, out, tile);
    }
}

/// Positions from `begin` on, of which some keys are looked at, at most [`KEYS`]. Those before them may no longer be there:
/// their scores count for nothing.
struct Block {
    begin: usize,
    keys: Range<usize>,
}

impl Block {
    /// Positions up to the last key.
    fn len(&self) -> usize {
        self.keys.end - self.begin
    }

    /// The keys' rows as they lie in the cache, in two pieces where its end is between them: which of the block's positions
    /// is the first, how many they are, and the rows from there on.
    fn in_ring<'a>(&self, rows: CachedRows<'a>, width: usize) -> impl Iterator<Item = (usize, usize, CachedRows<'a>)> {
        let n_rows = rows.n_rows(width);
        let (at, row) = (self.keys.start - self.begin, self.keys.start % n_rows);
        let n = self.keys.len().min(n_rows - row);
        [(at, n, rows.starting_at(row, width)), (at + n, self.keys.len() - n, rows)].into_iter().filter(|(_, n, _)| *n > 0)
    }
}

/// Scores of keys whose bit is not set weigh nothing.
fn leave_out(scores: &mut [f32], bits: u64) {
    scores.iter_mut().enumerate().filter(|(j, _)| bits >> j & 1 == 0).for_each(|(_, score)| *score = f32::NEG_INFINITY);
}

/// Keys `begin..` side by side, [wide(head_dim)][KEYS]. What stands behind the last key does not matter.
pub(in super::super) fn turn_keys(
    set: &KernelSet,
    rows: CachedRows,
    begin: usize,
    n_keys: usize,
    dim: usize,
    [out, loaded]: [&mut Aligned<f32>; 2],
) {
    load_rows(set, rows, begin..begin + n_keys, (dim, dim), loaded);
    set.turn(loaded, n_keys.next_multiple_of(VECTOR), wide(dim), out, KEYS);
}

/// The first `dim` values of some keys' rows as f32, [KEYS][wide(dim)].
fn load_rows(set: &KernelSet, rows: CachedRows, keys: Range<usize>, (dim, stride): (usize, usize), out: &mut Aligned<f32>) {
    let n_rows = rows.n_rows(stride);
    let mut row = keys.start % n_rows;
    if dim == stride && dim == wide(dim) {
        // They lie one behind the other on both sides, but for the ring's end.
        let mut left = &mut out[..keys.len() * dim];
        while !left.is_empty() {
            let (piece, rest) = left.split_at_mut(left.len().min((n_rows - row) * dim));
            rows.load(set, row, stride, piece);
            (left, row) = (rest, 0);
        }
        return;
    }
    for j in 0..keys.len() {
        let (out, rest) = out[j * wide(dim)..][..wide(dim)].split_at_mut(dim);
        rows.load(set, row, stride, out);
        rest.fill(0.0);
        row = if row + 1 == n_rows { 0 } else { row + 1 };
    }
}
