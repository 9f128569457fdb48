//! RMS norm of each row.

use super::super::weight::Norm;
use super::{Pass, values, values_mut, width};
use candle_core::{CpuStorage, InplaceOp2, Layout};

/// dst[r] = src[r] / sqrt(mean(src[r]^2) + eps) * weight
pub struct NormRows<'a> {
    pub norm: &'a Norm,
    pub pass: &'a Pass<'a>,
}

impl InplaceOp2 for NormRows<'_> {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let d = width(l1);
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        for (out, row) in dst.chunks_exact_mut(d).zip(src.chunks_exact(d)).take(self.pass.rows) {
            self.pass.compute.set().rms_norm(row, Some(&self.norm.weight), self.norm.eps, out);
        }
        Ok(())
    }
}
