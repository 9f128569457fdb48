//! Selective scans: a state that decays by what each token says, and is read by what it says.

use super::super::super::plan::{ChannelScanPlan, HeadScanPlan, ScanSource, TensorError};
use super::super::super::weight::{Linear, Norm, vector};
use super::super::activation::softplus;
use super::conv::Conv;
use super::{Buffers, Pass, State, apply, silu};
use crate::gguf::Gguf;

pub struct ChannelScan {
    plan: ChannelScanPlan,
    input: Linear,
    conv: Conv,
    select: Linear,
    step: Linear,
    norms: Option<[Norm; 3]>,
    a: Vec<f32>,
    d: Vec<f32>,
    out: Linear,
}

impl ChannelScan {
    pub fn bind(file: &Gguf, plan: &ChannelScanPlan) -> Result<Self, TensorError> {
        let norms = match &plan.norms {
            Some([step, b, c]) => Some([Norm::bind(file, step)?, Norm::bind(file, b)?, Norm::bind(file, c)?]),
            None => None,
        };
        Ok(Self {
            input: Linear::bind(file, &plan.input)?,
            conv: Conv::bind(file, &plan.conv)?,
            select: Linear::bind(file, &plan.select)?,
            step: Linear::bind(file, &plan.step)?,
            norms,
            a: vector(file, &plan.a)?,
            d: vector(file, &plan.d)?,
            out: Linear::bind(file, &plan.out)?,
            plan: plan.clone(),
        })
    }

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers) {
        let (n, n_state, n_rank) = (self.plan.n_inner, self.plan.n_state, self.plan.n_rank);
        apply(pass, &self.input, x, &mut b.input);
        b.mixed.clear();
        b.input.chunks_exact(2 * n).for_each(|row| b.mixed.extend_from_slice(&row[..n]));
        self.conv.run(state.conv, &mut b.mixed, silu);
        apply(pass, &self.select, &b.mixed, &mut b.select);
        let width = n_rank + 2 * n_state;
        if let Some(norms) = &self.norms {
            let mut before = vec![0.0; width];
            for row in b.select.chunks_exact_mut(width) {
                before.copy_from_slice(row);
                let mut at = 0;
                for (norm, n) in norms.iter().zip([n_rank, n_state, n_state]) {
                    norm.row(pass.compute.set(), &before[at..at + n], &mut row[at..at + n]);
                    at += n;
                }
            }
        }
        b.rates.clear();
        b.select.chunks_exact(width).for_each(|row| b.rates.extend_from_slice(&row[..n_rank]));
        apply(pass, &self.step, &b.rates, &mut b.step);
        let rows =
            b.mixed.chunks_exact_mut(n).zip(b.step.chunks_exact(n)).zip(b.select.chunks_exact(width)).zip(b.input.chunks_exact(2 * n));
        for (((x, step), select), gate) in rows {
            let (bs, cs) = select[n_rank..].split_at(n_state);
            for (i, x) in x.iter_mut().enumerate() {
                let dt = softplus(step[i]);
                let (s, a) = (&mut state.rest[i * n_state..][..n_state], &self.a[i * n_state..][..n_state]);
                let mut sum = 0.0;
                for j in 0..n_state {
                    s[j] = s[j] * (dt * a[j]).exp() + bs[j] * (dt * *x);
                    sum += s[j] * cs[j];
                }
                *x = (sum + self.d[i] * *x) * silu(gate[n + i]);
            }
        }
        apply(pass, &self.out, &b.mixed, &mut b.output);
    }
}

pub struct HeadScan {
    plan: HeadScanPlan,
    source: Source,
    conv: Conv,
    step_bias: Vec<f32>,
    a: Vec<f32>,
    d: Vec<f32>,
    norm: Option<Norm>,
    out: Linear,
}

enum Source {
    /// z | x | b | c | step
    Together(Linear),
    Selected(Box<Selected>),
}

/// Makes b, c and the step of the convolved x.
struct Selected {
    /// [z | x] for each head.
    input: Linear,
    /// b | c | step
    select: Linear,
    norms: [Norm; 3],
    step: Linear,
}

impl Source {
    fn bind(file: &Gguf, plan: &ScanSource) -> Result<Self, TensorError> {
        Ok(match plan {
            ScanSource::Together(input) => Source::Together(Linear::bind(file, input)?),
            ScanSource::Selected { input, select, norms: [b, c, dt], step } => Source::Selected(Box::new(Selected {
                input: Linear::bind(file, input)?,
                select: Linear::bind(file, select)?,
                norms: [Norm::bind(file, b)?, Norm::bind(file, c)?, Norm::bind(file, dt)?],
                step: Linear::bind(file, step)?,
            })),
        })
    }
}

