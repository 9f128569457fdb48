//! Rows of earlier layers that later ones attend to.

use super::{Pass, values, values_mut, width};
use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout};

/// kept[r][n] = src[r]
pub struct Keep<'a> {
    pub n: usize,
    pub pass: &'a Pass<'a>,
}

impl InplaceOp2 for Keep<'_> {
    fn name(&self) -> &'static str {
        "keep"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> candle_core::Result<()> {
        let (n_embd, stride) = (width(l2), width(l1));
        let rows = values_mut(s1, l1)?.chunks_exact_mut(stride).zip(values(s2, l2)?.chunks_exact(n_embd));
        rows.take(self.pass.rows).for_each(|(kept, row)| kept[self.n * n_embd..][..n_embd].copy_from_slice(row));
        Ok(())
    }
}

/// dst[r] = the sum of kept[r][0..n] and src[r], weighted by the softmax of norm(row) · score
pub struct Recall<'a> {
    pub n: usize,
    pub score: &'a [f32],
    pub eps: f32,
    pub pass: &'a Pass<'a>,
}

impl InplaceOp3 for Recall<'_> {
    fn name(&self) -> &'static str {
        "recall"
    }

    fn cpu_fwd(
        &self,
        s1: &mut CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> candle_core::Result<()> {
        let (n_embd, stride, set) = (width(l1), width(l2), self.pass.compute.set());
        let (dst, kept, src) = (values_mut(s1, l1)?, values(s2, l2)?, values(s3, l3)?);
        self.pass.each_row(dst, n_embd, |r, out| {
            let (kept, row) = (&kept[r * stride..][..stride], &src[r * n_embd..][..n_embd]);
            let (mut normed, mut scores) = (vec![0.0; n_embd], Vec::with_capacity(self.n + 1));
            let each = || kept.chunks_exact(n_embd).take(self.n).chain(std::iter::once(row));
            for x in each() {
                set.rms_norm(x, Some(self.score), self.eps, &mut normed);
                scores.push(normed.iter().sum());
            }
            set.softmax(&mut scores);
            out.fill(0.0);
            each().zip(&scores).for_each(|(x, weight)| set.axpy(*weight, x, out));
        });
        Ok(())
    }
}
