//! The tokens that can still be chosen.

use super::error::SamplerError;
use super::lanes::{self, CHUNK};
use super::nearest::Measure;
use std::cmp::Ordering;

/// A token and its logit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) id: u32,
    pub(super) logit: f32,
}

impl Candidate {
    /// The likelier first, among equals the lower id: there is one order, whatever way a list was made.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        other.logit.total_cmp(&self.logit).then(self.id.cmp(&other.id))
    }
}

/// Lists shorter than this are not worth a threshold.
const BUFFER_MIN: usize = 256;
/// Longer lists are not made: what they would leave out is ruled out where it stands.
pub(super) const LIST_MAX: usize = 4096;

/// A subset of the vocabulary: all of it that is not ruled out, or a list in `Candidate::order`.
pub(super) struct Candidates<'w> {
    /// Of the whole vocabulary, finite or minus infinity. Without meaning once there is a list.
    logits: &'w mut [f32],
    list: Option<Vec<Candidate>>,
    /// Logits are divided by this when they become weights.
    temperature: f32,
}

impl<'w> Candidates<'w> {
    pub(super) fn new(logits: &'w mut [f32]) -> Self {
        Self { logits, list: None, temperature: 1.0 }
    }

    /// The greatest logit.
    pub(super) fn max(&self) -> f32 {
        match &self.list {
            Some(list) => list.first().map_or(f32::NEG_INFINITY, |c| c.logit),
            None => lanes::max(self.logits),
        }
    }

    /// How many are left.
    pub(super) fn n(&self) -> usize {
        self.list.as_ref().map_or_else(|| lanes::count_possible(self.logits), Vec::len)
    }

    /// The sum of all weights; the greatest of them is 1.
    pub(super) fn total(&self, max: f32) -> f64 {
        match &self.list {
            Some(list) => list.iter().map(|c| self.weight(c.logit, max)).sum(),
            None => lanes::total(self.logits, max, self.temperature),
        }
    }

    fn weight(&self, logit: f32, max: f32) -> f64 {
        f64::from(lanes::exp((logit - max) / self.temperature))
    }

    /// Shannon's entropy in nats.
    pub(super) fn entropy(&self) -> f64 {
        let max = self.max();
        self.entropy_of(max, self.total(max))
    }

    fn entropy_of(&self, max: f32, total: f64) -> f64 {
        let logs = match &self.list {
            Some(list) => list.iter().map(|c| self.weight(c.logit, max) * f64::from((c.logit - max) / self.temperature)).sum(),
            None => lanes::weighted_logs(self.logits, max, self.temperature),
        };
        total.ln() - logs / total
    }

    /// Standard deviation of the logits.
    pub(super) fn deviation(&self) -> Option<f64> {
        let spread = match &self.list {
            Some(list) => lanes::spread(&list.iter().map(|c| c.logit).collect::<Vec<_>>()),
            None => lanes::spread(self.logits),
        };
        spread.map(|(_, deviation)| deviation)
    }

    /// How far below the greatest a logit lies whose weight is `share` of the total's.
    pub(super) fn distance_of_share(&self, share: f64, max: f32) -> f32 {
        -((share * self.total(max)).ln() as f32) * self.temperature
    }

    /// The logit that weighs `ratio` of the greatest.
    pub(super) fn logit_of_ratio(&self, ratio: f32) -> f32 {
        self.max() + ratio.ln() * self.temperature
    }

    /// Gives tokens another logit. Those that are not there any more are passed over.
    pub(super) fn change(&mut self, ids: impl Iterator<Item = u32>, to: impl Fn(u32, f32) -> f32) -> Result<(), SamplerError> {
        self.flatten();
        let mut wrong = Ok(());
        let mut set = |id: u32, logit: &mut f32| {
            if *logit == f32::NEG_INFINITY {
                return;
            }
            *logit = to(id, *logit);
            if logit.is_nan() || *logit == f32::INFINITY {
                wrong = Err(SamplerError::Changed { id, value: *logit });
            }
        };
        match &mut self.list {
            None => ids.for_each(|id| {
                if let Some(logit) = self.logits.get_mut(id as usize) {
                    set(id, logit);
                }
            }),
            Some(list) => {
                ids.for_each(|id| list.iter_mut().filter(|c| c.id == id).for_each(|c| set(id, &mut c.logit)));
                list.retain(|c| c.logit > f32::NEG_INFINITY);
                list.sort_unstable_by(Candidate::order);
            }
        }
        wrong
    }

