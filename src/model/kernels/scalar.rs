//! The plainest tier: what the others are held against.

use super::activations::{GROUP, Operand, SUM_16, SUPER};
use super::float;
use super::set::{DotRows, HalfFns, KernelSet, Scratch, TileShape};
use super::tier::Tier;
use crate::quant::*;
use half::{bf16, f16};

super::float::float_functions!(false,);
super::states::state_functions!(false,);

pub(super) fn set() -> KernelSet {
    KernelSet {
        tier: Tier::Scalar,
        is_exact: false,
        floats: lanes::functions(),
        states: turns::functions(),
        halves: halves(),
        dot_rows,
        panel_rows: |_| None,
        float_tile,
        turn,
        cached: None,
        fold: None,
        tile: 0,
        wide: None,
    }
}

pub(super) fn halves() -> HalfFns {
    HalfFns { round, narrow, widen, widen_blocks }
}

pub(super) fn dot_rows(ty: GgmlType) -> Option<DotRows> {
    Some(match ty {
        GgmlType::F32 => float_rows::<F32, 4>,
        GgmlType::F16 => float_rows::<F16, 2>,
        GgmlType::BF16 => float_rows::<Bf16, 2>,
        GgmlType::Q8_0 => plain_rows::<BlockQ8_0>,
        GgmlType::Q4_0 => plain_rows::<BlockQ4_0>,
        GgmlType::Q4_1 => plain_rows::<BlockQ4_1>,
        GgmlType::Q5_0 => plain_rows::<BlockQ5_0>,
        GgmlType::Q5_1 => plain_rows::<BlockQ5_1>,
        GgmlType::Q2K => super_rows::<BlockQ2K>,
        GgmlType::Q3K => super_rows::<BlockQ3K>,
        GgmlType::Q4K => super_rows::<BlockQ4K>,
        GgmlType::Q5K => super_rows::<BlockQ5K>,
        GgmlType::Q6K => super_rows::<BlockQ6K>,
        GgmlType::IQ2XXS => super_rows::<BlockIQ2XXS>,
        GgmlType::IQ2XS => super_rows::<BlockIQ2XS>,
        GgmlType::IQ2S => super_rows::<BlockIQ2S>,
        GgmlType::IQ3XXS => super_rows::<BlockIQ3XXS>,
        GgmlType::IQ3S => super_rows::<BlockIQ3S>,
        GgmlType::IQ1S => super_rows::<BlockIQ1S>,
        GgmlType::IQ1M => super_rows::<BlockIQ1M>,
        GgmlType::IQ4XS => super_rows::<BlockIQ4XS>,
        GgmlType::TQ1_0 => super_rows::<BlockTQ1_0>,
        GgmlType::TQ2_0 => super_rows::<BlockTQ2_0>,
        GgmlType::IQ4NL => plain_rows::<BlockIQ4NL>,
        GgmlType::MXFP4 => plain_rows::<BlockMXFP4>,
        GgmlType::NVFP4 => long_rows::<BlockNVFP4>,
        GgmlType::Q1_0 => long_rows::<BlockQ1_0>,
        GgmlType::Q2_0 => long_rows::<BlockQ2_0>,
        _ => return None,
    })
}

/// A float that a weight can be stored as.
pub(super) trait Stored<const BYTES: usize> {
    fn value(bytes: [u8; BYTES]) -> f32;
}
pub(super) struct F32;
pub(super) struct F16;
pub(super) struct Bf16;

impl Stored<4> for F32 {
    fn value(bytes: [u8; 4]) -> f32 {
        f32::from_le_bytes(bytes)
    }
}
impl Stored<2> for F16 {
    fn value(bytes: [u8; 2]) -> f32 {
        f16::from_le_bytes(bytes).to_f32()
    }
}
impl Stored<2> for Bf16 {
    fn value(bytes: [u8; 2]) -> f32 {
        bf16::from_le_bytes(bytes).to_f32()
    }
}

fn float_rows<S: Stored<N>, const N: usize>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
    for_each_product(weights, row_bytes, x.m, out, |row, t| {
        let (row, _) = row.as_chunks::<N>();
        row.iter().zip(x.floats(t)).map(|(w, x)| S::value(*w) * x).sum()
    });
}

fn plain_rows<B: PlainBlock>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
    for_each_product(weights, row_bytes, x.m, out, |row, t| plain_dot::<B>(row, x, t));
}

