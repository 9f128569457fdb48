//! Streams beside the residual: predicted, corrected, and brought together at the end.

use super::super::ForwardError;
use super::super::kernels::Curve;
use super::super::plan::{Slot, StreamRouter, StreamStep, TensorError};
use super::super::weight::{Norm, Weight, vector};
use super::super::workspace::Workspace;
use super::{Pass, values, values_mut, width};
use crate::gguf::Gguf;
use candle_core::{CpuStorage, InplaceOp2, Layout};

pub enum Streams {
    Spread(Weight),
    Predict { router: Router, coefficients: Vec<f32> },
    Correct { router: Router, coefficients: Vec<f32>, scale: Vec<f32> },
    AddToOthers(Slot),
    Merge(Weight),
}

pub struct Router {
    norm: Norm,
    weight: Weight,
}

impl Streams {
    pub fn bind(file: &Gguf, plan: &StreamStep) -> Result<Self, TensorError> {
        let router = |r: &StreamRouter| -> Result<_, TensorError> {
            Ok(Router { norm: Norm::bind(file, &r.norm)?, weight: Weight::bind(file, &r.weight)? })
        };
        Ok(match plan {
            StreamStep::Spread { projections } => Streams::Spread(Weight::bind(file, projections)?),
            StreamStep::Predict { router: r, coefficients } => {
                Streams::Predict { router: router(r)?, coefficients: vector(file, coefficients)? }
            }
            StreamStep::Correct { router: r, coefficients, scale } => {
                Streams::Correct { router: router(r)?, coefficients: vector(file, coefficients)?, scale: vector(file, scale)? }
            }
            StreamStep::AddToOthers { from } => Streams::AddToOthers(*from),
            StreamStep::Merge { projections } => Streams::Merge(Weight::bind(file, projections)?),
        })
    }

    pub fn forward(&self, pass: &Pass, w: &Workspace) -> Result<(), ForwardError> {
        let (streams, residual) = (&w.streams, w.slot(Slot::Residual));
        let run = |kind| Run { kind, pass };
        match self {
            Streams::Spread(projections) => streams.inplace_op2(residual, &run(Kind::Spread(projections)))?,
            Streams::Predict { router, coefficients } => {
                streams.inplace_op2(residual, &run(Kind::Predict(router, coefficients)))?;
                residual.inplace_op2(streams, &run(Kind::First(None)))?;
            }
            Streams::Correct { router, coefficients, scale } => {
                streams.inplace_op2(residual, &run(Kind::Correct(router, coefficients)))?;
                residual.inplace_op2(streams, &run(Kind::First(Some(scale))))?;
            }
            Streams::AddToOthers(from) => streams.inplace_op2(w.slot(*from), &run(Kind::AddToOthers))?,
            Streams::Merge(projections) => residual.inplace_op2(streams, &run(Kind::Merge(projections)))?,
        }
        Ok(())
    }
}

struct Run<'a> {
    kind: Kind<'a>,
    pass: &'a Pass<'a>,
}

/// What is done with the rows of dst, looking at those of src.
enum Kind<'a> {
    Spread(&'a Weight),
    Predict(&'a Router, &'a [f32]),
    Correct(&'a Router, &'a [f32]),
    AddToOthers,
    /// dst = the first stream, times a scale.
    First(Option<&'a [f32]>),
    Merge(&'a Weight),
}

impl InplaceOp2 for Run<'_> {
    fn name(&self) -> &'static str {
        "streams"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (n_dst, n_src, rows) = (width(l1), width(l2), self.pass.rows);
        let (dst, src) = (&mut values_mut(s1, l1)?[..rows * n_dst], &values(s2, l2)?[..rows * n_src]);
        match &self.kind {
            Kind::Spread(projections) => self.spread(projections, dst, src, n_src),
            Kind::Merge(projections) => self.merge(projections, dst, src, n_dst),
            Kind::Predict(router, coefficients) => {
                // The residual is no more than room for the rows that the router reads.
                let first: Vec<f32> = dst.chunks_exact(n_dst).flat_map(|streams| &streams[..n_src]).copied().collect();
                let values = self.route(router, &first, n_src);
                let n = router.weight.n_out;
                self.pass.each_row(dst, n_dst, |r, streams| self.predict(&values[r * n..][..n], coefficients, streams, n_src));
            }
            Kind::Correct(router, coefficients) => {
                let values = self.route(router, src, n_src);
                let n = router.weight.n_out;
                let row = |r: usize| &src[r * n_src..][..n_src];
                self.pass.each_row(dst, n_dst, |r, streams| self.correct(&values[r * n..][..n], coefficients, streams, row(r)));
            }
            Kind::AddToOthers => self.pass.each_row(dst, n_dst, |r, streams| {
                let others = streams.chunks_exact_mut(n_src).skip(1);
                others.for_each(|stream| self.pass.compute.set().axpy(1.0, &src[r * n_src..][..n_src], stream));
            }),
            Kind::First(scale) => self.pass.each_row(dst, n_dst, |r, row| {
                row.copy_from_slice(&src[r * n_src..][..n_dst]);
                scale.iter().for_each(|scale| self.pass.compute.set().multiply(row, scale));
            }),
        }
        Ok(())
    }
}