    /// The temperature becomes part of the logits.
    fn flatten(&mut self) {
        if self.temperature != 1.0 {
            match &mut self.list {
                Some(list) => list.iter_mut().for_each(|c| c.logit /= self.temperature),
                None => self.logits.iter_mut().for_each(|l| *l /= self.temperature),
            }
            self.temperature = 1.0;
        }
    }

    /// Keeps the `n` likeliest.
    pub(super) fn keep_top(&mut self, n: usize) {
        match &mut self.list {
            Some(list) => list.truncate(n),
            None if n <= LIST_MAX => self.list = Some(top(self.logits, n)),
            None if n < self.logits.len() => {
                let max = self.max();
                let distance = |logit: f32| max - logit;
                let weight = |logit: f32| if logit > f32::NEG_INFINITY { 1.0 } else { 0.0 };
                self.keep_nearest(&Measure { distance, weight, enough: |n_kept| n_kept >= n as f64 });
            }
            None => {}
        }
    }

    /// Keeps those whose logit is `least` or more.
    pub(super) fn keep_from(&mut self, least: f32) {
        match &mut self.list {
            Some(list) => list.truncate(list.partition_point(|c| c.logit >= least)),
            None if lanes::count_from(self.logits, least) <= LIST_MAX => {
                let mut list = Vec::new();
                each_from(self.logits, least, |c| list.push(c));
                list.sort_unstable_by(Candidate::order);
                self.list = Some(list);
            }
            None => lanes::mask_below(self.logits, least),
        }
    }

    /// Keeps the likeliest that together have at least the share `p` of all weight, one at least.
    pub(super) fn keep_share(&mut self, p: f32) {
        let max = self.max();
        let wanted = f64::from(p) * self.total(max);
        let temperature = self.temperature;
        let reach = |list: &[Candidate]| {
            let mut sum = 0.0;
            let short = |c: &&Candidate| {
                let short = sum < wanted;
                sum += f64::from(lanes::exp((c.logit - max) / temperature));
                short
            };
            let n = list.iter().take_while(short).count();
            // `sum` holds one more than was taken where it was not short.
            (sum >= wanted).then_some(n.max(1))
        };
        match &mut self.list {
            Some(list) => list.truncate(reach(list).unwrap_or(list.len())),
            None => {
                // Nearly always a few hundred are enough.
                let mut list = top(self.logits, BUFFER_MIN);
                if let Some(enough) = reach(&list) {
                    list.truncate(enough);
                    self.list = Some(list);
                    return;
                }
                let distance = |logit: f32| (max - logit) / temperature;
                let weight = |logit: f32| lanes::exp((logit - max) / temperature);
                self.keep_nearest(&Measure { distance, weight, enough: |sum| sum >= wanted });
            }
        }
    }

    /// Keeps the most typical tokens, those whose surprise is nearest to the entropy, until they have more than the
    /// share `p` of all weight.
    pub(super) fn keep_typical(&mut self, p: f32) {
        let max = self.max();
        let total = self.total(max);
        let wanted = f64::from(p) * total;
        // The surprise of a token is ln total minus the logarithm of its weight.
        let level = (total.ln() - self.entropy_of(max, total)) as f32;
        let temperature = self.temperature;
        let distance = |logit: f32| (level - (logit - max) / temperature).abs();
        let weight = |logit: f32| lanes::exp((logit - max) / temperature);
        self.keep_nearest(&Measure { distance, weight, enough: |sum| sum > wanted });
    }

    fn keep_nearest<D: Fn(f32) -> f32, W: Fn(f32) -> f32, E: Fn(f64) -> bool>(&mut self, measure: &Measure<D, W, E>) {
        match &mut self.list {
            Some(list) => {
                *list = measure.nearest(list.drain(..), 0.0);
                list.sort_unstable_by(Candidate::order);
            }
            None => measure.mask_others(self.logits),
        }
    }

    /// Of the tokens whose logit is `least` or more, keeps the least likely one, and all that are below.
    pub(super) fn drop_all_but_last_from(&mut self, least: f32) {
        match &mut self.list {
            Some(list) => {
                let n = list.partition_point(|c| c.logit >= least);
                drop(list.drain(..n.saturating_sub(1)));
            }
            None => {
                let mut last: Option<Candidate> = None;
                each_from(self.logits, least, |c| {
                    last = Some(last.filter(|l| l.order(&c) == Ordering::Greater).unwrap_or(c));
                });
                let Some(last) = last else { return };
                for (id, logit) in (0..).zip(self.logits.iter_mut()) {
                    if *logit >= least && id != last.id {
                        *logit = f32::NEG_INFINITY;
                    }
                }
            }
        }
    }

