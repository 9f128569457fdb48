//! Every tier against plain sums in f64 over what the formats mean.

mod attention;
mod choice;
mod curves;
mod floats;
mod golden;
mod peak;
mod products;
mod shares;
mod states;
mod wide;

use super::*;
use crate::quant::{Activation, GgmlType, block_q8_1, dequantize};

/// The types that have kernels.
const TYPES: [GgmlType; 28] = [
    GgmlType::F32,
    GgmlType::F16,
    GgmlType::BF16,
    GgmlType::Q8_0,
    GgmlType::Q4_0,
    GgmlType::Q4_1,
    GgmlType::Q5_0,
    GgmlType::Q5_1,
    GgmlType::Q2K,
    GgmlType::Q3K,
    GgmlType::Q4K,
    GgmlType::Q5K,
    GgmlType::Q6K,
    GgmlType::IQ4NL,
    GgmlType::MXFP4,
    GgmlType::NVFP4,
    GgmlType::Q1_0,
    GgmlType::Q2_0,
    GgmlType::IQ2XXS,
    GgmlType::IQ2XS,
    GgmlType::IQ2S,
    GgmlType::IQ3XXS,
    GgmlType::IQ3S,
    GgmlType::IQ1S,
    GgmlType::IQ1M,
    GgmlType::IQ4XS,
    GgmlType::TQ1_0,
    GgmlType::TQ2_0,
];

/// The sets of this processor, and what stands in for those it lacks.
pub(in super::super) fn sets() -> &'static [&'static KernelSet] {
    static SETS: std::sync::OnceLock<Vec<&KernelSet>> = std::sync::OnceLock::new();
    SETS.get_or_init(|| {
        #[allow(unused_mut)]
        let mut sets: Vec<&KernelSet> = available().iter().collect();
        #[cfg(target_arch = "x86_64")]
        sets.extend(x86::stand_ins().map(|set| &*Box::leak(Box::new(set))));
        sets
    })
}

/// Numbers that look random and are the same everywhere (splitmix64).
struct Chance(u64);

impl Chance {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In -1..1.
    fn value(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    fn values(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.value()).collect()
    }

    /// Rows of random blocks; only what is a half-precision scale is kept small.
    fn blocks(&mut self, ty: GgmlType, n: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = Vec::with_capacity(n / ty.block_len() * ty.block_bytes());
        for _ in 0..n / ty.block_len() {
            let at = bytes.len();
            bytes.extend((0..ty.block_bytes()).map(|_| self.bits() as u8));
            for offset in scale_offsets(ty) {
                let scale = half::f16::from_f32(self.value() * 0.05);
                bytes[at + offset..at + offset + 2].copy_from_slice(&scale.to_le_bytes());
            }
            match ty {
                GgmlType::F32 => bytes[at..].copy_from_slice(&self.value().to_le_bytes()),
                GgmlType::F16 => bytes[at..].copy_from_slice(&half::f16::from_f32(self.value()).to_le_bytes()),
                GgmlType::BF16 => bytes[at..].copy_from_slice(&half::bf16::from_f32(self.value()).to_le_bytes()),
                // The exponent of a scale, near that of the others' scales.
                GgmlType::MXFP4 => bytes[at] = 117 + bytes[at] % 8,
                // The highest four bits of a half-precision scale in pieces: 2^-7 times 1 to 2.
                GgmlType::IQ1M => bytes[at + 55] = bytes[at + 55] & 0x0F | 0x20,
                _ => {}
            }
        }
        bytes
    }
}

