//! Sums of rows.

use super::{Pass, values, values_mut, width};
use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout};

/// dst[r] = or += scale * src[r]
pub struct AddScaled<'a> {
    pub scale: f32,
    pub pass: &'a Pass<'a>,
    pub add: bool,
}

impl InplaceOp2 for AddScaled<'_> {
    fn name(&self) -> &'static str {
        "add"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let d = width(l1);
        let (dst, src) = (values_mut(s1, l1)?, values(s2, l2)?);
        self.pass.each_row(dst, d, |r, row| {
            let src = &src[r * d..][..d];
            if self.add {
                self.pass.compute.set().axpy(self.scale, src, row);
            } else {
                row.iter_mut().zip(src).for_each(|(y, x)| *y = x * self.scale);
            }
        });
        Ok(())
    }
}

/// dst[r] *= scale, of rows `width` wide that lie closely.
pub struct Scale<'a> {
    pub scale: f32,
    pub pass: &'a Pass<'a>,
    pub width: usize,
}

impl InplaceOp1 for Scale<'_> {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        self.pass.each_part(values_mut(storage, layout)?, self.width, |_, _, x| self.pass.compute.set().scale(x, self.scale));
        Ok(())
    }
}

/// dst[r] = with
pub struct Fill<'a> {
    pub with: &'a [f32],
    pub pass: &'a Pass<'a>,
}

impl InplaceOp1 for Fill<'_> {
    fn name(&self) -> &'static str {
        "fill"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        self.pass.each_row(values_mut(storage, layout)?, self.with.len(), |_, row| row.copy_from_slice(self.with));
        Ok(())
    }
}
