//! What is still whole in layers that keep only the positions they look back at.
//!
//! A layer of span n and r rows has the newest r positions that were ever written since the beginning. It can go back to
//! any length whose n - 1 last positions are among them. Further back it needs a copy: a mark is set where an answer may be
//! taken back to, and the rows before the mark are copied when a pass is about to write over them, not before.

use super::{KvShape, LayerCache};
use std::ops::Range;

/// All layers of one span.
#[derive(Clone)]
struct Ring {
    span: usize,
    n_rows: usize,
    /// The first position whose row is there.
    first: usize,
}

#[derive(Clone)]
struct Mark {
    len: usize,
    /// The keys and values of each layer with a span, one after the other, once rows of theirs were about to be written over.
    copy: Option<Vec<u8>>,
}

#[derive(Default, Clone)]
pub struct Rings {
    rings: Vec<Ring>,
    marks: Vec<Mark>,
    /// Some have no room for the whole context, or have come to where they are without what lies before.
    forget: bool,
}

/// The positions that a token behind `len` looks back at.
fn before(len: usize, span: usize) -> Range<usize> {
    (len + 1).saturating_sub(span)..len
}

/// What layers with a span keep for a token behind `len`, one after the other.
fn copy_before(len: usize, layers: &[LayerCache]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes_before(len, layers));
    for (layer, span) in layers.iter().filter_map(|l| Some((l, l.shape.span?))) {
        layer.k.copy_to(&before(len, span), &mut out);
        layer.v.copy_to(&before(len, span), &mut out);
    }
    out
}

/// Puts back what [`copy_before`] gave.
fn put_before(len: usize, layers: &mut [LayerCache], mut copy: &[u8]) {
    for (layer, span) in layers.iter_mut().filter_map(|l| l.shape.span.map(|span| (l, span))) {
        let whole = layer.k.take_from(&before(len, span), &mut copy).and_then(|()| layer.v.take_from(&before(len, span), &mut copy));
        whole.expect("a copy is as long as the rows it was made of");
    }
}

/// Bytes of such a copy.
fn bytes_before(len: usize, layers: &[LayerCache]) -> usize {
    let of_layer = |l: &LayerCache| l.shape.span.map_or(0, |span| l.n_bytes(before(len, span).len()));
    layers.iter().map(of_layer).sum()
}

impl Rings {
    pub fn new(shapes: &[KvShape], n_ctx: usize, rows_max: usize) -> Self {
        let mut rings: Vec<Ring> = Vec::new();
        for shape in shapes {
            let (Some(span), n_rows) = (shape.span, shape.n_rows(n_ctx, rows_max)) else { continue };
            if rings.iter().all(|r| r.span != span) {
                rings.push(Ring { span, n_rows, first: 0 });
            }
        }
        let forget = rings.iter().any(|r| r.n_rows < n_ctx);
        Self { rings, marks: Vec::new(), forget }
    }

    /// Whether going back far needs a mark.
    pub fn forget(&self) -> bool {
        self.forget
    }

    /// Bytes of all copies.
    pub fn bytes(&self) -> u64 {
        self.marks.iter().filter_map(|m| m.copy.as_ref()).map(|copy| copy.len() as u64).sum()
    }

    fn is_whole(&self, len: usize) -> bool {
        self.rings.iter().all(|r| before(len, r.span).is_empty() || r.first <= before(len, r.span).start)
    }

    /// Says that rows up to position `end` are about to be written.
    pub fn write_to(&mut self, end: usize, layers: &[LayerCache]) {
        let firsts: Vec<usize> = self.rings.iter().map(|r| r.first.max(end.saturating_sub(r.n_rows))).collect();
        for mark in self.marks.iter_mut().filter(|m| m.copy.is_none()) {
            let lost = |(r, first): (&Ring, &usize)| before(mark.len, r.span).start < *first;
            if self.rings.iter().zip(&firsts).any(lost) {
                mark.copy = Some(copy_before(mark.len, layers));
            }
        }
        self.rings.iter_mut().zip(firsts).for_each(|(r, first)| r.first = first);
    }

    /// Marks the end of what is held as a place to come back to.
    pub fn mark(&mut self, len: usize) {
        if !self.rings.is_empty() && self.marks.iter().all(|m| m.len != len) {
            self.marks.push(Mark { len, copy: None });
        }
    }

    /// Gives a mark up.
    pub fn unmark(&mut self, len: usize) {
        self.marks.retain(|m| m.len != len);
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
        let Some(copy) = &mark.copy else { return mark.len };
        put_before(mark.len, layers, copy);
        self.rings.iter_mut().for_each(|r| r.first = before(mark.len, r.span).start);
        mark.len
    }

    /// What [`Rings::arrive`] needs to come to `len`; nothing where it is no longer held.
    pub fn leave(&self, len: usize, layers: &[LayerCache]) -> Option<Vec<u8>> {
        if self.is_whole(len) {
            return Some(copy_before(len, layers));
        }
        self.marks.iter().find(|m| m.len == len)?.copy.clone()
    }

    /// Bytes that [`Rings::arrive`] takes.
    pub fn bytes_to_arrive(&self, len: usize, layers: &[LayerCache]) -> usize {
        bytes_before(len, layers)
    }

    /// Comes to `len` from a shorter one, without what lies between.
    pub fn arrive(&mut self, len: usize, layers: &mut [LayerCache], copy: &[u8]) {
        for mark in self.marks.iter_mut().filter(|m| m.copy.is_none()) {
            mark.copy = Some(copy_before(mark.len, layers));
        }
        put_before(len, layers, copy);
        self.rings.iter_mut().for_each(|r| r.first = before(len, r.span).start);
        self.forget |= !self.rings.is_empty();
    }
}
