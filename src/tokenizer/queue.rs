//! A priority queue for work that mostly comes at the start.

use std::collections::BinaryHeap;

/// Items that came late are put in order all at once from this many on; below it a heap is faster.
const SORTED_MIN: usize = 64;

/// Greatest first. What it is filled with is sorted once; a heap alone would, on millions of items, spend its time on
/// cache misses.
pub(super) struct Queue<T> {
    /// In order from `next` on.
    sorted: Vec<T>,
    next: usize,
    late: BinaryHeap<T>,
}

impl<T: Ord + Copy> Queue<T> {
    pub(super) fn new() -> Self {
        Self { sorted: Vec::new(), next: 0, late: BinaryHeap::new() }
    }

    /// Takes new items in place of all others; the memory is kept.
    pub(super) fn fill(&mut self, items: impl Iterator<Item = T>) {
        self.late.clear();
        self.sorted.clear();
        self.sorted.extend(items);
        self.sort();
    }

    pub(super) fn push(&mut self, item: T) {
        self.late.push(item);
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        if self.next == self.sorted.len() && self.late.len() >= SORTED_MIN {
            self.sorted = std::mem::take(&mut self.late).into_vec();
            self.sort();
        }
        match (self.sorted.get(self.next), self.late.peek()) {
            (Some(first), late) if late.is_none_or(|l| first > l) => {
                self.next += 1;
                Some(*first)
            }
            _ => self.late.pop(),
        }
    }

    fn sort(&mut self) {
        self.next = 0;
        self.sorted.sort_unstable_by(|a, b| b.cmp(a));
    }
}
