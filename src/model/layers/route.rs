//! Which experts each token goes to, and with what weight.

use super::super::kernels::KernelSet;
use super::super::plan::{ExpertsPlan, Gating, Groups};
use super::Pass;
use super::activation::{sigmoid, softplus};

/// Divides no sum smaller than the least normal F16 (llama.cpp src/llama-graph.cpp, build_moe_ffn).
const WEIGHT_SUM_MIN: f32 = 6.103_515_6e-5;

/// Rows to a thread's claim: some microseconds of work.
const ROWS_EACH: usize = 8;

/// One expert's share of a token: (expert, token's row, weight).
pub type Share = (usize, usize, f32);

/// The rules of one router.
pub struct Route {
    n_used: usize,
    /// Experts of each id, n_used of them, or empty.
    by_id: Vec<u32>,
    n_sharing: usize,
    gating: Gating,
    /// Added for the choice alone, [n_expert] or empty.
    choice_bias: Vec<f32>,
    groups: Option<Groups>,
    renormalize: bool,
    scale: f32,
}

impl Route {
    pub fn new(plan: &ExpertsPlan, choice_bias: Vec<f32>, by_id: Vec<u32>) -> Self {
        let ExpertsPlan { n_used, n_sharing, gating, groups, renormalize, scale, .. } = *plan;
        Self { n_used, by_id, n_sharing, gating, choice_bias, groups, renormalize, scale }
    }

    /// Chooses the experts of each row of the pass from its router logits, or its id, sorted by expert.
    pub fn choose(&self, pass: &Pass, logits: &[f32], n_expert: usize, shares: &mut Vec<Share>) {
        let (set, kernels) = (pass.compute.set(), pass.compute.kernels());
        let mut of_rows: Vec<Share> = vec![(0, 0, 0.0); pass.rows * self.n_used];
        kernels.each_rows(&mut of_rows, self.n_used, ROWS_EACH, |r, of_row| {
            let mut row = logits[r * n_expert..][..n_expert].to_vec();
            self.choose_for(set, &mut row, (r, pass.ids[r]), of_row);
        });
        // Tokens stay in their order, so that sums do.
        let mut ends = vec![0; n_expert];
        of_rows.iter().for_each(|share| ends[share.0] += 1);
        let mut sum = 0;
        ends.iter_mut().for_each(|end| sum = std::mem::replace(end, sum) + sum);
        shares.clear();
        shares.resize(of_rows.len(), (0, 0, 0.0));
        for share in of_rows {
            shares[ends[share.0]] = share;
            ends[share.0] += 1;
        }
    }

    fn choose_for(&self, set: &KernelSet, row: &mut [f32], (r, id): (usize, u32), shares: &mut [Share]) {
        let mut choice = Vec::with_capacity(row.len());
        self.weigh(set, row, &mut choice);
        choice.iter_mut().zip(&self.choice_bias).for_each(|(c, b)| *c += b);
        if let Some(groups) = self.groups {
            leave_out(set, groups, &mut choice);
        }
        let at = id as usize * self.n_used;
        let known = self.by_id.get(at..at + self.n_used).unwrap_or_default();
        for (i, share) in shares.iter_mut().enumerate() {
            let expert = known.get(i).map_or_else(
                || {
                    let best = best(set, &choice);
                    choice[best] = f32::NEG_INFINITY;
                    best / self.n_sharing
                },
                |&expert| expert as usize,
            );
            *share = (expert, r, row[expert]);
        }
        self.share_out(set, shares);
    }

    /// Logits become weights; `choice` gets what the choice is made by.
    fn weigh(&self, set: &KernelSet, row: &mut [f32], choice: &mut Vec<f32>) {
        match self.gating {
            Gating::Softmax => set.softmax(row),
            Gating::Sigmoid => row.iter_mut().for_each(|x| *x = sigmoid(*x)),
            Gating::SqrtSoftplus => row.iter_mut().for_each(|x| *x = softplus(*x).sqrt()),
            Gating::SoftmaxOfChosen => {}
            Gating::SigmoidOfInput => {
                choice.extend_from_slice(row);
                row.iter_mut().for_each(|x| *x = sigmoid(*x));
                return;
            }
            Gating::SoftmaxChosenBySigmoid => {
                choice.extend(row.iter().map(|x| sigmoid(*x)));
                return set.softmax(row);
            }
        }
        choice.extend_from_slice(row);
    }

    fn share_out(&self, set: &KernelSet, shares: &mut [Share]) {
        if self.gating == Gating::SoftmaxOfChosen {
            let mut weights: Vec<f32> = shares.iter().map(|s| s.2).collect();
            set.softmax(&mut weights);
            shares.iter_mut().zip(weights).for_each(|(s, w)| s.2 = w);
        }
        if self.renormalize {
            let sum = shares.iter().map(|s| s.2).sum::<f32>().max(WEIGHT_SUM_MIN);
            shares.iter_mut().for_each(|s| s.2 /= sum);
        }
        shares.iter_mut().for_each(|s| s.2 *= self.scale);
    }
}

/// The first of the largest, as a stable sort would give; the first of all where nothing is a number.
fn best(set: &KernelSet, values: &[f32]) -> usize {
    let top = set.max(values);
    values.iter().position(|value| *value == top).unwrap_or(0)
}

/// Experts outside the best groups are out of the choice. A group is as good as the sum of its two best.
fn leave_out(set: &KernelSet, groups: Groups, choice: &mut [f32]) {
    let size = choice.len() / groups.n;
    let two_best = |group: &[f32]| {
        let (first, second) = group.iter().fold((f32::NEG_INFINITY, f32::NEG_INFINITY), |(a, b), &x| match x {
            x if x > a => (x, a),
            x if x > b => (a, x),
            _ => (a, b),
        });
        if second == f32::NEG_INFINITY { first } else { first + second }
    };
    let mut scores: Vec<f32> = choice.chunks_exact(size).map(two_best).collect();
    let mut kept = vec![false; groups.n];
    for _ in 0..groups.n_used {
        let at = best(set, &scores);
        (kept[at], scores[at]) = (true, f32::NEG_INFINITY);
    }
    for (group, _) in choice.chunks_exact_mut(size).zip(kept).filter(|(_, kept)| !kept) {
        group.fill(f32::NEG_INFINITY);
    }
}