    /// The list that is left, likeliest first, where there are at most `n`; else the `n` likeliest.
    pub(super) fn top(&self, n: usize) -> Vec<Candidate> {
        match &self.list {
            Some(list) => list.iter().take(n).copied().collect(),
            None => top(self.logits, n),
        }
    }

    /// Flattens or sharpens what the temperatures before made of the weights.
    pub(super) fn set_temperature(&mut self, temperature: f32) {
        self.temperature *= temperature;
    }

    pub(super) fn temperature(&self) -> f32 {
        self.temperature
    }

    /// A token by its weight, and its share of all weight; `unit` is from 0 to just below 1. Nothing where nothing has
    /// any weight.
    pub(super) fn draw(&self, unit: f64) -> Option<(u32, f64)> {
        let max = self.max();
        if max == f32::NEG_INFINITY {
            return None;
        }
        match &self.list {
            Some(list) => {
                let total = self.total(max);
                let weights = list.iter().map(|c| (c.id, self.weight(c.logit, max)));
                pick(weights, unit * total).map(|(id, weight)| (id, weight / total))
            }
            None => {
                let chunk = |(at, part)| (at as u32, lanes::chunk_weight(part, max, self.temperature));
                let chunks: Vec<(u32, f64)> = self.logits.chunks(CHUNK).enumerate().map(chunk).collect();
                let total: f64 = chunks.iter().map(|(_, weight)| weight).sum();
                let target = unit * total;
                let (at, _) = pick(chunks.iter().copied(), target)?;
                let before: f64 = chunks.iter().take(at as usize).map(|(_, weight)| weight).sum();
                let first = at as usize * CHUNK;
                let part = self.logits.iter().skip(first).take(CHUNK);
                let weights = (first as u32..).zip(part).map(|(id, logit)| (id, self.weight(*logit, max)));
                pick(weights, target - before).map(|(id, weight)| (id, weight / total))
            }
        }
    }
}

/// The first at which the sum of weights exceeds the target. Rounding may leave the sum short of it: then it is the last
/// that has any weight.
fn pick(weights: impl Iterator<Item = (u32, f64)>, target: f64) -> Option<(u32, f64)> {
    let (mut sum, mut picked) = (0.0, None);
    for (id, weight) in weights {
        sum += weight;
        picked = if weight > 0.0 { Some((id, weight)) } else { picked };
        if sum > target {
            break;
        }
    }
    picked
}

/// Hands over every token whose logit is `least` or more and which is not ruled out.
fn each_from(logits: &[f32], least: f32, mut each: impl FnMut(Candidate)) {
    for (at, part) in logits.chunks(CHUNK).enumerate() {
        if lanes::count_from(part, least) > 0 {
            for (id, &logit) in ((at * CHUNK) as u32..).zip(part) {
                if logit >= least && logit > f32::NEG_INFINITY {
                    each(Candidate { id, logit });
                }
            }
        }
    }
}

/// The `n` likeliest of a vocabulary, in order; none that is ruled out. Only logits above the least of the best so far
/// enter the buffer, and it is cut back to `n` whenever it is full.
pub(super) fn top(logits: &[f32], n: usize) -> Vec<Candidate> {
    if n == 0 {
        return Vec::new();
    }
    let capacity = n.saturating_mul(2).max(BUFFER_MIN);
    let mut list: Vec<Candidate> = Vec::with_capacity(capacity.min(logits.len()));
    let mut least = f32::NEG_INFINITY;
    for (at, part) in logits.chunks(CHUNK).enumerate() {
        if lanes::max(part) <= least {
            continue;
        }
        for (id, &logit) in ((at * CHUNK) as u32..).zip(part) {
            if logit > least {
                list.push(Candidate { id, logit });
                if list.len() == capacity {
                    list.select_nth_unstable_by(n - 1, Candidate::order);
                    list.truncate(n);
                    least = list[n - 1].logit;
                }
            }
        }
    }
    list.sort_unstable_by(Candidate::order);
    list.truncate(n);
    list
}
