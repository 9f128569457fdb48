//! Types whose values are points of a grid: eight (IQ1, IQ2) or four (IQ3) values are one number, a place in a table.
//!
//! IQ2 and IQ3 keep signs apart from magnitudes. IQ1's points have signs themselves and are moved by an eighth, up or down;
//! here all is counted in eighths, and the eighth is in `d`. Scales are odd numbers, `2 s + 1`, and what a type divides by
//! is in `d` too, so that all of these are super-blocks of integers. Nothing is lost: every step of ggml's is exact in f32.

use super::blocks::{Block, SuperBlock, block};
use super::grids;
use half::f16;

block! {
    /// Of each 32 values, four words: four bytes of places, then 28 bits of signs (seven for eight values), four of scale.
    BlockIQ2XXS: 256 values, 66 bytes {
        d: f16,
        qs: [u16; 32],
    }
}

block! {
    /// A word for eight values: nine bits of place, seven of signs.
    BlockIQ2XS: 256 values, 74 bytes {
        d: f16,
        qs: [u16; 32],
        /// A nibble for each 16 values.
        scales: [u8; 8],
    }
}

block! {
    /// Ten bits of place for eight values, and all of their signs.
    BlockIQ2S: 256 values, 82 bytes {
        d: f16,
        qs: [u8; 32],
        signs: [u8; 32],
        /// The high two bits of place 4 i + j are bits 2 j and 2 j + 1 of byte i.
        qh: [u8; 8],
        /// A nibble for each 16 values.
        scales: [u8; 8],
    }
}

block! {
    /// A byte of place for four values.
    BlockIQ3XXS: 256 values, 98 bytes {
        d: f16,
        qs: [u8; 64],
        /// Of each 32 values, four bytes: 28 bits of signs, seven for eight values, then four of scale.
        signs: [u8; 32],
    }
}

block! {
    /// Nine bits of place for four values, and all of their signs.
    BlockIQ3S: 256 values, 110 bytes {
        d: f16,
        qs: [u8; 64],
        /// The ninth bit of place 8 i + j is bit j of byte i.
        qh: [u8; 8],
        signs: [u8; 32],
        /// A nibble for each 32 values.
        scales: [u8; 4],
    }
}

block! {
    /// Eleven bits of place for eight values.
    BlockIQ1S: 256 values, 50 bytes {
        d: f16,
        qs: [u8; 32],
        /// Of each 32 values: the high three bits of four places, three bits of scale, and whether the eighth is taken off.
        qh: [u16; 8],
    }
}

block! {
    /// Eleven bits of place for eight values.
    BlockIQ1M: 256 values, 56 bytes {
        qs: [u8; 32],
        /// A nibble for eight values: the high three bits of place, and whether the eighth is taken off.
        qh: [u8; 16],
        /// Three bits of scale for each of four times 16 values; the four bits above are a quarter of d, the lowest first.
        scales: [u16; 4],
    }
}

/// Seven signs; the eighth makes the number of minuses even.
fn even_signs(seven: u32) -> u8 {
    // Bit n: whether the nibble n has an odd number of ones.
    const ODD: u16 = 0x6996;
    let seven = (seven & 0x7F) as u8;
    let odd = (ODD >> ((seven ^ seven >> 4) & 0xF)) as u8 & 1;
    seven | odd << 7
}

/// Magnitudes with the sign of each: bit i of `minus` is value i's. None is 0. Eight at once, a byte each: -x is !x + 1.
fn with_signs(magnitudes: [i8; 8], minus: u8) -> [i8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // Bit i of byte i, where it is set; then 1 in each byte that is not 0.
    let bits = (u64::from(minus) * ONES) & 0x8040_2010_0804_0201;
    let ones = (bits + 0x7F * ONES) >> 7 & ONES;
    let values = u64::from_le_bytes(magnitudes.map(|m| m as u8));
    // Nothing is carried into the next byte, since no !x is 255.
    ((values ^ (ones * 0xFF)) + ones).to_le_bytes().map(|v| v as i8)
}

/// 256 values from the points of each eight.
fn by_eights(point: impl Fn(usize) -> [i8; 8]) -> [i8; 256] {
    let mut values = [0; 256];
    for (i, eight) in values.as_chunks_mut().0.iter_mut().enumerate() {
        *eight = point(i);
    }
    values
}

/// Two points of four.
fn joined(a: [i8; 4], b: [i8; 4]) -> [i8; 8] {
    std::array::from_fn(|i| if i < 4 { a[i] } else { b[i - 4] })
}

/// The odd number that a scale's bits stand for.
fn odd(bits: u32) -> (i8, u8) {
    (2 * bits as i8 + 1, 0)
}

