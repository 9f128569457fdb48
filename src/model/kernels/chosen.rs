//! Which keys each row of a step sees, where it does not see all that come before it.

use super::attention::KEYS;

/// A bit for each key of each row, and of each KV head where heads see different ones.
#[derive(Debug, Default)]
pub struct Chosen {
    words: Vec<u64>,
    /// Heads that have bits of their own, or 1.
    n_head: usize,
    /// Words of one row and head.
    n_words: usize,
}

// A word is what one block of keys needs.
const _: () = assert!(KEYS == u64::BITS as usize);

impl Chosen {
    /// Nothing chosen yet, of `n_keys` keys, by each of `n_head` heads (1: by all heads together) of each row.
    pub fn clear(&mut self, n_rows: usize, n_head: usize, n_keys: usize) {
        (self.n_head, self.n_words) = (n_head, n_keys.div_ceil(KEYS));
        self.words.clear();
        self.words.resize(n_rows * n_head * self.n_words, 0);
    }

    /// The bits of one row and head.
    pub fn words_mut(&mut self, row: usize, head: usize) -> &mut [u64] {
        let first = (row * self.n_head + head) * self.n_words;
        &mut self.words[first..first + self.n_words]
    }

    /// The bits of the block of keys that begins at `begin`, for a row and a KV head.
    pub(super) fn block(&self, row: usize, head_kv: usize, begin: usize) -> u64 {
        let head = if self.n_head == 1 { 0 } else { head_kv };
        self.words[(row * self.n_head + head) * self.n_words + begin / KEYS]
    }

    /// Keys that any row looks at, as if no two rows looked at the same one.
    pub(super) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum::<usize>() / self.n_head.max(1)
    }

    pub fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

/// Sets the bits of some keys.
pub fn choose(words: &mut [u64], keys: std::ops::Range<usize>) {
    keys.for_each(|key| words[key / KEYS] |= 1 << (key % KEYS));
}
