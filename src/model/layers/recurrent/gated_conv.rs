//! out(c * conv(b * x))

use super::super::super::plan::{GatedConvPlan, TensorError};
use super::super::super::weight::Linear;
use super::conv::Conv;
use super::{Buffers, Pass, State, apply};
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

    pub fn run(&self, pass: &Pass, x: &[f32], state: State, b: &mut Buffers) {
        apply(pass, &self.input, x, &mut b.input);
        let n = self.out.weight.n_in;
        b.mixed.clear();
        for row in b.input.chunks_exact(3 * n) {
            b.mixed.extend(row[..n].iter().zip(&row[2 * n..]).map(|(b, x)| b * x));
        }
        self.conv.run(state.conv, &mut b.mixed, |x| x);
        for (y, row) in b.mixed.chunks_exact_mut(n).zip(b.input.chunks_exact(3 * n)) {
            y.iter_mut().zip(&row[n..2 * n]).for_each(|(y, c)| *y *= c);
        }
        apply(pass, &self.out, &b.mixed, &mut b.output);
    }
}
