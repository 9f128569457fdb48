//! Joining neighbours, best pair first: what BPE and SPM have in common.

use super::queue::Queue;
use std::cmp::Reverse;

/// Longest stretch that is merged as a whole, so that places fit 32 bits. What is longer is cut there.
const STRETCH_MAX_BYTES: usize = 1 << 30;

/// Marks a byte that neither begins nor ends a symbol.
const INSIDE: u32 = u32::MAX;

/// The symbols of a stretch, by two marks each: at a symbol's first byte where it ends, at its last byte where it
/// begins (one byte alone: where it ends). That is all a doubly linked list needs, in four bytes a byte.
#[derive(Default)]
struct Symbols {
    marks: Vec<u32>,
}

impl Symbols {
    fn mark(&mut self, start: u32, end: u32) {
        self.marks[end as usize - 1] = start;
        self.marks[start as usize] = end;
    }

    /// Where the symbol that begins at `start` ends, if one begins there.
    fn end(&self, start: u32) -> Option<u32> {
        self.marks.get(start as usize).copied().filter(|end| *end != INSIDE && *end > start)
    }

    /// Where the symbol before `start` begins.
    fn before(&self, start: u32) -> Option<u32> {
        let last = start.checked_sub(1)?;
        let mark = self.marks[last as usize];
        Some(if mark > last { last } else { mark })
    }

    fn join(&mut self, start: u32, middle: u32, end: u32) {
        self.marks[middle as usize - 1] = INSIDE;
        self.marks[middle as usize] = INSIDE;
        self.mark(start, end);
    }
}

/// Two neighbours that may be joined. The greatest is joined first: the best `priority`, among equals the leftmost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pair<P> {
    priority: P,
    start: Reverse<u32>,
    /// If a side has grown since, the pair no longer ends here, and is out of date.
    end: u32,
}

/// Symbols and queue, kept from word to word for their memory.
pub(super) struct Merging<P> {
    symbols: Symbols,
    queue: Queue<Pair<P>>,
}

impl<P: Ord + Copy> Merging<P> {
    pub(super) fn new() -> Self {
        Self { symbols: Symbols::default(), queue: Queue::new() }
    }

    /// Joins neighbours in a stretch whose symbols at first have these lengths, as long as `rate` (of a pair's start,
    /// middle and end) gives one a priority. Hands over where the final symbols begin and end, in order.
    pub(super) fn run(
        &mut self,
        lens: impl Iterator<Item = usize>,
        rate: impl Fn(usize, usize, usize) -> Option<P>,
        mut symbol: impl FnMut(usize, usize),
    ) {
        let pair = |start: u32, middle: u32, end: u32| {
            let priority = rate(start as usize, middle as usize, end as usize)?;
            Some(Pair { priority, start: Reverse(start), end })
        };
        self.set_out(lens, &pair);
        while let Some(Pair { start: Reverse(start), end, .. }) = self.queue.pop() {
            let Some(middle) = self.symbols.end(start).filter(|middle| self.symbols.end(*middle) == Some(end)) else { continue };
            self.symbols.join(start, middle, end);
            let left = self.symbols.before(start).and_then(|before| pair(before, start, end));
            let right = self.symbols.end(end).and_then(|after| pair(start, end, after));
            left.into_iter().chain(right).for_each(|p| self.queue.push(p));
        }
        let mut start = 0;
        while let Some(end) = self.symbols.end(start) {
            symbol(start as usize, end as usize);
            start = end;
        }
    }

    fn set_out(&mut self, lens: impl Iterator<Item = usize>, pair: &impl Fn(u32, u32, u32) -> Option<Pair<P>>) {
        self.symbols.marks.clear();
        let (mut before, mut start) = (None, 0);
        let pairs = lens.filter_map(|len| {
            let end = start + len as u32;
            self.symbols.marks.resize(end as usize, INSIDE);
            self.symbols.mark(start, end);
            let new = before.and_then(|before| pair(before, start, end));
            (before, start) = (Some(start), end);
            new
        });
        self.queue.fill(pairs);
    }
}

/// The text, cut at characters where it is longer than a stretch.
pub(super) fn stretches(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (stretch, after) = rest.split_at(rest.floor_char_boundary(STRETCH_MAX_BYTES));
        rest = after;
        Some(stretch)
    })
}
