//! Numbers to bytes: the plain types, and the door to all of them.

use super::blocks::*;
use super::encode_super::{q2_k, q3_k, q4_k, q5_k, q6_k};
use super::search::{affine, mean_square, symmetric, weigh};
use super::{GgmlType, QuantError};
use half::{bf16, f16};

/// The largest magnitude of half precision, which every block's scale is kept in.
const F16_MAX: f32 = 65504.0;

/// Appends the blocks of `values` to `out`. Nothing is appended where a value cannot be held.
pub fn quantize(ty: GgmlType, values: &[f32], out: &mut Vec<u8>) -> Result<(), QuantError> {
    let n_bytes = ty.row_bytes(values.len()).ok_or(QuantError::NotWholeBlocks { ty, values: values.len() })?;
    check_values(ty, values)?;
    out.reserve(n_bytes);
    match ty {
        GgmlType::F32 => values.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
        GgmlType::F16 => values.iter().for_each(|x| out.extend_from_slice(&f16::from_f32(*x).to_le_bytes())),
        GgmlType::BF16 => values.iter().for_each(|x| out.extend_from_slice(&bf16::from_f32(*x).to_le_bytes())),
        GgmlType::Q4_0 => blocks(values, out, q4_0),
        GgmlType::Q4_1 => blocks(values, out, q4_1),
        GgmlType::Q5_0 => blocks(values, out, q5_0),
        GgmlType::Q5_1 => blocks(values, out, q5_1),
        GgmlType::Q8_0 => blocks(values, out, q8_0),
        GgmlType::Q2K => blocks(values, out, q2_k),
        GgmlType::Q3K => blocks(values, out, q3_k),
        GgmlType::Q4K => blocks(values, out, q4_k),
        GgmlType::Q5K => blocks(values, out, q5_k),
        GgmlType::Q6K => blocks(values, out, q6_k),
        _ => return Err(QuantError::NoEncoder { ty }),
    }
    Ok(())
}

/// Whether `quantize` knows a type.
pub fn can_quantize(ty: GgmlType) -> bool {
    use GgmlType::*;
    matches!(ty, F32 | F16 | BF16 | Q4_0 | Q4_1 | Q5_0 | Q5_1 | Q8_0 | Q2K | Q3K | Q4K | Q5K | Q6K)
}

/// One value that is no number would spoil its whole block, and one beyond half precision its scale.
fn check_values(ty: GgmlType, values: &[f32]) -> Result<(), QuantError> {
    if ty == GgmlType::F32 {
        return Ok(());
    }
    let limit = if ty == GgmlType::BF16 { f32::MAX } else { F16_MAX };
    match values.iter().position(|x| !x.is_finite() || x.abs() > limit) {
        None => Ok(()),
        Some(index) if values[index].is_finite() => Err(QuantError::TooLarge { index, value: values[index] }),
        Some(index) => Err(QuantError::NotFinite { index, value: values[index] }),
    }
}

fn blocks<B: Block, const N: usize>(values: &[f32], out: &mut Vec<u8>, encode: fn(&[f32; N]) -> B) {
    values.as_chunks::<N>().0.iter().for_each(|x| encode(x).write(out));
}

/// Two values a byte: the first 16 in the low nibbles, the others in the high.
fn pack_nibbles(quants: &[u8; 32]) -> [u8; 16] {
    std::array::from_fn(|i| (quants[i] & 0xF) | (quants[i + 16] << 4))
}

/// The fifth bits, value 0's lowest.
fn pack_fifth_bits(quants: &[u8; 32]) -> [u8; 4] {
    quants.iter().enumerate().fold(0u32, |bits, (i, q)| bits | (u32::from(q >> 4 & 1) << i)).to_le_bytes()
}

/// One scale, and quants that reach from 0 to 2 `half` - 1.
fn around_zero(x: &[f32; 32], half: u8) -> (f16, [u8; 32]) {
    let (mut weights, mut quants) = ([0.0; 32], [0; 32]);
    weigh(x, mean_square(x), &mut weights);
    let d = symmetric(x, &weights, half.into(), &mut quants);
    (f16::from_f32(d), quants.map(|q| q.wrapping_add_unsigned(half) as u8))
}

/// A scale and a minimum, and quants from 0 to `q_max`.
fn from_minimum(x: &[f32; 32], q_max: u8) -> (f16, f16, [u8; 32]) {
    let (mut weights, mut quants) = ([0.0; 32], [0; 32]);
    weigh(x, mean_square(x), &mut weights);
    let found = affine(x, &weights, q_max.into(), &mut quants);
    (f16::from_f32(found.scale), f16::from_f32(-found.min), quants)
}

fn q4_0(x: &[f32; 32]) -> BlockQ4_0 {
    let (d, quants) = around_zero(x, 8);
    BlockQ4_0 { d, qs: pack_nibbles(&quants) }
}

fn q4_1(x: &[f32; 32]) -> BlockQ4_1 {
    let (d, m, quants) = from_minimum(x, 15);
    BlockQ4_1 { d, m, qs: pack_nibbles(&quants) }
}

fn q5_0(x: &[f32; 32]) -> BlockQ5_0 {
    let (d, quants) = around_zero(x, 16);
    BlockQ5_0 { d, qh: pack_fifth_bits(&quants), qs: pack_nibbles(&quants) }
}

fn q5_1(x: &[f32; 32]) -> BlockQ5_1 {
    let (d, m, quants) = from_minimum(x, 31);
    BlockQ5_1 { d, m, qh: pack_fifth_bits(&quants), qs: pack_nibbles(&quants) }
}

/// As weights: halves away from zero, where activations round them to even.
fn q8_0(x: &[f32; 32]) -> BlockQ8_0 {
    let d = x.iter().fold(0.0f32, |m, v| m.max(v.abs())) / 127.0;
    let id = if d == 0.0 { 0.0 } else { 1.0 / d };
    BlockQ8_0 { d: f16::from_f32(d), qs: x.map(|v| (v * id).round() as i8) }
}
