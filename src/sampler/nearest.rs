//! Keeping the nearest of a whole vocabulary without sorting it: by a histogram of distances.

use super::candidates::Candidate;
use super::lanes::CHUNK;

/// What ranks tokens, and what is summed until it is enough, both of a logit. What is ruled out weighs 0.
pub(super) struct Measure<D, W, E> {
    pub(super) distance: D,
    pub(super) weight: W,
    pub(super) enough: E,
}

/// Distances are told apart to this fineness before anything is sorted.
const BUCKETS_PER_UNIT: f32 = 8.0;
/// What is farther than the last bucket (a weight of e^-128) is in it.
const BUCKETS: usize = 1024;

#[inline(always)]
fn bucket(distance: f32) -> i32 {
    const FARTHEST: f32 = (BUCKETS - 1) as f32;
    let at = distance * BUCKETS_PER_UNIT;
    (if at < FARTHEST { at } else { FARTHEST }) as i32
}

impl<D: Fn(f32) -> f32, W: Fn(f32) -> f32, E: Fn(f64) -> bool> Measure<D, W, E> {
    /// The fewest with the least distances whose weights are together enough, nearest first. `sum` has been weighed
    /// before.
    pub(super) fn nearest(&self, candidates: impl Iterator<Item = Candidate>, mut sum: f64) -> Vec<Candidate> {
        let mut nearest: Vec<(f32, Candidate)> = candidates.map(|c| ((self.distance)(c.logit), c)).collect();
        nearest.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.order(&b.1)));
        let last = nearest.iter().position(|(_, c)| {
            sum += f64::from((self.weight)(c.logit));
            (self.enough)(sum)
        });
        nearest.truncate(last.map_or(nearest.len(), |last| last + 1));
        nearest.into_iter().map(|(_, c)| c).collect()
    }

    /// Rules out all of a vocabulary but those.
    pub(super) fn mask_others(&self, logits: &mut [f32]) {
        let sums = self.histogram(logits);
        let mut before = 0.0;
        let edge = sums.iter().position(|sum| {
            let reached = (self.enough)(before + sum);
            before += if reached { 0.0 } else { *sum };
            reached
        });
        let Some(edge) = edge.and_then(|edge| i32::try_from(edge).ok()) else { return };
        // Only in the bucket where the sum is reached does it matter which token comes first.
        let mut crossing = Vec::new();
        for (at, part) in logits.chunks_mut(CHUNK).enumerate() {
            let buckets = self.buckets(part);
            for (id, (bucket, logit)) in ((at * CHUNK) as u32..).zip(buckets.iter().zip(part.iter())) {
                if *bucket == edge && *logit > f32::NEG_INFINITY {
                    crossing.push(Candidate { id, logit: *logit });
                }
            }
            for (bucket, logit) in buckets.iter().zip(part) {
                *logit = if *bucket >= edge { f32::NEG_INFINITY } else { *logit };
            }
        }
        for kept in self.nearest(crossing.into_iter(), before) {
            logits[kept.id as usize] = kept.logit;
        }
    }

    fn buckets(&self, part: &[f32]) -> [i32; CHUNK] {
        let mut buckets = [0; CHUNK];
        for (bucket_of, logit) in buckets.iter_mut().zip(part) {
            *bucket_of = bucket((self.distance)(*logit));
        }
        buckets
    }

    /// The weight of all at each distance.
    fn histogram(&self, logits: &[f32]) -> Vec<f64> {
        let mut sums = vec![0.0_f64; BUCKETS];
        for part in logits.chunks(CHUNK) {
            let mut weights = [0.0_f32; CHUNK];
            for (weight, logit) in weights.iter_mut().zip(part) {
                *weight = (self.weight)(*logit);
            }
            let buckets = self.buckets(part);
            for (at, weight) in buckets.iter().zip(&weights).take(part.len()) {
                sums[*at as usize] += f64::from(*weight);
            }
        }
        sums
    }
}
