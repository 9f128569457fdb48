//! States of recurrent layers: of fixed size, changed by every token, so that going back needs a copy made before.

/// Copies that are kept; the oldest goes first.
const SNAPSHOTS_MAX: usize = 8;

struct Layer {
    now: Vec<f32>,
    /// What a forward pass makes of it; takes its place once the pass is through.
    next: Vec<f32>,
}

struct Snapshot {
    len: usize,
    layers: Vec<Vec<f32>>,
}

/// The states of one sequence after `len` tokens.
#[derive(Default)]
pub struct StateCache {
    layers: Vec<Layer>,
    len: usize,
    snapshots: Vec<Snapshot>,
}

impl StateCache {
    /// Empty states of so many values.
    pub fn new(sizes: impl Iterator<Item = usize>) -> Self {
        let layer = |n: usize| Layer { now: vec![0.0; n], next: vec![0.0; n] };
        Self { layers: sizes.map(layer).collect(), ..Self::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    pub fn bytes(&self) -> u64 {
        let values: usize = self.layers.iter().map(|l| l.now.len()).sum();
        (values * size_of::<f32>() * (2 + self.snapshots.len())) as u64
    }

    /// A layer's state for a forward pass to change.
    pub fn next_mut(&mut self, il: usize) -> &mut [f32] {
        let Layer { now, next } = &mut self.layers[il];
        next.copy_from_slice(now);
        next
    }

    /// Takes over what a pass over `rows` tokens made of every state.
    pub fn advance(&mut self, rows: usize) {
        self.layers.iter_mut().for_each(|l| std::mem::swap(&mut l.now, &mut l.next));
        self.len += rows;
    }

    /// Keeps a copy to come back to.
    pub fn snapshot(&mut self) {
        if self.layers.is_empty() || self.snapshots.iter().any(|s| s.len == self.len) {
            return;
        }
        if self.snapshots.len() == SNAPSHOTS_MAX {
            self.snapshots.remove(0);
        }
        self.snapshots.push(Snapshot { len: self.len, layers: self.layers.iter().map(|l| l.now.clone()).collect() });
    }

    /// Goes back to the newest copy of at most `len` tokens, or to the beginning; how many tokens that is.
    pub fn truncate(&mut self, len: usize) -> usize {
        if self.layers.is_empty() {
            return len;
        }
        if len >= self.len {
            return self.len;
        }
        self.snapshots.retain(|s| s.len <= len);
        match self.snapshots.iter().max_by_key(|s| s.len) {
            Some(snapshot) => {
                self.layers.iter_mut().zip(&snapshot.layers).for_each(|(l, kept)| l.now.copy_from_slice(kept));
                self.len = snapshot.len;
            }
            None => {
                self.layers.iter_mut().for_each(|l| l.now.fill(0.0));
                self.len = 0;
            }
        }
        self.len
    }
}
