//! A hash index over strings that lie elsewhere.

use std::hash::{BuildHasher, RandomState};

/// No value may be this: it marks a free slot.
const FREE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Slot {
    /// The hash's upper half, so that a look-up touches the string only where it very likely is the right one.
    tag: u32,
    value: u32,
}

/// Open addressing with linear probing over `u32` values; what a value stands for is the caller's business. The
/// standard map would own a copy of each key, which for 280,000 merges is most of the time a vocabulary takes to load.
/// The hash is keyed at random, so that no file can aim at collisions.
pub(super) struct Index {
    slots: Vec<Slot>,
    hasher: RandomState,
}

impl Index {
    /// Room for `n` values; it never grows.
    pub(super) fn with_capacity(n: usize) -> Self {
        // At most half full, so that a probe sequence stays short and always ends.
        let n_slots = n.max(1).saturating_mul(2).next_power_of_two();
        Self { slots: vec![Slot { tag: 0, value: FREE }; n_slots], hasher: RandomState::new() }
    }

    /// Of a byte string and a number that belongs to the key (0 where there is none).
    pub(super) fn hash(&self, bytes: &[u8], number: u32) -> u64 {
        use std::hash::Hasher;
        let mut hasher = self.hasher.build_hasher();
        hasher.write(bytes);
        hasher.write_u32(number);
        hasher.finish()
    }

    /// The value under this hash of which `same` says that its key is the one looked for.
    pub(super) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        self.probe(hash, same).map(|i| self.slots[i]).filter(|s| s.value != FREE).map(|s| s.value)
    }

    /// Adds a value unless its key is there: the first one wins. Values beyond the capacity are not added.
    pub(super) fn insert(&mut self, hash: u64, value: u32, same: impl Fn(u32) -> bool) {
        if let Some(i) = self.probe(hash, same)
            && let Some(slot) = self.slots.get_mut(i)
            && slot.value == FREE
        {
            *slot = Slot { tag: tag(hash), value };
        }
    }

    /// The slot that holds the key, else the free one where it belongs.
    fn probe(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let first = hash as usize & mask;
        (0..self.slots.len()).map(|step| (first + step) & mask).find(|&i| {
            let slot = self.slots[i];
            slot.value == FREE || (slot.tag == tag(hash) && same(slot.value))
        })
    }
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}
