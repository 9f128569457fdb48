//! Products of weights and activations.

use super::super::kernels;
use super::super::weight::Linear;
use super::{Pass, values, values_mut};
use crate::quant::GgmlType;
use candle_core::{CpuStorage, InplaceOp2, Layout};

/// dst[r] = (or +=) the outputs of all `linears` for src[r], side by side. They share one input, rounded once.
/// Rows of both tensors lie as close as they are wide here.
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
        let rows = self.pass.rows;
        let n_in = self.linears.first().map_or(0, |l| l.weight.n_in);
        let types: Vec<GgmlType> = self.linears.iter().map(|l| l.weight.ty).collect();
        let x = self.pass.prepare(&src[..rows * n_in], rows, &types);
        let mut column = 0;
        let mut parts = Vec::with_capacity(self.linears.len());
        for Linear { weight, bias } in self.linears {
            let bias = (!bias.is_empty()).then_some(&bias[..]);
            parts.push(kernels::Linear { column, bias, add: self.add, ..kernels::Linear::new(weight.rows(0), &x) });
            column += weight.n_out;
        }
        self.pass.compute.kernels().linear(&x, &parts, &mut dst[..rows * column], column);
        Ok(())
    }
}
