//! What a gate lets through of the attended values.

use super::super::kernels::Curve;
use super::super::plan::GateActivation;
use super::{Pass, values, values_mut};
use candle_core::{CpuStorage, InplaceOp2, Layout};
use std::ops::Range;

/// dst[r] *= activation(gates of src[r]): one for each of the `width` values, or one for each head of them.
pub struct GateRows<'a> {
    pub width: usize,
    /// Values of a row of src, and where its gates are.
    pub stride: usize,
    pub at: Range<usize>,
    pub activation: GateActivation,
    pub pass: &'a Pass<'a>,
}

impl InplaceOp2 for GateRows<'_> {
    fn name(&self) -> &'static str {
        "gate rows"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        let (each, set) = (self.width / self.at.len(), self.pass.compute.set());
        let curve = match self.activation {
            GateActivation::Sigmoid => Curve::Sigmoid,
            GateActivation::Softplus => Curve::Softplus,
        };
        self.pass.each_row(dst, self.width, |r, row| {
            let mut gates = src[r * self.stride..][self.at.clone()].to_vec();
            set.curve(curve, &mut gates);
            match each {
                1 => set.multiply(row, &gates),
                _ => row.chunks_exact_mut(each).zip(gates).for_each(|(values, gate)| set.scale(values, gate)),
            }
        });
        Ok(())
    }
}