fn long_rows<B: LongBlock>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
    for_each_product(weights, row_bytes, x.m, out, |row, t| long_dot::<B>(row, x, t));
}

fn super_rows<B: SuperBlock>(weights: &[u8], row_bytes: usize, x: Operand, out: &mut [f32], _: &mut Scratch) {
    for_each_product(weights, row_bytes, x.m, out, |row, t| super_dot::<B>(row, x, t));
}

/// Fills `out`, [m][rows], from a function of a row of weights and the number of a row of activations.
pub(super) fn for_each_product(weights: &[u8], row_bytes: usize, m: usize, out: &mut [f32], mut product: impl FnMut(&[u8], usize) -> f32) {
    let n_rows = out.len() / m;
    for (r, row) in weights.chunks_exact(row_bytes).enumerate() {
        for t in 0..m {
            out[t * n_rows + r] = product(row, t);
        }
    }
}

fn plain_dot<B: PlainBlock>(row: &[u8], x: Operand, t: usize) -> f32 {
    let (quants, _) = x.quants(t).as_chunks::<GROUP>();
    let mut sum = 0.0;
    for (i, block) in row.chunks_exact(B::BYTES).map(B::read).enumerate() {
        sum += block.d() * x.scales(t, GROUP)[i] * products(&block.quants(), &quants[i]) as f32;
        if let Some(m) = block.m() {
            sum += m * x.weighted(t)[i];
        }
    }
    sum
}

fn long_dot<B: LongBlock>(row: &[u8], x: Operand, t: usize) -> f32 {
    let (quants, _) = x.quants(t).as_chunks::<SUM_16>();
    let mut sum = 0.0;
    for (block, quants) in row.chunks_exact(B::BYTES).map(B::read).zip(quants.chunks_exact(B::LEN / SUM_16).enumerate()) {
        let (first, quants) = (quants.0 * B::LEN / GROUP, quants.1);
        for (i, y) in quants.iter().enumerate() {
            sum += block.d(i) * x.scales(t, GROUP)[first + i / 2] * products(&block.quants(i), y) as f32;
        }
    }
    sum
}

fn super_dot<B: SuperBlock>(row: &[u8], x: Operand, t: usize) -> f32 {
    let (quants, _) = x.quants(t).as_chunks::<SUPER>();
    let (sums, _) = x.sums(t, SUM_16).as_chunks::<{ SUPER / SUM_16 }>();
    let mut sum = 0.0;
    for (i, block) in row.chunks_exact(B::BYTES).map(B::read).enumerate() {
        let weights = block.quants();
        let (mut dot, mut minimum) = (0, 0);
        for (j, (scale, m)) in block.scales().into_iter().enumerate() {
            let group = j * SUM_16..(j + 1) * SUM_16;
            dot += products(&weights[group.clone()], &quants[i][group]) * i32::from(scale);
            minimum += i32::from(m) * i32::from(sums[i][j]);
        }
        sum += x.scales(t, SUPER)[i] * (block.d() * dot as f32 - block.dmin() * minimum as f32);
    }
    sum
}

fn products(weights: &[i8], x: &[i8]) -> i32 {
    weights.iter().zip(x).map(|(w, x)| i32::from(*w) * i32::from(*x)).sum()
}

pub(super) fn float_tile(a: &[f32], b: &[f32], c: &mut [f32], shape: TileShape) {
    float::tile::<false>(a, b, c, shape);
}

fn turn(rows: &[f32], n: usize, width: usize, out: &mut [f32], stride: usize) {
    for (i, row) in rows.chunks_exact(width).take(n).enumerate() {
        for (j, x) in row.iter().enumerate() {
            out[j * stride + i] = *x;
        }
    }
}

fn round(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x = f16::from_f32(*x).to_f32());
}

fn narrow(x: &[f32], out: &mut [f16]) {
    out.iter_mut().zip(x).for_each(|(out, x)| *out = f16::from_f32(*x));
}

fn widen(x: &[f16], out: &mut [f32]) {
    out.iter_mut().zip(x).for_each(|(out, x)| *out = x.to_f32());
}

fn widen_blocks(x: &[u8], out: &mut [f32]) {
    for (block, out) in x.chunks_exact(BlockQ8_0::BYTES).map(BlockQ8_0::read).zip(out.as_chunks_mut::<GROUP>().0) {
        let d = block.d.to_f32();
        *out = block.qs.map(|q| f32::from(q) * d);
    }
}
