//! Types whose four bits are places in a table: IQ4's values lie closer near zero, those of the FP4 types are a float's.

use super::blocks::{Block, LongBlock, PlainBlock, SuperBlock, block, nibbles};
use half::f16;

/// The values of IQ4_NL and IQ4_XS (kvalues_iq4nl).
pub const IQ4_VALUES: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/// Twice the values of a float with a sign, two bits of exponent and one of mantissa (E2M1); its scale is halved instead.
pub const FP4_VALUES: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

block! {
    /// Places in `IQ4_VALUES`, laid out as Q4_0's nibbles.
    BlockIQ4NL: 32 values, 18 bytes {
        d: f16,
        qs: [u8; 16],
    }
}

block! {
    /// Places in `IQ4_VALUES` under a scale for each 32; each 32 laid out as IQ4_NL's.
    BlockIQ4XS: 256 values, 136 bytes {
        d: f16,
        /// The two high bits of scale j are bits 2 j and 2 j + 1.
        scales_h: u16,
        /// The four low bits of scales 2 i and 2 i + 1. A scale is these six bits less 32.
        scales_l: [u8; 4],
        qs: [u8; 128],
    }
}

block! {
    /// Places in `FP4_VALUES`, laid out as Q4_0's nibbles, under a power of two.
    BlockMXFP4: 32 values, 17 bytes {
        e: u8,
        qs: [u8; 16],
    }
}

block! {
    /// Places in `FP4_VALUES` under a small float for each 16.
    BlockNVFP4: 64 values, 36 bytes {
        d: [u8; 4],
        /// `qs[8 i + j]` (j < 8) holds value j of sixteen i in its low and value j + 8 in its high nibble.
        qs: [u8; 32],
    }
}

/// Half of 2^(e - 127), the exponent of a scale with no other bits (E8M0): 2^-127 and 2^-128 are subnormal.
pub fn half_of_e8m0(e: u8) -> f32 {
    f32::from_bits(if e < 2 { 0x0020_0000 << e } else { u32::from(e - 1) << 23 })
}

/// Half of a float without a sign, of four bits of exponent and three of mantissa (UE4M3). What its NaN would be is 0.
pub const fn half_of_ue4m3(x: u8) -> f32 {
    const NOT_A_NUMBER: u8 = 0x7F;
    let (exponent, mantissa) = ((x >> 3 & 0xF) as u32, (x & 7) as u32);
    match exponent {
        _ if x == NOT_A_NUMBER => 0.0,
        0 => mantissa as f32 / 1024.0,
        // Half of what is biased by 7, biased by 127.
        _ => f32::from_bits((exponent + 119) << 23 | mantissa << 20),
    }
}

impl PlainBlock for BlockIQ4NL {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn m(&self) -> Option<f32> {
        None
    }

    fn quants(&self) -> [i8; 32] {
        nibbles(&self.qs).map(|q| IQ4_VALUES[usize::from(q)])
    }
}

impl PlainBlock for BlockMXFP4 {
    fn d(&self) -> f32 {
        half_of_e8m0(self.e)
    }

    fn m(&self) -> Option<f32> {
        None
    }

    fn quants(&self) -> [i8; 32] {
        nibbles(&self.qs).map(|q| FP4_VALUES[usize::from(q)])
    }
}

impl LongBlock for BlockNVFP4 {
    const SUB: usize = 16;

    fn d(&self, i: usize) -> f32 {
        half_of_ue4m3(self.d[i])
    }

    fn quants(&self, i: usize) -> [i8; 16] {
        std::array::from_fn(|v| FP4_VALUES[usize::from(self.qs[8 * i + v % 8] >> (v / 8 * 4) & 0xF)])
    }
}

impl SuperBlock for BlockIQ4XS {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn dmin(&self) -> f32 {
        0.0
    }

    fn scales(&self) -> [(i8, u8); 16] {
        std::array::from_fn(|group| {
            let j = group / 2;
            let low = self.scales_l[j / 2] >> (j % 2 * 4) & 0xF;
            let high = (self.scales_h >> (2 * j) & 3) as u8;
            ((low | high << 4) as i8 - 32, 0)
        })
    }

    fn quants(&self) -> [i8; 256] {
        std::array::from_fn(|v| IQ4_VALUES[usize::from(self.qs[v / 32 * 16 + v % 16] >> (v % 32 / 16 * 4) & 0xF)])
    }
}
