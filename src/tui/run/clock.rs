//! The loop's clock and dice: what `Env` is made from.

use crate::tui::app::Env;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub struct Clock {
    began: Instant,
    utc_offset_s: i32,
    /// Advances with every call, so that no two get the same ids.
    n: u64,
    seed: u64,
}

impl Clock {
    pub fn start() -> Self {
        let seed = uuid::Uuid::now_v7().as_u128();
        let utc_offset_s = jiff::Zoned::now().offset().seconds();
        Self { began: now(), utc_offset_s, n: 0, seed: (seed ^ (seed >> 64)) as u64 }
    }

    pub fn env(&mut self) -> Env {
        self.n += 1;
        let seed = self.seed.wrapping_add(self.n.wrapping_mul(0x2545_f491_4f6c_dd1d));
        Env::new(self.now_ms(), unix_ms(), self.utc_offset_s, seed)
    }

    pub fn now_ms(&self) -> u64 {
        u64::try_from(now().duration_since(self.began).as_millis()).unwrap_or(u64::MAX)
    }

    /// The moment of a time in `Env`'s milliseconds.
    pub fn at(&self, ms: u64) -> Instant {
        self.began + Duration::from_millis(ms)
    }
}

#[allow(clippy::disallowed_methods)] // the loop is where time comes in
pub fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods)] // the loop is where time comes in
pub fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}