/// Nibble i of some bytes, the low one first.
fn nibble(bytes: &[u8], i: usize) -> u32 {
    u32::from(bytes[i / 2] >> (i % 2 * 4) & 0xF)
}

/// What all of them have in common: `super_block!(type, divisor of d, scale of a group of 16, values of an eight)`.
macro_rules! super_block {
    ($name:ident, $d:expr, $scale:expr, $eight:expr) => {
        impl SuperBlock for $name {
            fn d(&self) -> f32 {
                let d: fn(&Self) -> f32 = $d;
                d(self)
            }

            fn dmin(&self) -> f32 {
                0.0
            }

            fn scales(&self) -> [(i8, u8); 16] {
                let scale: fn(&Self, usize) -> u32 = $scale;
                std::array::from_fn(|group| odd(scale(self, group)))
            }

            fn quants(&self) -> [i8; 256] {
                let eight: fn(&Self, usize) -> [i8; 8] = $eight;
                by_eights(|i| eight(self, i))
            }
        }
    };
}

impl BlockIQ2XXS {
    /// The signs and the scale of the 32 values that an eight is of.
    fn signs(&self, i: usize) -> u32 {
        let words = &self.qs[i / 4 * 4 + 2..];
        u32::from(words[0]) | u32::from(words[1]) << 16
    }
}

super_block!(BlockIQ2XXS, |b| b.d.to_f32() / 8.0, |b, group| b.signs(group * 2) >> 28, |b, i| {
    let place = b.qs[i / 4 * 4 + i % 4 / 2] >> (i % 2 * 8) & 0xFF;
    with_signs(grids::IQ2_XXS[usize::from(place)], even_signs(b.signs(i) >> (i % 4 * 7)))
});

super_block!(BlockIQ2XS, |b| b.d.to_f32() / 8.0, |b, group| nibble(&b.scales, group), |b, i| with_signs(
    grids::IQ2_XS[usize::from(b.qs[i] & 511)],
    even_signs(u32::from(b.qs[i] >> 9))
));

super_block!(BlockIQ2S, |b| b.d.to_f32() / 8.0, |b, group| nibble(&b.scales, group), |b, i| {
    let place = usize::from(b.qs[i]) | usize::from(b.qh[i / 4] >> (i % 4 * 2) & 3) << 8;
    with_signs(grids::IQ2_S[place], b.signs[i])
});

impl BlockIQ3XXS {
    /// The signs and the scale of the 32 values that an eight is of.
    fn signs(&self, i: usize) -> u32 {
        u32::from_le_bytes(self.signs.as_chunks().0[i / 4])
    }
}

super_block!(BlockIQ3XXS, |b| b.d.to_f32() / 4.0, |b, group| b.signs(group * 2) >> 28, |b, i| {
    let four = |place: u8| grids::IQ3_XXS[usize::from(place)];
    with_signs(joined(four(b.qs[2 * i]), four(b.qs[2 * i + 1])), even_signs(b.signs(i) >> (i % 4 * 7)))
});

super_block!(BlockIQ3S, |b| b.d.to_f32(), |b, group| nibble(&b.scales, group / 2), |b, i| {
    let four = |j: usize| grids::IQ3_S[usize::from(b.qs[j]) | usize::from(b.qh[j / 8] >> (j % 8) & 1) << 8];
    with_signs(joined(four(2 * i), four(2 * i + 1)), b.signs[i])
});

/// A point of IQ1 with an eighth added or taken off.
fn moved(place: usize, down: bool) -> [i8; 8] {
    let by = if down { -1 } else { 1 };
    grids::IQ1[place].map(|v| v + by)
}

super_block!(BlockIQ1S, |b| b.d.to_f32() / 8.0, |b, group| u32::from(b.qh[group / 2] >> 12 & 7), |b, i| {
    let word = b.qh[i / 4];
    let place = usize::from(b.qs[i]) | usize::from(word >> (i % 4 * 3) & 7) << 8;
    moved(place, word >> 15 == 1)
});

super_block!(
    BlockIQ1M,
    |b| {
        let quarters = b.scales.iter().enumerate().map(|(i, word)| word >> 12 << (4 * i));
        f16::from_bits(quarters.fold(0, |d, quarter| d | quarter)).to_f32() / 8.0
    },
    |b, group| u32::from(b.scales[group / 4] >> (group % 4 * 3) & 7),
    |b, i| {
        let high = nibble(&b.qh, i) as usize;
        moved(usize::from(b.qs[i]) | (high & 7) << 8, high & 8 != 0)
    }
);
