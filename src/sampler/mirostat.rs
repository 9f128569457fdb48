//! Mirostat: keeps the surprise of the text near a target by moving where the unlikely tokens are cut off (Basu et al.
//! 2021). It stands instead of the chain, but for the temperature.

use super::candidates::Candidates;
use super::rng::Rng;
use crate::protocol::Sampling;
use std::f64::consts::LN_2;

/// Version 1 estimates how fast probabilities fall from so many of the likeliest tokens.
const ESTIMATED_FROM: usize = 100;

#[derive(Debug, Clone, Copy)]
pub(super) struct Mirostat {
    version: u8,
    /// The surprise to aim at, bits.
    tau: f64,
    eta: f64,
    /// The greatest surprise allowed now, bits.
    mu: f64,
}

impl Mirostat {
    /// Nothing where the chain counts.
    pub(super) fn new(sampling: &Sampling) -> Option<Self> {
        let (tau, eta) = (f64::from(sampling.mirostat_tau), f64::from(sampling.mirostat_eta));
        (sampling.mirostat > 0).then_some(Self { version: sampling.mirostat, tau, eta, mu: 2.0 * tau })
    }

    pub(super) fn draw(&mut self, candidates: &mut Candidates<'_>, n_vocab: usize, rng: &mut Rng) -> Option<u32> {
        if self.version == 1 {
            let k = self.k(candidates, n_vocab);
            candidates.keep_top(k);
        } else {
            self.cut(candidates);
        }
        let (id, share) = candidates.draw(rng.unit())?;
        self.mu -= self.eta * (-share.log2() - self.tau);
        Some(id)
    }

    #[cfg(test)]
    pub(super) fn mu(&self) -> f64 {
        self.mu
    }

    /// Drops tokens of more surprise than is allowed, but never the likeliest.
    fn cut(&self, candidates: &mut Candidates<'_>) {
        let max = candidates.max();
        let allowed = candidates.distance_of_share((-self.mu * LN_2).exp(), max);
        if allowed < 0.0 {
            candidates.keep_top(1);
        } else {
            candidates.keep_from(max - allowed);
        }
    }

    /// How many tokens to keep: the probabilities are taken to fall as those of words do (Zipf's law), with an exponent
    /// estimated from the likeliest.
    fn k(&self, candidates: &Candidates<'_>, n_vocab: usize) -> usize {
        let likeliest = candidates.top(ESTIMATED_FROM);
        let temperature = f64::from(candidates.temperature());
        let (mut both, mut square) = (0.0, 0.0);
        for (i, pair) in likeliest.windows(2).enumerate() {
            let ratio = ((i + 2) as f64 / (i + 1) as f64).ln();
            both += ratio * f64::from(pair[0].logit - pair[1].logit) / temperature;
            square += ratio * ratio;
        }
        let exponent = both / square;
        let epsilon = exponent - 1.0;
        let k = (epsilon * self.mu.exp2() / (1.0 - (n_vocab as f64).powf(-epsilon))).powf(1.0 / exponent);
        // No number, where there is one token alone, becomes 0.
        (k as usize).max(1)
    }
}
