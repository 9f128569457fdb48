//! What `update` may know of the world: the time, and chance. Both are brought to it, so that a run can be replayed.

use crate::protocol::{ConversationId, NodeId};
use std::cell::Cell;

/// One call's time and randomness.
#[derive(Debug, Clone)]
pub struct Env {
    /// Milliseconds since the program began; never goes back.
    pub now_ms: u64,
    /// Wall clock.
    pub unix_ms: u64,
    /// Seconds east of UTC, for the times beside turns.
    pub utc_offset_s: i32,
    state: Cell<u64>,
}

impl Env {
    pub fn new(now_ms: u64, unix_ms: u64, utc_offset_s: i32, seed: u64) -> Self {
        Self { now_ms, unix_ms, utc_offset_s, state: Cell::new(seed) }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): enough for ids, which carry the time as well.
    fn draw(&self) -> u64 {
        let state = self.state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.state.set(state);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn bytes(&self) -> [u8; 10] {
        let (a, b) = (self.draw().to_le_bytes(), self.draw().to_le_bytes());
        [a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], b[0], b[1]]
    }

    pub fn node(&self) -> NodeId {
        NodeId::new(self.unix_ms, self.bytes())
    }

    pub fn conversation(&self) -> ConversationId {
        ConversationId::new(self.unix_ms, self.bytes())
    }
}
