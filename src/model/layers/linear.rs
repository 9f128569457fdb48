//! Products of weights and activations.

use super::super::kernels;
use super::super::plan::To;
use super::super::weight::Linear;
use super::super::workspace::Workspace;
use super::{AddScaled, Pass, Scale, values, values_mut};
use crate::quant::GgmlType;
use candle_core::{CpuStorage, InplaceOp2, Layout, Tensor};

/// dst[r] = (or +=) the outputs of all `linears` for src[r], side by side. They share one input, rounded once.
/// Rows of both tensors lie as close as they are wide here. What is added has no scale of its own.
pub struct LinearGroup<'a> {
    pub linears: &'a [Linear],
    pub pass: &'a Pass<'a>,
    /// Add to what is there: a branch's end and the residual.
    pub add: bool,
}

impl InplaceOp2 for LinearGroup<'_> {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        multiply(self.pass, self.linears, src, dst, self.add);
        Ok(())
    }
}

/// dst[r] = (or +=) the outputs of all `linears` for src[r], side by side: [`LinearGroup`] on plain rows.
pub fn multiply(pass: &Pass, linears: &[Linear], src: &[f32], dst: &mut [f32], add: bool) {
    let (rows, n_in) = (pass.rows, linears.first().map_or(0, |l| l.weight.n_in));
    let types: Vec<GgmlType> = linears.iter().map(|l| l.weight.ty).collect();
    let x = pass.prepare(&src[..rows * n_in], rows, &types);
    let mut column = 0;
    let mut parts = Vec::with_capacity(linears.len());
    for Linear { weight, bias, .. } in linears {
        let bias = (!bias.is_empty()).then_some(&bias[..]);
        parts.push(kernels::Linear { column, bias, add, ..kernels::Linear::new(weight.rows(0), &x) });
        column += weight.n_out;
    }
    let dst = &mut dst[..rows * column];
    pass.compute.kernels().linear(&x, &parts, dst, column);
    drop(x);
    // The few files that keep a number beside a matrix have no bias there.
    if add || linears.iter().all(|l| l.scale == 1.0) {
        return;
    }
    pass.each_row(dst, column, |_, row| {
        let mut column = 0;
        for Linear { weight, scale, .. } in linears {
            pass.compute.set().scale(&mut row[column..column + weight.n_out], *scale);
            column += weight.n_out;
        }
    });
}

/// The end of a mixer: to = or += scale * linear(from).
pub fn project(linear: &Linear, scale: f32, from: &Tensor, to: To, pass: &Pass, w: &Workspace) -> candle_core::Result<()> {
    let linears = std::slice::from_ref(linear);
    match to {
        To::Add(slot) if scale == 1.0 && linear.scale == 1.0 => w.slot(slot).inplace_op2(from, &LinearGroup { linears, pass, add: true }),
        To::Add(slot) => {
            w.spare.inplace_op2(from, &LinearGroup { linears, pass, add: false })?;
            w.slot(slot).inplace_op2(&w.spare, &AddScaled { scale, pass, add: true })
        }
        To::Set(slot) => {
            w.slot(slot).inplace_op2(from, &LinearGroup { linears, pass, add: false })?;
            let width = linear.weight.n_out;
            if scale == 1.0 { Ok(()) } else { w.slot(slot).inplace_op1(&Scale { scale, pass, width }) }
        }
    }
}
