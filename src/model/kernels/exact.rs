//! The path behind `--exact`: weights become f32 as the format says, activations stay f32, sums are f64.

use super::activations::Operand;
use super::scalar;
use super::set::{DotRows, KernelSet, Scratch};
use crate::quant::{GgmlType, dequantize};

pub(super) fn set() -> KernelSet {
    KernelSet { is_exact: true, dot_rows, ..scalar::set() }
}

/// One function per type, since a table holds plain functions.
fn dot_rows(ty: GgmlType) -> Option<DotRows> {
    macro_rules! by_type {
        ($($ty:ident)*) => {
            match ty {
                $(GgmlType::$ty => {
                    fn rows(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], scratch: &mut Scratch) {
                        exact_rows(GgmlType::$ty, weights, row_bytes, x, out, scratch);
                    }
                    Some(rows)
                })*
                _ => None,
            }
        };
    }
    by_type!(
        F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q2K Q3K Q4K Q5K Q6K IQ1S IQ1M IQ2XXS IQ2XS IQ2S IQ3XXS IQ3S IQ4NL IQ4XS TQ1_0 TQ2_0
        MXFP4 NVFP4 Q1_0 Q2_0
    )
}

fn exact_rows(ty: GgmlType, weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], scratch: &mut Scratch) {
    let n_rows = out.len() / x.m;
    scratch.acc.resize(x.k);
    for (r, row) in weights.chunks_exact(row_bytes).enumerate() {
        dequantize(ty, row, &mut scratch.acc).expect("a row is whole blocks of a type that can be multiplied");
        for t in 0..x.m {
            let products = scratch.acc.iter().zip(x.floats(t)).map(|(w, x)| f64::from(*w) * f64::from(*x));
            out[t * n_rows + r] = products.sum::<f64>() as f32;
        }
    }
}
