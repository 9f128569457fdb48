//! The tokens that can still be chosen.

use std::cmp::Ordering;

/// A token and its logit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) id: u32,
    pub(super) logit: f32,
}

impl Candidate {
    /// The likelier first, among equals the lower id: there is one order, whatever way a list was made.
    fn order(&self, other: &Self) -> Ordering {
        other.logit.total_cmp(&self.logit).then(self.id.cmp(&other.id))
    }
}

/// Lists shorter than this are not worth a threshold.
const BUFFER_MIN: usize = 256;

/// A subset of the vocabulary: all of it, or a list. Every rule of the chain keeps the likeliest so many, so a list is
/// always the beginning of the vocabulary in `Candidate::order`.
pub(super) struct Candidates<'l> {
    /// Of the whole vocabulary, finite or minus infinity.
    logits: &'l [f32],
    /// Absent: all. In order.
    list: Option<Vec<Candidate>>,
    /// Logits are divided by this when they become weights.
    temperature: f32,
}

impl<'l> Candidates<'l> {
    pub(super) fn new(logits: &'l [f32]) -> Self {
        Self { logits, list: None, temperature: 1.0 }
    }

    /// The greatest logit.
    pub(super) fn max(&self) -> f32 {
        match &self.list {
            Some(list) => list.first().map_or(f32::NEG_INFINITY, |c| c.logit),
            None => self.logits.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        }
    }

    /// Keeps the `n` likeliest.
    pub(super) fn keep_top(&mut self, n: usize) {
        match &mut self.list {
            Some(list) => list.truncate(n),
            None if n < self.logits.len() => self.list = Some(top(self.logits, n)),
            None => {}
        }
    }

    /// Keeps those whose logit is `least` or more.
    pub(super) fn keep_from(&mut self, least: f32) {
        match &mut self.list {
            Some(list) => list.truncate(list.partition_point(|c| c.logit >= least)),
            None => {
                let wanted = |(id, &logit): (usize, &f32)| (logit >= least).then_some(Candidate { id: id as u32, logit });
                let mut list: Vec<_> = self.logits.iter().enumerate().filter_map(wanted).collect();
                list.sort_unstable_by(Candidate::order);
                self.list = Some(list);
            }
        }
    }

    /// Keeps the likeliest that together have at least the share `p` of all weight, one at least.
    pub(super) fn keep_share(&mut self, p: f32) {
        let max = self.max();
        let weight = |logit: f32| f64::from((logit - max).exp());
        match &mut self.list {
            Some(list) => {
                let wanted = f64::from(p) * list.iter().map(|c| weight(c.logit)).sum::<f64>();
                let n = reach(list, wanted, weight).unwrap_or(list.len());
                list.truncate(n);
            }
            None => {
                let wanted = f64::from(p) * self.logits.iter().map(|l| weight(*l)).sum::<f64>();
                // Nearly always a few hundred are enough; each further try costs one pass over the logits.
                let mut n = BUFFER_MIN;
                self.list = Some(loop {
                    let mut list = top(self.logits, n.min(self.logits.len()));
                    if let Some(enough) = reach(&list, wanted, weight) {
                        list.truncate(enough);
                        break list;
                    }
                    if n >= self.logits.len() {
                        break list;
                    }
                    n *= 4;
                });
            }
        }
    }

    pub(super) fn set_temperature(&mut self, temperature: f32) {
        self.temperature = temperature;
    }

    /// Hands over id and weight of each, until `enough` says so. The greatest weight is 1.
    pub(super) fn weights(&self, mut enough: impl FnMut(u32, f64) -> bool) {
        let max = self.max();
        let weight = |logit: f32| f64::from(((logit - max) / self.temperature).exp());
        match &self.list {
            Some(list) => drop(list.iter().find(|c| enough(c.id, weight(c.logit)))),
            None => drop((0..).zip(self.logits).find(|(id, logit)| enough(*id, weight(**logit)))),
        }
    }
}

/// How many of a list it takes to reach a weight.
fn reach(list: &[Candidate], wanted: f64, weight: impl Fn(f32) -> f64) -> Option<usize> {
    let mut sum = 0.0;
    list.iter()
        .position(|c| {
            sum += weight(c.logit);
            sum >= wanted
        })
        .map(|i| i + 1)
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
    for (id, &logit) in (0..).zip(logits) {
        if logit > least {
            list.push(Candidate { id, logit });
            if list.len() == capacity {
                list.select_nth_unstable_by(n - 1, Candidate::order);
                list.truncate(n);
                least = list[n - 1].logit;
            }
        }
    }
    list.sort_unstable_by(Candidate::order);
    list.truncate(n);
    list
}
