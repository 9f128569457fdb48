//! Types of one or two bits, or of three values in less than two.

use super::blocks::{Block, LongBlock, SuperBlock, block, two_bit_place};
use half::f16;

block! {
    /// -1, 0, 1: five to a byte. A byte is a fraction of 256 in base 3: each multiplication by 3 carries a digit out.
    /// Digit n of `qs[j]` is value 32 n + j for j < 32 and value 160 + 16 n + j - 32 above; digit n of `qh[j]` is value
    /// 240 + 4 n + j.
    BlockTQ1_0: 256 values, 54 bytes {
        qs: [u8; 48],
        qh: [u8; 4],
        d: f16,
    }
}

block! {
    /// -1, 0, 1: two bits less 1, laid out as Q2_K's.
    BlockTQ2_0: 256 values, 66 bytes {
        qs: [u8; 64],
        d: f16,
    }
}

block! {
    /// Signs: value i is d where bit i is set, else -d.
    BlockQ1_0: 128 values, 18 bytes {
        d: f16,
        qs: [u8; 16],
    }
}

block! {
    /// Two bits less 1: value i is bits 2 i and 2 i + 1.
    BlockQ2_0: 64 values, 18 bytes {
        d: f16,
        qs: [u8; 16],
    }
}

impl SuperBlock for BlockTQ1_0 {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn dmin(&self) -> f32 {
        0.0
    }

    fn scales(&self) -> [(i8, u8); 16] {
        [(1, 0); 16]
    }

    fn quants(&self) -> [i8; 256] {
        const POWERS: [u8; 5] = [1, 3, 9, 27, 81];
        std::array::from_fn(|v| {
            let (byte, digit) = match v {
                0..160 => (self.qs[v % 32], v / 32),
                160..240 => (self.qs[32 + v % 16], (v - 160) / 16),
                _ => (self.qh[v % 4], (v - 240) / 4),
            };
            let rest = byte.wrapping_mul(POWERS[digit]);
            ((u16::from(rest) * 3) >> 8) as i8 - 1
        })
    }
}

impl SuperBlock for BlockTQ2_0 {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn dmin(&self) -> f32 {
        0.0
    }

    fn scales(&self) -> [(i8, u8); 16] {
        [(1, 0); 16]
    }

    fn quants(&self) -> [i8; 256] {
        std::array::from_fn(|v| {
            let (byte, shift) = two_bit_place(v);
            (self.qs[byte] >> shift & 3) as i8 - 1
        })
    }
}

impl LongBlock for BlockQ1_0 {
    const SUB: usize = 32;

    fn d(&self, _: usize) -> f32 {
        self.d.to_f32()
    }

    fn quants(&self, i: usize) -> [i8; 16] {
        std::array::from_fn(|v| (self.qs[2 * i + v / 8] >> (v % 8) & 1) as i8 * 2 - 1)
    }
}

impl LongBlock for BlockQ2_0 {
    const SUB: usize = 32;

    fn d(&self, _: usize) -> f32 {
        self.d.to_f32()
    }

    fn quants(&self, i: usize) -> [i8; 16] {
        std::array::from_fn(|v| (self.qs[4 * i + v / 4] >> (v % 4 * 2) & 3) as i8 - 1)
    }
}
