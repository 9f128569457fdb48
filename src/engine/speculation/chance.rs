//! How often a kind of guess came true of late.

/// What each new guess leaves of the weight of those before it: about the last 32 count.
const KEPT: f64 = 31.0 / 32.0;
/// Guesses that an expectation counts for before there are any.
const EXPECTED_WEIGHT: f64 = 4.0;

#[derive(Debug, Clone, Copy)]
pub struct Chance {
    hits: f64,
    guesses: f64,
}

impl Chance {
    pub fn expected(rate: f64) -> Self {
        Self { hits: rate * EXPECTED_WEIGHT, guesses: EXPECTED_WEIGHT }
    }

    pub fn see(&mut self, hit: bool) {
        self.hits = self.hits * KEPT + if hit { 1.0 } else { 0.0 };
        self.guesses = self.guesses * KEPT + 1.0;
    }

    pub fn rate(self) -> f64 {
        self.hits / self.guesses
    }
}