/// Where a block keeps its half-precision numbers.
fn scale_offsets(ty: GgmlType) -> &'static [usize] {
    match ty {
        GgmlType::Q8_0 | GgmlType::Q4_0 | GgmlType::Q5_0 | GgmlType::IQ4NL | GgmlType::Q1_0 | GgmlType::Q2_0 => &[0],
        GgmlType::IQ2XXS | GgmlType::IQ2XS | GgmlType::IQ2S | GgmlType::IQ3XXS | GgmlType::IQ3S => &[0],
        GgmlType::IQ1S | GgmlType::IQ4XS => &[0],
        GgmlType::TQ1_0 => &[52],
        GgmlType::TQ2_0 => &[64],
        GgmlType::Q4_1 | GgmlType::Q5_1 => &[0, 2],
        GgmlType::Q4K | GgmlType::Q5K => &[0, 2],
        GgmlType::Q2K => &[80, 82],
        GgmlType::Q3K => &[108],
        GgmlType::Q6K => &[208],
        _ => &[],
    }
}

/// What a row of activations stands for beside weights of a type.
fn meaning(ty: GgmlType, row: &[f32]) -> Vec<f64> {
    let wide = |x: f32| f64::from(x);
    match Activation::new(ty.partner().unwrap(), row).unwrap() {
        Activation::F32(x) => x.into_iter().map(wide).collect(),
        Activation::F16(x) => x.into_iter().map(|x| wide(x.to_f32())).collect(),
        Activation::BF16(x) => x.into_iter().map(|x| wide(x.to_f32())).collect(),
        Activation::Q8_0(x) => x.iter().flat_map(|b| b.qs.map(|q| f64::from(q) * wide(b.d.to_f32()))).collect(),
        Activation::Q8_1(x) => x.iter().flat_map(|b| b.qs.map(|q| f64::from(q) * wide(b.d.to_f32()))).collect(),
        Activation::Q8K(x) => x.iter().flat_map(|b| b.qs.map(|q| f64::from(q) * wide(b.d))).collect(),
    }
}

/// The nearest bfloat16s, as units take them: without such as are too small to be normal.
fn halved(x: &[f32]) -> Vec<f32> {
    let halved = |x: &f32| half::bf16::from_f32(*x).to_f32();
    x.iter().map(|x| if x.is_subnormal() { 0.0 } else { halved(x) }).collect()
}

/// What a set multiplies `m` rows by: a row of weights, and one of activations.
fn factors(set: &KernelSet, ty: GgmlType, m: usize, w: &[f32], x: &[f32]) -> (Vec<f32>, Vec<f64>) {
    let wide = |x: Vec<f32>| x.into_iter().map(f64::from).collect();
    if set.is_exact() {
        (w.to_vec(), wide(x.to_vec()))
    } else if set.wide(ty, m).is_some() {
        (halved(w), wide(halved(x)))
    } else {
        (w.to_vec(), meaning(ty, x))
    }
}

/// The sum of products and of their magnitudes.
fn truth(weights: &[f32], x: &[f64]) -> (f64, f64) {
    weights.iter().zip(x).fold((0.0, 0.0), |(sum, abs), (w, x)| (sum + f64::from(*w) * x, abs + (f64::from(*w) * x).abs()))
}

/// What is left of a magnitude by rounding to f32 in any order.
const ROUNDING: f64 = 1e-5;

/// What Q8_1 adds to the sum of products: it keeps the sum of each block in half precision, and a minimum is multiplied by
/// that. Zero for types without.
fn drift(ty: GgmlType, row: &[u8], x: &[f32]) -> f64 {
    if ty.partner() != Some(GgmlType::Q8_1) {
        return 0.0;
    }
    let blocks = row.chunks_exact(ty.block_bytes()).zip(x.as_chunks::<32>().0);
    let of_block = |(block, x): (&[u8], &[f32; 32])| {
        let minimum = half::f16::from_le_bytes([block[2], block[3]]).to_f64();
        let y = block_q8_1(x);
        minimum * (y.s.to_f64() - y.d.to_f64() * y.qs.iter().map(|q| f64::from(*q)).sum::<f64>())
    };
    blocks.map(of_block).sum()
}

/// Rows of weights as f32.
fn floats(ty: GgmlType, bytes: &[u8], n: usize) -> Vec<f32> {
    let mut out = vec![0.0; n];
    dequantize(ty, bytes, &mut out).unwrap();
    out
}
