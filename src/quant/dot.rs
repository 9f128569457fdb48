//! Dot products of a row of weights with a row of activations: integers are exact inside a block, f32 between blocks.

use super::activation::Activation;
use super::blocks::*;
use super::few_bits::*;
use super::grid_blocks::*;
use super::tables::*;
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
        (T::IQ4NL, Activation::Q8_0(y)) => blocks(ty, weights, y, plain::<BlockIQ4NL>),
        (T::MXFP4, Activation::Q8_0(y)) => blocks(ty, weights, y, plain::<BlockMXFP4>),
        (T::NVFP4, Activation::Q8_0(y)) => long_blocks::<BlockNVFP4>(ty, weights, y),
        (T::Q1_0, Activation::Q8_0(y)) => long_blocks::<BlockQ1_0>(ty, weights, y),
        (T::Q2_0, Activation::Q8_0(y)) => long_blocks::<BlockQ2_0>(ty, weights, y),
        (T::IQ2XXS, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockIQ2XXS>),
        (T::IQ2XS, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockIQ2XS>),
        (T::IQ2S, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockIQ2S>),
        (T::IQ3XXS, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockIQ3XXS>),
        (T::IQ3S, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockIQ3S>),
        (T::IQ1S, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockIQ1S>),
        (T::IQ1M, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockIQ1M>),
        (T::IQ4XS, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockIQ4XS>),
        (T::TQ1_0, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockTQ1_0>),
        (T::TQ2_0, Activation::Q8K(y)) => blocks(ty, weights, y, super_block::<BlockTQ2_0>),
        _ => Err(QuantError::NoDot { ty, activation: activation.ty() }),
    }
}

/// Whether the bytes are `n_blocks` blocks of the activations' length.
fn check(ty: GgmlType, weights: &[u8], n_blocks: usize) -> Result<(), QuantError> {
    let values = n_blocks.saturating_mul(ty.partner().map_or(1, GgmlType::block_len));
    let expected = ty.row_bytes(values).ok_or(QuantError::NotWholeBlocks { ty, values })?;
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

/// Blocks of the weights that span several of the activations'.
fn long_blocks<B: LongBlock>(ty: GgmlType, weights: &[u8], activation: &[BlockQ8_0]) -> Result<f32, QuantError> {
    check(ty, weights, activation.len())?;
    let of_block = |(w, y): (&[u8], &[BlockQ8_0])| -> f32 {
        let w = B::read(w);
        let sixteens = (0..B::LEN / 16).map(|i| {
            let y = &y[i / 2];
            (w.d(i) * y.d.to_f32()) * integer_dot(&w.quants(i), &y.qs[i % 2 * 16..][..16]) as f32
        });
        sixteens.sum()
    };
    Ok(weights.chunks_exact(B::BYTES).zip(activation.chunks_exact(B::LEN / BlockQ8_0::LEN)).map(of_block).sum())
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
