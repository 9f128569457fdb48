//! Dot products of a row of weights with a row of activations: integers are exact inside a block, f32 between blocks.

use super::activation::Activation;
use super::blocks::*;
use super::{GgmlType, QuantError};
use half::{bf16, f16};

/// The product of one row of weights with activations of the type's partner format.
pub fn vec_dot(ty: GgmlType, weights: &[u8], activation: &Activation) -> Result<f32, QuantError> {
    use GgmlType as T;
    match (ty, activation) {
        (T::F32, Activation::F32(y)) => numbers(ty, weights, y, f32::from_le_bytes, |y| y),
        (T::F16, Activation::F16(y)) => numbers(ty, weights, y, |b| f16::from_le_bytes(b).to_f32(), f16::to_f32),
        (T::BF16, Activation::BF16(y)) => numbers(ty, weights, y, |b| bf16::from_le_bytes(b).to_f32(), bf16::to_f32),
        (T::Q4_0, Activation::Q8_0(y)) => blocks(ty, weights, y, plain::<BlockQ4_0>),
        (T::Q5_0, Activation::Q8_0(y)) => blocks(ty, weights, y, plain::<BlockQ5_0>),
        (T::Q8_0, Activation::Q8_0(y)) => blocks(ty, weights, y, plain::<BlockQ8_0>),
        (T::Q4_1, Activation::Q8_1(y)) => blocks(ty, weights, y, plain_with_minimum::<BlockQ4_1>),
        (T::Q5_1, Activation::Q8_1(y)) => blocks(ty, weights, y, plain_with_minimum::<BlockQ5_1>),
        (T::Q2K, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockQ2K>),
        (T::Q3K, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockQ3K>),
        (T::Q4K, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockQ4K>),
        (T::Q5K, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockQ5K>),
        (T::Q6K, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockQ6K>),
        _ => Err(QuantError::NoDot { ty, activation: activation.ty() }),
    }
}

fn check(ty: GgmlType, weights: &[u8], n_blocks: usize) -> Result<(), QuantError> {
    let (values, expected) = (n_blocks.saturating_mul(ty.block_len()), n_blocks.saturating_mul(ty.block_bytes()));
    if weights.len() == expected { Ok(()) } else { Err(QuantError::Length { ty, values, found: weights.len(), expected }) }
}

/// Products in f32, their sum in f64, as ggml's scalar code has it.
fn numbers<Y: Copy, const N: usize>(
    ty: GgmlType,
    weights: &[u8],
    activation: &[Y],
    read: fn([u8; N]) -> f32,
    widen: fn(Y) -> f32,
) -> Result<f32, QuantError> {
    check(ty, weights, activation.len())?;
    let (weights, _) = weights.as_chunks::<N>();
    Ok(weights.iter().zip(activation).map(|(w, y)| f64::from(read(*w) * widen(*y))).sum::<f64>() as f32)
}

fn blocks<W: Block, Y>(ty: GgmlType, weights: &[u8], activation: &[Y], dot: fn(&W, &Y) -> f32) -> Result<f32, QuantError> {
    check(ty, weights, activation.len())?;
    Ok(weights.chunks_exact(W::BYTES).zip(activation).map(|(w, y)| dot(&W::read(w), y)).sum())
}

fn integer_dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

fn plain<B: PlainBlock>(w: &B, y: &BlockQ8_0) -> f32 {
    integer_dot(&w.quants(), &y.qs) as f32 * (w.d() * y.d.to_f32())
}

/// `sum((d q + m) y) = d d_y sum(q q_y) + m s`, where the activation's block keeps `s = d_y sum(q_y)`.
fn plain_with_minimum<B: PlainBlock>(w: &B, y: &BlockQ8_1) -> f32 {
    let m = w.m().unwrap_or(0.0);
    (w.d() * y.d.to_f32()) * integer_dot(&w.quants(), &y.qs) as f32 + m * y.s.to_f32()
}

/// `d d_y sum over groups(scale sum(q q_y)) - dmin d_y sum over groups(min sum(q_y))`.
fn super_block<B: SuperBlock>(w: &B, y: &BlockQ8K) -> f32 {
    let quants = w.quants();
    let (mut products, mut minimums) = (0i32, 0i32);
    for (group, (scale, min)) in w.scales().into_iter().enumerate() {
        let values = group * 16..group * 16 + 16;
        products += i32::from(scale) * integer_dot(&quants[values.clone()], &y.qs[values]);
        minimums += i32::from(min) * i32::from(y.bsums[group]);
    }
    (w.d() * y.d) * products as f32 - (w.dmin() * y.d) * minimums as f32
}
