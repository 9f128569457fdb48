//! Selective scans: a state that decays by what each token says, and is read by what it says.

use super::super::super::kernels::{ChannelStep, Curve};
use super::super::super::plan::{ChannelScanPlan, HeadScanPlan, ScanSource, TensorError};
use super::super::super::weight::{Linear, Norm, vector};
use super::super::activation::softplus;
use super::conv::Conv;
use super::{Buffers, Kept, Pass, State, Strided, Target, apply};
use crate::gguf::Gguf;

/// Channels that are scanned together.
const CHANNELS: usize = 64;

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

    /// step | b | c of each row, into `select`.
    fn select(&self, pass: &Pass, b: &mut Buffers) {
        let (n_state, n_rank) = (self.plan.n_state, self.plan.n_rank);
        apply(pass, &self.select, &b.mixed, &mut b.select);
        let Some(norms) = &self.norms else { return };
        pass.each_row(&mut b.select, n_rank + 2 * n_state, |_, row| {
            let (before, mut at) = (row.to_vec(), 0);
            for (norm, n) in norms.iter().zip([n_rank, n_state, n_state]) {
                norm.row(pass.compute.set(), &before[at..at + n], &mut row[at..at + n]);
                at += n;
            }
        });
    }

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers, to: Target) {
        let (n, n_state, n_rank, set) = (self.plan.n_inner, self.plan.n_state, self.plan.n_rank, pass.compute.set());
        apply(pass, &self.input, x, &mut b.input);
        let inputs = Strided { rows: &b.input, first: 0, stride: 2 * n };
        self.conv.run(pass, state.conv, inputs, &mut b.mixed, |_, _, sums| set.curve(Curve::Silu, sums));
        self.select(pass, b);
        let width = n_rank + 2 * n_state;
        b.rates.clear();
        b.select.chunks_exact(width).for_each(|row| b.rates.extend_from_slice(&row[..n_rank]));
        apply(pass, &self.step, &b.rates, &mut b.step);
        b.given.resize(pass.rows * n, 0.0);
        let Buffers { input, mixed, select, step, given, .. } = b;
        state.rest.each_columns(pass, given, CHANNELS, |channels, s, out| {
            let a = &self.a[channels.start * n_state..channels.end * n_state];
            let (mut dt, mut gate) = (vec![0.0; channels.len()], vec![0.0; channels.len()]);
            for r in 0..pass.rows {
                let (b, c) = select[r * width + n_rank..][..2 * n_state].split_at(n_state);
                let x = &mixed[r * n..][channels.clone()];
                dt.copy_from_slice(&step[r * n..][channels.clone()]);
                set.curve(Curve::Softplus, &mut dt);
                let out = out.row(r);
                set.scan_channels(s, &ChannelStep { a, dt: &dt, x, b, c }, out);
                set.multiply_add(out, &self.d[channels.clone()], x);
                gate.copy_from_slice(&input[r * 2 * n + n..][channels.clone()]);
                set.curve(Curve::Silu, &mut gate);
                set.multiply(out, &gate);
            }
        });
        to.linear(pass, &self.out, given);
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

    /// Computes what the scan reads: see [`HeadScan::parts`].
    fn read(&self, pass: &Pass, x: &[f32], conv: Kept, b: &mut Buffers) {
        match &self.source {
            Source::Together(input) => {
                apply(pass, input, x, &mut b.input);
                let inputs = Strided { rows: &b.input, first: self.plan.n_inner, stride: input.weight.n_out };
                let set = pass.compute.set();
                self.conv.run(pass, conv, inputs, &mut b.mixed, |_, _, sums| set.curve(Curve::Silu, sums));
            }
            Source::Selected(selected) => self.select(selected, pass, x, conv, b),
        }
    }

    /// Where what was read lies.
    fn parts<'a>(&self, input: &'a [f32], mixed: &'a [f32], select: &'a [f32], step: &'a [f32]) -> Parts<'a> {
        let HeadScanPlan { n_inner, n_state, n_head, .. } = self.plan;
        let (n_mixed, dim) = (self.n_mixed(), n_inner / n_head);
        match &self.source {
            Source::Together(all) => {
                let (of_input, of_mixed) = (
                    |first| Strided { rows: input, first, stride: all.weight.n_out },
                    |first| Strided { rows: mixed, first, stride: n_mixed },
                );
                Parts { z: of_input(0), z_each: dim, x: of_mixed(0), select: of_mixed(n_inner), step: of_input(n_inner + n_mixed) }
            }
            Source::Selected(selected) => Parts {
                z: Strided { rows: input, first: 0, stride: 2 * n_inner },
                z_each: 2 * dim,
                x: Strided { rows: mixed, first: 0, stride: n_inner },
                select: Strided { rows: select, first: 0, stride: 2 * n_state + selected.step.weight.n_in },
                step: Strided { rows: step, first: 0, stride: n_head },
            },
        }
    }

    fn select(&self, selected: &Selected, pass: &Pass, x: &[f32], conv: Kept, b: &mut Buffers) {
        let HeadScanPlan { n_inner, n_state, n_head, .. } = self.plan;
        let (dim, set) = (n_inner / n_head, pass.compute.set());
        apply(pass, &selected.input, x, &mut b.input);
        b.given.resize(pass.rows * n_inner, 0.0);
        pass.each_row(&mut b.given, n_inner, |r, row| {
            let heads = b.input[r * 2 * n_inner..][..2 * n_inner].chunks_exact(2 * dim);
            row.chunks_exact_mut(dim).zip(heads).for_each(|(x, head)| x.copy_from_slice(&head[dim..]));
        });
        let inputs = Strided { rows: &b.given, first: 0, stride: n_inner };
        self.conv.run(pass, conv, inputs, &mut b.mixed, |_, _, sums| set.curve(Curve::Silu, sums));
        apply(pass, &selected.select, &b.mixed, &mut b.select);
        let n_step = selected.step.weight.n_in;
        let width = 2 * n_state + n_step;
        pass.each_row(&mut b.select, width, |_, row| {
            let (mut at, before) = (0, row.to_vec());
            for (norm, n) in selected.norms.iter().zip([n_state, n_state, n_step]) {
                norm.row(set, &before[at..at + n], &mut row[at..at + n]);
                at += n;
            }
        });
        b.rates.clear();
        b.select.chunks_exact(width).for_each(|row| b.rates.extend_from_slice(&row[2 * n_state..]));
        apply(pass, &selected.step, &b.rates, &mut b.step);
    }

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers, to: Target) {
        let HeadScanPlan { n_inner, n_state, n_head, n_group, .. } = self.plan;
        let (dim, set) = (n_inner / n_head, pass.compute.set());
        self.read(pass, x, state.conv, b);
        b.given.resize(pass.rows * n_inner, 0.0);
        let Buffers { input, mixed, select, step, given, .. } = b;
        let Parts { z, z_each, x, select, step } = self.parts(input, mixed, select, step);
        state.rest.each_columns(pass, given, dim, |columns, s, out| {
            let h = columns.start / dim;
            let group = h / (n_head / n_group) * n_state;
            let (mut stepped, mut gate) = (vec![0.0; dim], vec![0.0; dim]);
            for r in 0..pass.rows {
                let dt = softplus(step.row(r)[h] + self.step_bias[h]);
                let x = &x.row(r)[columns.clone()];
                let [b, c] = [group, n_group * n_state + group].map(|at| &select.row(r)[at..at + n_state]);
                stepped.copy_from_slice(x);
                set.scale(&mut stepped, dt);
                let out = out.row(r);
                set.scan_head(s, (dt * self.a[h]).exp(), &stepped, [b, c], out);
                set.axpy(self.d[h], x, out);
                gate.copy_from_slice(&z.row(r)[h * z_each..][..dim]);
                set.curve(Curve::Silu, &mut gate);
                set.multiply(out, &gate);
            }
        });
        if let Some(norm) = &self.norm {
            let size = n_inner / n_group;
            pass.each_row(given, n_inner, |_, row| {
                let before = row.to_vec();
                for (g, y) in row.chunks_exact_mut(size).enumerate() {
                    norm.part(set, &before[g * size..][..size], g * size, y);
                }
            });
        }
        to.linear(pass, &self.out, given);
    }
}

/// What a scan reads: z of each head, `z_each` values apart, x of all, b | c of all groups, and steps.
struct Parts<'a> {
    z: Strided<'a>,
    z_each: usize,
    x: Strided<'a>,
    select: Strided<'a>,
    step: Strided<'a>,
}
