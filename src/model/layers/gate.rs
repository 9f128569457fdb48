//! What a gate lets through of the attended values.

use super::super::plan::GateActivation;
use super::activation::{sigmoid, softplus};
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
        let each = self.width / self.at.len();
        self.pass.each_row(dst, self.width, |r, row| {
            let gates = &src[r * self.stride..][self.at.clone()];
            for (values, gate) in row.chunks_exact_mut(each).zip(gates) {
                let by = match self.activation {
                    GateActivation::Sigmoid => sigmoid(*gate),
                    GateActivation::Softplus => softplus(*gate),
                };
                values.iter_mut().for_each(|v| *v *= by);
            }
        });
        Ok(())
    }
}
