//! out(c * conv(b * x))

use super::super::super::plan::{GatedConvPlan, TensorError};
use super::super::super::weight::Linear;
use super::conv::Conv;
use super::{Buffers, Pass, State, Strided, Target, apply};
use crate::gguf::Gguf;

pub struct GatedConv {
    input: Linear,
    conv: Conv,
    out: Linear,
}

impl GatedConv {
    pub fn bind(file: &Gguf, plan: &GatedConvPlan) -> Result<Self, TensorError> {
        Ok(Self { input: Linear::bind(file, &plan.input)?, conv: Conv::bind(file, &plan.conv)?, out: Linear::bind(file, &plan.out)? })
    }

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers, to: Target) {
        apply(pass, &self.input, x, &mut b.input);
        let (n, set) = (self.out.weight.n_in, pass.compute.set());
        // A row of b | c | x becomes one of b * x | c.
        pass.each_row(&mut b.input, 3 * n, |_, row| {
            let (b, cx) = row.split_at_mut(n);
            set.multiply(b, &cx[n..]);
        });
        let input = &b.input;
        self.conv.run(pass, state.conv, Strided { rows: input, first: 0, stride: 3 * n }, &mut b.mixed, |r, channels, sums| {
            set.multiply(sums, &input[r * 3 * n + n..][channels]);
        });
        to.linear(pass, &self.out, &b.mixed);
    }
}
