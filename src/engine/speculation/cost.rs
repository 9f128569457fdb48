//! What passes of few rows take, and how many drafted tokens pay by that.

use super::DRAFT_MAX;

/// Rows of a pass at most: the token that is certain, and what is drafted behind it.
const ROWS_MAX: usize = 1 + DRAFT_MAX;
/// The share of a pass of one row that each further one takes, where nothing was measured.
const ROW_EXPECTED: f64 = 0.15;
/// How far a new figure moves the old one. Others on the machine only ever make a pass longer, so a shorter one is believed
/// sooner.
const TOWARDS_SHORTER: f64 = 0.5;
const TOWARDS_LONGER: f64 = 0.125;
/// After so many passes a figure is one of another time: what did not pay is tried again.
const STALE_PASSES: u64 = 256;
/// A pass of one row, that all others are held against, is measured at least this often.
const ALONE_EVERY: u64 = 64;
/// What drafting must promise beyond decoding without it, since figures are not exact.
const MARGIN: f64 = 1.02;

/// A time that was measured again and again.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub ms: f64,
    /// Number of the pass.
    at: u64,
}

impl Measured {
    pub fn again(old: Option<Self>, ms: f64, at: u64) -> Self {
        let Some(old) = old else { return Self { ms, at } };
        let share = if ms < old.ms { TOWARDS_SHORTER } else { TOWARDS_LONGER };
        // One that waited for something else says little.
        let ms = ms.min(2.0 * old.ms);
        Self { ms: old.ms + share * (ms - old.ms), at }
    }
}

/// Kept with a loaded model.
#[derive(Debug, Default)]
pub struct PassCost {
    /// For passes of 1, 2, .. rows.
    measured: [Option<Measured>; ROWS_MAX],
    passes: u64,
}

impl PassCost {
    /// A pass of so many rows took so long.
    pub fn took(&mut self, rows: usize, ms: f64) {
        self.passes += 1;
        if let Some(measured) = rows.checked_sub(1).and_then(|i| self.measured.get_mut(i)) {
            *measured = Some(Measured::again(*measured, ms, self.passes));
        }
    }

    fn is_fresh(&self, measured: &Measured) -> bool {
        self.passes - measured.at < STALE_PASSES
    }

    /// What a pass of 1, 2, .. rows takes, as a multiple of one of one row, and how many of these may be tried: not many
    /// more than were measured lately. Nothing before a pass of one row was measured.
    fn shape(&self) -> Option<([f64; ROWS_MAX], usize)> {
        let alone = self.measured[0]?;
        let mut known = (1, 1.0);
        let mut shape = [1.0; ROWS_MAX];
        for (rows, measured) in (1..).zip(&self.measured).skip(1) {
            match measured.filter(|m| self.is_fresh(m)) {
                Some(m) => {
                    known = (rows, f64::max(1.0, m.ms / alone.ms));
                    shape[rows - 1] = known.1;
                }
                // As the last known one says for each row beyond the first.
                None => {
                    let each = if known.0 > 1 { (known.1 - 1.0) / (known.0 - 1) as f64 } else { ROW_EXPECTED };
                    shape[rows - 1] = 1.0 + each * (rows - 1) as f64;
                }
            }
        }
        Some((shape, 2 * known.0))
    }

    /// What passes of 1, 2, .. rows took, milliseconds; none where there was none.
    pub fn measured_ms(&self) -> [Option<f64>; ROWS_MAX] {
        self.measured.map(|measured| measured.map(|m| m.ms))
    }

    /// What a pass of one row takes, milliseconds.
    pub fn alone_ms(&self) -> Option<f64> {
        self.measured[0].map(|alone| alone.ms)
    }

    /// Whether a pass of one row was measured lately.
    pub fn is_known(&self) -> bool {
        self.measured[0].is_some_and(|alone| self.passes - alone.at < ALONE_EVERY)
    }

    /// How many tokens to draft, of which each is as likely to be right as `chances` say, given those before it, and takes
    /// `ms_each` to guess: so many that most tokens come in a time; and how many come in that of one. 0 where drafting does
    /// not pay.
    pub fn best(&self, chances: impl Iterator<Item = f64>, ms_each: f64) -> (usize, f64) {
        let (Some((shape, rows_max)), Some(alone)) = (self.shape(), self.measured[0]) else { return (0, 1.0) };
        let (mut best, mut best_rate) = (0, MARGIN);
        let (mut likely, mut tokens) = (1.0, 1.0);
        for (drafted, chance) in (1..rows_max.min(ROWS_MAX)).zip(chances) {
            likely *= chance;
            tokens += likely;
            let rate = tokens / (shape[drafted] + drafted as f64 * ms_each / alone.ms);
            if rate > best_rate {
                (best, best_rate) = (drafted, rate);
            }
        }
        (best, best_rate)
    }
}