impl Run<'_> {
    /// The `i`-th projection of `rows`.
    fn project(&self, weight: &Weight, i: usize, rows: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; self.pass.rows * weight.n_out];
        let x = self.pass.prepare(rows, self.pass.rows, &[weight.ty]);
        self.pass.multiply(&x, weight, i, &mut out);
        out
    }

    fn spread(&self, projections: &Weight, streams: &mut [f32], rows: &[f32], n: usize) {
        let stride = streams.len() / self.pass.rows;
        streams.chunks_exact_mut(stride).zip(rows.chunks_exact(n)).for_each(|(streams, row)| streams[..n].copy_from_slice(row));
        for i in 1..stride / n {
            let mut projected = self.project(projections, i - 1, rows);
            self.pass.each_row(&mut projected, n, |r, new| self.bring_to(self.length(&rows[r * n..][..n]), new));
            let new = projected.chunks_exact(n);
            streams.chunks_exact_mut(stride).zip(new).for_each(|(streams, new)| streams[i * n..][..n].copy_from_slice(new));
        }
    }

    fn merge(&self, projections: &Weight, rows: &mut [f32], streams: &[f32], n: usize) {
        let stride = streams.len() / self.pass.rows;
        let n_stream = stride / n;
        let mut one = vec![0.0; self.pass.rows * n];
        rows.chunks_exact_mut(n).zip(streams.chunks_exact(stride)).for_each(|(row, streams)| row.copy_from_slice(&streams[..n]));
        for i in 1..n_stream {
            one.chunks_exact_mut(n).zip(streams.chunks_exact(stride)).for_each(|(x, streams)| x.copy_from_slice(&streams[i * n..][..n]));
            let mut projected = self.project(projections, i - 1, &one);
            self.pass.each_row(&mut projected, n, |r, new| self.bring_to(self.length(&streams[r * stride..][..n]), new));
            self.pass.each_row(rows, n, |r, row| self.pass.compute.set().axpy(1.0, &projected[r * n..][..n], row));
        }
        self.pass.each_row(rows, n, |_, row| self.pass.compute.set().scale(row, 1.0 / n_stream as f32));
    }

    fn predict(&self, values: &[f32], coefficients: &[f32], streams: &mut [f32], n: usize) {
        let n_stream = streams.len() / n;
        let mix: Vec<f32> = coefficients.chunks_exact(n_stream).map(|row| dot(row, values)).collect();
        let before = streams.to_vec();
        for (stream, mix) in streams.chunks_exact_mut(n).zip(mix.chunks_exact(n_stream)) {
            before.chunks_exact(n).zip(mix).for_each(|(x, by)| self.pass.compute.set().axpy(*by, x, stream));
        }
    }

    fn correct(&self, values: &[f32], coefficients: &[f32], streams: &mut [f32], row: &[f32]) {
        let n = row.len();
        let change: Vec<f32> = row.iter().zip(&streams[..n]).map(|(new, predicted)| new - predicted).collect();
        for (stream, coefficients) in streams.chunks_exact_mut(n).zip(coefficients.chunks_exact(values.len())) {
            self.pass.compute.set().axpy(dot(coefficients, values) + 1.0, &change, stream);
        }
    }

    /// The router's values of each row.
    fn route(&self, router: &Router, rows: &[f32], n: usize) -> Vec<f32> {
        let mut normed = vec![0.0; rows.len()];
        let set = self.pass.compute.set();
        self.pass.each_row(&mut normed, n, |r, out| {
            router.norm.row(set, &rows[r * n..][..n], out);
            set.scale(out, 1.0 / n as f32);
        });
        let mut values = self.project(&router.weight, 0, &normed);
        set.curve(Curve::Tanh, &mut values);
        values
    }

    fn length(&self, row: &[f32]) -> f32 {
        self.pass.compute.set().dot(row, row).sqrt()
    }

    fn bring_to(&self, target: f32, row: &mut [f32]) {
        let now = self.length(row);
        self.pass.compute.set().scale(row, target / now);
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
