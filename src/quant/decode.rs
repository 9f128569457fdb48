//! Bytes to numbers: plain f32 arithmetic, one rounding an operation, in ggml's order.

use super::blocks::*;
use super::few_bits::*;
use super::grid_blocks::*;
use super::tables::*;
use super::{GgmlType, QuantError};
use half::{bf16, f16};

/// Decodes whole blocks, `out.len()` values in all.
pub fn dequantize(ty: GgmlType, bytes: &[u8], out: &mut [f32]) -> Result<(), QuantError> {
    let expected = ty.row_bytes(out.len()).ok_or(QuantError::NotWholeBlocks { ty, values: out.len() })?;
    if bytes.len() != expected {
        return Err(QuantError::Length { ty, values: out.len(), found: bytes.len(), expected });
    }
    match ty {
        GgmlType::F32 => numbers(bytes, out, f32::from_le_bytes),
        GgmlType::F16 => numbers(bytes, out, |b| f16::from_le_bytes(b).to_f32()),
        GgmlType::BF16 => numbers(bytes, out, |b| bf16::from_le_bytes(b).to_f32()),
        GgmlType::Q4_0 => plain_blocks::<BlockQ4_0>(bytes, out),
        GgmlType::Q4_1 => plain_blocks::<BlockQ4_1>(bytes, out),
        GgmlType::Q5_0 => plain_blocks::<BlockQ5_0>(bytes, out),
        GgmlType::Q5_1 => plain_blocks::<BlockQ5_1>(bytes, out),
        GgmlType::Q8_0 => plain_blocks::<BlockQ8_0>(bytes, out),
        GgmlType::Q2K => super_blocks::<BlockQ2K>(bytes, out),
        GgmlType::Q3K => super_blocks::<BlockQ3K>(bytes, out),
        GgmlType::Q4K => super_blocks::<BlockQ4K>(bytes, out),
        GgmlType::Q5K => super_blocks::<BlockQ5K>(bytes, out),
        GgmlType::Q6K => super_blocks::<BlockQ6K>(bytes, out),
        GgmlType::IQ4NL => plain_blocks::<BlockIQ4NL>(bytes, out),
        GgmlType::MXFP4 => plain_blocks::<BlockMXFP4>(bytes, out),
        GgmlType::NVFP4 => long_blocks::<BlockNVFP4>(bytes, out),
        GgmlType::Q1_0 => long_blocks::<BlockQ1_0>(bytes, out),
        GgmlType::Q2_0 => long_blocks::<BlockQ2_0>(bytes, out),
        GgmlType::IQ2XXS => super_blocks::<BlockIQ2XXS>(bytes, out),
        GgmlType::IQ2XS => super_blocks::<BlockIQ2XS>(bytes, out),
        GgmlType::IQ2S => super_blocks::<BlockIQ2S>(bytes, out),
        GgmlType::IQ3XXS => super_blocks::<BlockIQ3XXS>(bytes, out),
        GgmlType::IQ3S => super_blocks::<BlockIQ3S>(bytes, out),
        GgmlType::IQ1S => super_blocks::<BlockIQ1S>(bytes, out),
        GgmlType::IQ1M => super_blocks::<BlockIQ1M>(bytes, out),
        GgmlType::IQ4XS => super_blocks::<BlockIQ4XS>(bytes, out),
        GgmlType::TQ1_0 => super_blocks::<BlockTQ1_0>(bytes, out),
        GgmlType::TQ2_0 => super_blocks::<BlockTQ2_0>(bytes, out),
        _ => return Err(QuantError::NoDecoder { ty }),
    }
    Ok(())
}

fn numbers<const N: usize>(bytes: &[u8], out: &mut [f32], read: fn([u8; N]) -> f32) {
    let (numbers, _) = bytes.as_chunks::<N>();
    for (x, b) in out.iter_mut().zip(numbers) {
        *x = read(*b);
    }
}

fn plain_blocks<B: PlainBlock>(bytes: &[u8], out: &mut [f32]) {
    for (b, x) in bytes.chunks_exact(B::BYTES).zip(out.chunks_exact_mut(B::LEN)) {
        let block = B::read(b);
        let d = block.d();
        for (x, q) in x.iter_mut().zip(block.quants()) {
            *x = f32::from(q) * d;
            // Not `+ 0.0`, which would turn -0.0 into 0.0.
            if let Some(m) = block.m() {
                *x += m;
            }
        }
    }
}

fn long_blocks<B: LongBlock>(bytes: &[u8], out: &mut [f32]) {
    for (b, x) in bytes.chunks_exact(B::BYTES).zip(out.chunks_exact_mut(B::LEN)) {
        let block = B::read(b);
        for (i, x) in x.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            let d = block.d(i);
            *x = block.quants(i).map(|q| f32::from(q) * d);
        }
    }
}

fn super_blocks<B: SuperBlock>(bytes: &[u8], out: &mut [f32]) {
    for (b, x) in bytes.chunks_exact(B::BYTES).zip(out.chunks_exact_mut(B::LEN)) {
        let block = B::read(b);
        let quants = block.quants();
        for (group, (scale, min)) in block.scales().into_iter().enumerate() {
            let (d, m) = (block.d() * f32::from(scale), block.dmin() * f32::from(min));
            for v in group * 16..group * 16 + 16 {
                x[v] = d * f32::from(quants[v]) - m;
            }
        }
    }
}
