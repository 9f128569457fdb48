//! States of recurrent layers: of fixed size, changed by every token, so that going back needs a copy made before.

#[derive(Clone)]
struct Layer {
    now: Vec<f32>,
    /// What a forward pass makes of it; takes its place once the pass is through.
    next: Vec<f32>,
}

#[derive(Clone)]
struct Snapshot {
    len: usize,
    layers: Vec<Vec<f32>>,
}

/// The states of one sequence after `len` tokens.
#[derive(Default, Clone)]
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

    /// A layer's state as it is, and room for what a forward pass makes of it, whatever lies there.
    pub fn now_and_next(&mut self, il: usize) -> (&[f32], &mut [f32]) {
        let Layer { now, next } = &mut self.layers[il];
        (now, next)
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
        self.snapshots.push(Snapshot { len: self.len, layers: self.layers.iter().map(|l| l.now.clone()).collect() });
    }

    /// Gives a copy up.
    pub fn forget(&mut self, len: usize) {
        self.snapshots.retain(|s| s.len != len);
    }

    /// Bytes of one copy.
    pub fn bytes_to_arrive(&self) -> usize {
        self.layers.iter().map(|l| size_of_val(l.now.as_slice())).sum()
    }

    /// Appends what [`StateCache::arrive`] needs to come to `len`; nothing where there is no copy of it.
    pub fn leave(&self, len: usize, out: &mut Vec<u8>) -> Option<()> {
        if len == self.len || self.layers.is_empty() {
            self.layers.iter().for_each(|l| out.extend_from_slice(bytemuck::cast_slice(&l.now)));
        } else {
            let copy = self.snapshots.iter().find(|s| s.len == len)?;
            copy.layers.iter().for_each(|l| out.extend_from_slice(bytemuck::cast_slice(l)));
        }
        Some(())
    }

    /// Comes to `len` with states of [`StateCache::bytes_to_arrive`] bytes.
    pub fn arrive(&mut self, len: usize, mut states: &[u8]) {
        for layer in &mut self.layers {
            let of_layer = states.split_off(..size_of_val(layer.now.as_slice())).expect("states are as long as their layers");
            bytemuck::cast_slice_mut(&mut layer.now).copy_from_slice(of_layer);
        }
        self.len = len;
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
