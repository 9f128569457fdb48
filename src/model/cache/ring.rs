//! What is still whole in layers that keep only the positions they look back at.
//!
//! A layer of span n and r rows has the newest r positions that were ever written since the beginning. It can go back to
//! any length whose n - 1 last positions are among them. Further back it needs a copy: a mark is set where an answer may be
//! taken back to, and the rows before the mark are copied when a pass is about to write over them, not before.

use super::{KvShape, LayerCache};
use std::ops::Range;

/// Marks that are kept; the oldest goes first.
const MARKS_MAX: usize = 2;

/// All layers of one span.
struct Ring {
    span: usize,
    n_rows: usize,
    /// The first position whose row has not been written over.
    first: usize,
}

struct Mark {
    len: usize,
    /// The keys and values of each layer with a span, once rows of theirs were about to be written over.
    copies: Option<Vec<[Vec<u8>; 2]>>,
}

#[derive(Default)]
pub struct Rings {
    rings: Vec<Ring>,
    marks: Vec<Mark>,
}

/// The positions that a token behind `len` looks back at.
fn before(len: usize, span: usize) -> Range<usize> {
    (len + 1).saturating_sub(span)..len
}

impl Rings {
    /// Only spans that do not hold the whole context.
    pub fn new(shapes: &[KvShape], n_ctx: usize, rows_max: usize) -> Self {
        let mut rings: Vec<Ring> = Vec::new();
        for shape in shapes {
            let (Some(span), n_rows) = (shape.span, shape.n_rows(n_ctx, rows_max)) else { continue };
            if n_rows < n_ctx && rings.iter().all(|r| r.span != span) {
                rings.push(Ring { span, n_rows, first: 0 });
            }
        }
        Self { rings, marks: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.rings.is_empty()
    }

    /// Bytes of all copies.
    pub fn bytes(&self) -> u64 {
        self.marks.iter().filter_map(|m| m.copies.as_ref()).flatten().flatten().map(|copy| copy.len() as u64).sum()
    }

    fn is_whole(&self, len: usize) -> bool {
        self.rings.iter().all(|r| before(len, r.span).is_empty() || r.first <= before(len, r.span).start)
    }

    /// Says that rows up to position `end` are about to be written.
    pub fn write_to(&mut self, end: usize, layers: &[LayerCache]) {
        let firsts: Vec<usize> = self.rings.iter().map(|r| r.first.max(end.saturating_sub(r.n_rows))).collect();
        for mark in self.marks.iter_mut().filter(|m| m.copies.is_none()) {
            let lost = |(r, first): (&Ring, &usize)| before(mark.len, r.span).start < *first;
            if self.rings.iter().zip(&firsts).any(lost) {
                let copy = |l: &LayerCache, span| [l.k.copy(before(mark.len, span)), l.v.copy(before(mark.len, span))];
                mark.copies = Some(layers.iter().filter_map(|l| l.shape.span.map(|span| copy(l, span))).collect());
            }
        }
        self.rings.iter_mut().zip(firsts).for_each(|(r, first)| r.first = first);
    }

    /// Marks the end of what is held as a place to come back to.
    pub fn mark(&mut self, len: usize) {
        if self.rings.is_empty() || self.marks.iter().any(|m| m.len == len) {
            return;
        }
        if self.marks.len() == MARKS_MAX {
            self.marks.remove(0);
        }
        self.marks.push(Mark { len, copies: None });
    }

    /// Goes back to at most `len` tokens; how many those are.
    pub fn truncate(&mut self, len: usize, layers: &mut [LayerCache]) -> usize {
        self.marks.retain(|m| m.len <= len);
        if self.is_whole(len) {
            return len;
        }
        let Some(mark) = self.marks.iter().max_by_key(|m| m.len) else {
            self.rings.iter_mut().for_each(|r| r.first = 0);
            return 0;
        };
        // Without a copy nothing of it was written over.
        let Some(copies) = &mark.copies else { return mark.len };
        let with_span = layers.iter_mut().filter_map(|l| l.shape.span.map(|span| (l, before(mark.len, span))));
        for ((layer, positions), [k, v]) in with_span.zip(copies) {
            layer.k.put_back(positions.clone(), k);
            layer.v.put_back(positions, v);
        }
        self.rings.iter_mut().for_each(|r| r.first = before(mark.len, r.span).start);
        mark.len
    }
}
