//! Norm of each row.

use super::super::weight::Norm;
use super::{Pass, values, values_mut, width};
use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout};

/// dst[r] = norm(src[r])
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
        let set = self.pass.compute.set();
        self.pass.each_row(dst, d, |r, out| self.norm.row(set, &src[r * d..][..d], out));
        Ok(())
    }
}

/// dst[r] = norm(dst[r]), of rows `width` wide that lie closely.
pub struct NormInPlace<'a> {
    pub norm: &'a Norm,
    pub pass: &'a Pass<'a>,
    pub width: usize,
}

impl InplaceOp1 for NormInPlace<'_> {
    fn name(&self) -> &'static str {
        "norm in place"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let set = self.pass.compute.set();
        self.pass.each_row(values_mut(storage, layout)?, self.width, |_, row| {
            let before = row.to_vec();
            self.norm.row(set, &before, row);
        });
        Ok(())
    }
}
