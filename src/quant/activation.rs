//! What activations become before a dot product, exactly as ggml's x86 code rounds them: logits depend on it.

use super::blocks::{BlockQ8_0, BlockQ8_1, BlockQ8K};
use super::{GgmlType, QuantError};
use half::{bf16, f16};

/// A row of activations in the format that a weight type asks for (`GgmlType::partner`).
#[derive(Debug, Clone, PartialEq)]
pub enum Activation {
    F32(Vec<f32>),
    F16(Vec<f16>),
    BF16(Vec<bf16>),
    Q8_0(Vec<BlockQ8_0>),
    Q8_1(Vec<BlockQ8_1>),
    Q8K(Vec<BlockQ8K>),
}

impl Activation {
    /// The row in the format `ty`. Refused for a type that is no partner, or for part of a block.
    pub fn new(ty: GgmlType, row: &[f32]) -> Result<Self, QuantError> {
        if ty.row_bytes(row.len()).is_none() {
            return Err(QuantError::NotWholeBlocks { ty, values: row.len() });
        }
        Ok(match ty {
            GgmlType::F32 => Activation::F32(row.to_vec()),
            GgmlType::F16 => Activation::F16(row.iter().map(|x| f16::from_f32(*x)).collect()),
            GgmlType::BF16 => Activation::BF16(row.iter().map(|x| bf16::from_f32(*x)).collect()),
            GgmlType::Q8_0 => Activation::Q8_0(row.as_chunks().0.iter().map(block_q8_0).collect()),
            GgmlType::Q8_1 => Activation::Q8_1(row.as_chunks().0.iter().map(block_q8_1).collect()),
            GgmlType::Q8K => Activation::Q8K(row.as_chunks().0.iter().map(block_q8_k).collect()),
            _ => return Err(QuantError::NoEncoder { ty }),
        })
    }

    pub fn ty(&self) -> GgmlType {
        match self {
            Activation::F32(_) => GgmlType::F32,
            Activation::F16(_) => GgmlType::F16,
            Activation::BF16(_) => GgmlType::BF16,
            Activation::Q8_0(_) => GgmlType::Q8_0,
            Activation::Q8_1(_) => GgmlType::Q8_1,
            Activation::Q8K(_) => GgmlType::Q8K,
        }
    }
}

/// Fills `out` with the blocks of `row`; both end with the shorter.
pub fn quantize_row_q8_0(row: &[f32], out: &mut [BlockQ8_0]) {
    row.as_chunks().0.iter().zip(out).for_each(|(x, b)| *b = block_q8_0(x));
}

/// Fills `out` with the blocks of `row`; both end with the shorter.
pub fn quantize_row_q8_1(row: &[f32], out: &mut [BlockQ8_1]) {
    row.as_chunks().0.iter().zip(out).for_each(|(x, b)| *b = block_q8_1(x));
}

/// Fills `out` with the blocks of `row`; both end with the shorter.
pub fn quantize_row_q8_k(row: &[f32], out: &mut [BlockQ8K]) {
    row.as_chunks().0.iter().zip(out).for_each(|(x, b)| *b = block_q8_k(x));
}

/// The scale in f32 and the quants, rounded to the nearest, halves to even.
fn eight_bits(x: &[f32; 32]) -> (f32, [i8; 32]) {
    let amax = x.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let id = if amax == 0.0 { 0.0 } else { 127.0 / amax };
    (amax / 127.0, x.map(|v| (v * id).round_ties_even() as i8))
}

/// The dot product uses `d` as rounded to f16, the quants are made with it unrounded.
pub fn block_q8_0(x: &[f32; 32]) -> BlockQ8_0 {
    let (d, qs) = eight_bits(x);
    BlockQ8_0 { d: f16::from_f32(d), qs }
}

pub fn block_q8_1(x: &[f32; 32]) -> BlockQ8_1 {
    let (d, qs) = eight_bits(x);
    let sum: i32 = qs.iter().map(|q| i32::from(*q)).sum();
    BlockQ8_1 { d: f16::from_f32(d), s: f16::from_f32(d * sum as f32), qs }
}

/// The value of largest magnitude (the first of equals) becomes -127, whatever its sign.
pub fn block_q8_k(x: &[f32; 256]) -> BlockQ8K {
    let max = x.iter().fold(0.0f32, |m, v| if v.abs() > m.abs() { *v } else { m });
    if max == 0.0 {
        return BlockQ8K { d: 0.0, qs: [0; 256], bsums: [0; 16] };
    }
    let iscale = -127.0 / max;
    let qs = x.map(|v| (v * iscale).round_ties_even().min(127.0) as i8);
    let bsums = std::array::from_fn(|g| qs[g * 16..g * 16 + 16].iter().map(|q| i16::from(*q)).sum());
    BlockQ8K { d: 1.0 / iscale, qs, bsums }
}
