//! Types of one or two bits, or of three values in less than two.

use super::blocks::{Block, LongBlock, SuperBlock, block};
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
        let mut values = [0; 256];
        let (first, rest) = values.split_at_mut(160);
        let (second, last) = rest.split_at_mut(80);
        digits(&self.qs[..32], first);
        digits(&self.qs[32..], second);
        digits(&self.qh, last);
        values
    }
}

/// The first digits of all bytes, less 1, then the second ones, as many as there is room for.
fn digits(bytes: &[u8], out: &mut [i8]) {
    let mut power = 1u8;
    for out in out.chunks_exact_mut(bytes.len()) {
        for (value, byte) in out.iter_mut().zip(bytes) {
            *value = ((u16::from(byte.wrapping_mul(power)) * 3) >> 8) as i8 - 1;
        }
        power = power.wrapping_mul(3);
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
        let mut values = [0; 256];
        for (i, out) in values.as_chunks_mut::<32>().0.iter_mut().enumerate() {
            let (bytes, shift) = (&self.qs[i / 4 * 32..][..32], i % 4 * 2);
            out.iter_mut().zip(bytes).for_each(|(value, byte)| *value = (byte >> shift & 3) as i8 - 1);
        }
        values
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