impl HeadScan {
    pub fn bind(file: &Gguf, plan: &HeadScanPlan) -> Result<Self, TensorError> {
        Ok(Self {
            source: Source::bind(file, &plan.source)?,
            conv: Conv::bind(file, &plan.conv)?,
            step_bias: vector(file, &plan.step_bias)?,
            a: vector(file, &plan.a)?,
            d: vector(file, &plan.d)?,
            norm: plan.norm.as_ref().map(|n| Norm::bind(file, n)).transpose()?,
            out: Linear::bind(file, &plan.out)?,
            plan: plan.clone(),
        })
    }

    /// x | b | c.
    fn n_mixed(&self) -> usize {
        self.plan.n_inner + 2 * self.plan.n_group * self.plan.n_state
    }

    /// x | b | c into `mixed`, z | step into `rates`.
    fn read(&self, pass: &Pass, x: &[f32], conv: &mut [f32], b: &mut Buffers) {
        let (n_inner, n_mixed) = (self.plan.n_inner, self.n_mixed());
        b.mixed.clear();
        b.rates.clear();
        match &self.source {
            Source::Together(input) => {
                apply(pass, input, x, &mut b.input);
                for row in b.input.chunks_exact(n_inner + n_mixed + self.plan.n_head) {
                    let (z, rest) = row.split_at(n_inner);
                    b.mixed.extend_from_slice(&rest[..n_mixed]);
                    b.rates.extend_from_slice(z);
                    b.rates.extend_from_slice(&rest[n_mixed..]);
                }
                self.conv.run(conv, &mut b.mixed, silu);
            }
            Source::Selected(selected) => self.select(selected, pass, x, conv, b),
        }
    }

    fn select(&self, selected: &Selected, pass: &Pass, x: &[f32], conv: &mut [f32], b: &mut Buffers) {
        let HeadScanPlan { n_inner, n_state, n_head, .. } = self.plan;
        let dim = n_inner / n_head;
        apply(pass, &selected.input, x, &mut b.input);
        b.output.clear();
        b.input.chunks_exact(2 * dim).for_each(|head| b.output.extend_from_slice(&head[dim..]));
        self.conv.run(conv, &mut b.output, silu);
        apply(pass, &selected.select, &b.output, &mut b.select);
        let n_step = selected.step.weight.n_in;
        let mut steps = Vec::with_capacity(pass.rows * n_step);
        for (row, xs) in b.select.chunks_exact_mut(2 * n_state + n_step).zip(b.output.chunks_exact(n_inner)) {
            let (mut at, before) = (0, row.to_vec());
            for (norm, n) in selected.norms.iter().zip([n_state, n_state, n_step]) {
                norm.row(pass.compute.set(), &before[at..at + n], &mut row[at..at + n]);
                at += n;
            }
            b.mixed.extend_from_slice(xs);
            b.mixed.extend_from_slice(&row[..2 * n_state]);
            steps.extend_from_slice(&row[2 * n_state..]);
        }
        apply(pass, &selected.step, &steps, &mut b.step);
        for (row, step) in b.input.chunks_exact(2 * n_inner).zip(b.step.chunks_exact(n_head)) {
            row.chunks_exact(2 * dim).for_each(|head| b.rates.extend_from_slice(&head[..dim]));
            b.rates.extend_from_slice(step);
        }
    }

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers) {
        let HeadScanPlan { n_inner, n_state, n_head, n_group, .. } = self.plan;
        let dim = n_inner / n_head;
        self.read(pass, x, state.conv, b);
        b.select.resize(pass.rows * n_inner, 0.0);
        let mut before = vec![0.0; n_inner / n_group];
        let rows = b.rates.chunks_exact(n_inner + n_head).zip(b.mixed.chunks_exact(self.n_mixed()));
        for ((row, mixed), y) in rows.zip(b.select.chunks_exact_mut(n_inner)) {
            let (z, steps) = row.split_at(n_inner);
            let (xs, bc) = mixed.split_at(n_inner);
            let (bs, cs) = bc.split_at(n_group * n_state);
            for (h, step) in steps.iter().enumerate() {
                let dt = softplus(step + self.step_bias[h]);
                let decay = (dt * self.a[h]).exp();
                let group = h / (n_head / n_group) * n_state;
                let (bs, cs) = (&bs[group..][..n_state], &cs[group..][..n_state]);
                for i in h * dim..(h + 1) * dim {
                    let (x, s) = (xs[i], &mut state.rest[i * n_state..][..n_state]);
                    let mut sum = 0.0;
                    for j in 0..n_state {
                        s[j] = s[j] * decay + bs[j] * (dt * x);
                        sum += s[j] * cs[j];
                    }
                    y[i] = (sum + self.d[h] * x) * silu(z[i]);
                }
            }
            if let Some(norm) = &self.norm {
                for (g, y) in y.chunks_exact_mut(n_inner / n_group).enumerate() {
                    before.copy_from_slice(y);
                    norm.part(pass.compute.set(), &before, g * (n_inner / n_group), y);
                }
            }
        }
        apply(pass, &self.out, &b.select, &mut b.output);
    }
}
