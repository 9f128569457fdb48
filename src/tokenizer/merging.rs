//! Joining neighbours, best pair first: what BPE and SPM have in common.

use std::collections::BinaryHeap;

/// No neighbour on this side.
const NONE: u32 = u32::MAX;

/// Longest stretch that is merged as a whole, so that places fit 32 bits. What is longer is cut there.
pub(super) const STRETCH_MAX_BYTES: usize = 1 << 30;

/// A piece of the stretch that is being merged, in a doubly linked list.
#[derive(Debug, Clone, Copy)]
struct Symbol {
    start: u32,
    /// 0 once the symbol has become part of the one before it.
    len: u32,
    before: u32,
    after: u32,
}

/// A pair that may be joined. The greatest is joined first: the best `priority`, among equals the leftmost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pair<P> {
    priority: P,
    left: std::cmp::Reverse<u32>,
    right: u32,
    /// Bytes of both: if a side has grown since, the pair is out of date.
    len: u32,
}

/// Symbols and queue, kept from word to word for their memory.
pub(super) struct Merging<P> {
    symbols: Vec<Symbol>,
    queue: BinaryHeap<Pair<P>>,
}

impl<P: Ord + Copy> Merging<P> {
    pub(super) fn new() -> Self {
        Self { symbols: Vec::new(), queue: BinaryHeap::new() }
    }

    /// Joins neighbours in a stretch whose symbols at first have these lengths, as long as `rate` (of the pair's
    /// start, the left part's length, and the whole's) gives one a priority. Hands over the final symbols in order.
    pub(super) fn run(
        &mut self,
        lens: impl Iterator<Item = usize>,
        rate: impl Fn(usize, usize, usize) -> Option<P>,
        mut symbol: impl FnMut(usize, usize),
    ) {
        self.set_out(lens);
        for left in 0..self.symbols.len().saturating_sub(1) {
            self.consider(left as u32, left as u32 + 1, &rate);
        }
        while let Some(pair) = self.queue.pop() {
            let (left, right) = (self.symbols[pair.left.0 as usize], self.symbols[pair.right as usize]);
            if left.len == 0 || right.len == 0 || left.len + right.len != pair.len {
                continue;
            }
            let at = pair.left.0;
            self.symbols[pair.right as usize].len = 0;
            let joined = &mut self.symbols[at as usize];
            joined.len = pair.len;
            joined.after = right.after;
            if let Some(next) = self.symbols.get_mut(right.after as usize) {
                next.before = at;
            }
            self.consider(left.before, at, &rate);
            self.consider(at, right.after, &rate);
        }
        let kept = self.symbols.iter().filter(|s| s.len > 0);
        kept.for_each(|s| symbol(s.start as usize, s.len as usize));
    }

    fn set_out(&mut self, lens: impl Iterator<Item = usize>) {
        self.queue.clear();
        self.symbols.clear();
        let mut start = 0;
        for (i, len) in lens.enumerate() {
            let i = i as u32;
            self.symbols.push(Symbol { start, len: len as u32, before: i.checked_sub(1).unwrap_or(NONE), after: i + 1 });
            start += len as u32;
        }
        if let Some(last) = self.symbols.last_mut() {
            last.after = NONE;
        }
    }

    fn consider(&mut self, left: u32, right: u32, rate: &impl Fn(usize, usize, usize) -> Option<P>) {
        let (Some(l), Some(r)) = (self.symbols.get(left as usize), self.symbols.get(right as usize)) else { return };
        let len = l.len + r.len;
        if let Some(priority) = rate(l.start as usize, l.len as usize, len as usize) {
            self.queue.push(Pair { priority, left: std::cmp::Reverse(left), right, len });
        }
    }
}
