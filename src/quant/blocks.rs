//! The blocks as they lie in memory and in files, little-endian, and what the numbers in them are.
//!
//! Three families. A *plain block* has 32 values with one scale: `x = d * q` or `x = d * q + m`. A *long block* has two or
//! four times as many, `x = d * q` with a scale for all or for each 16. A *super-block* has 256 values in 16 groups of 16, each with a
//! small integer scale (and for some types a minimum) under the block's own: `x = (d * scale) * q - dmin * min`. Types whose
//! groups are longer repeat a scale. The types with tables stand in `tables`, those of one and two bits in `few_bits`, those
//! with grids in `grid_blocks`. The layouts are ggml's (ggml/src/ggml-common.h).

use half::f16;

/// Bytes of a file or of a row of activations, taken apart.
pub trait Block: Copy {
    /// Values in a block.
    const LEN: usize;
    const BYTES: usize;
    /// From exactly `BYTES` bytes.
    fn read(bytes: &[u8]) -> Self;
    fn write(&self, out: &mut Vec<u8>);
}

/// A block of 32 values: `x = d * q`, plus `m` where there is one.
pub trait PlainBlock: Block {
    fn d(&self) -> f32;
    fn m(&self) -> Option<f32>;
    fn quants(&self) -> [i8; 32];
}

/// A block of several times 32 values: `x = d * q`.
pub trait LongBlock: Block {
    /// Values that have a scale in common: 16 or 32.
    const SUB: usize;
    /// The scale of values `16 i .. 16 i + 16`.
    fn d(&self, i: usize) -> f32;
    /// Those values' quants.
    fn quants(&self, i: usize) -> [i8; 16];
}

/// A block of 256 values in groups of 16: `x = (d * scale) * q - dmin * min`.
pub trait SuperBlock: Block {
    fn d(&self) -> f32;
    /// 0 for types without minimums.
    fn dmin(&self) -> f32;
    /// Scale and minimum of each group.
    fn scales(&self) -> [(i8, u8); 16];
    fn quants(&self) -> [i8; 256];
}

/// A number, or a fixed run of them, at the front of some bytes.
pub(super) trait Field: Sized {
    fn take(bytes: &mut &[u8]) -> Self;
    fn put(&self, out: &mut Vec<u8>);
}

macro_rules! field {
    ($($number:ty),*) => {$(
        impl Field for $number {
            fn take(bytes: &mut &[u8]) -> Self {
                let (front, rest) = bytes.split_first_chunk().expect("a block is read from all of its bytes");
                *bytes = rest;
                Self::from_le_bytes(*front)
            }

            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

field!(f16, f32, i8, u8, i16, u16);

impl<T: Field, const N: usize> Field for [T; N] {
    fn take(bytes: &mut &[u8]) -> Self {
        std::array::from_fn(|_| T::take(bytes))
    }

    fn put(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|v| v.put(out));
    }
}

macro_rules! block {
    ($(#[$doc:meta])* $name:ident: $len:literal values, $bytes:literal bytes { $($(#[$fdoc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        #[repr(C)]
        pub struct $name { $($(#[$fdoc])* pub $field: $ty,)* }

        const _: () = assert!(size_of::<$name>() == $bytes);

        impl Block for $name {
            const LEN: usize = $len;
            const BYTES: usize = $bytes;

            fn read(bytes: &[u8]) -> Self {
                let mut bytes = bytes;
                Self { $($field: $crate::quant::blocks::Field::take(&mut bytes),)* }
            }

            fn write(&self, out: &mut Vec<u8>) {
                $($crate::quant::blocks::Field::put(&self.$field, out);)*
            }
        }
    };
}
pub(super) use block;

block! {
    /// Nibbles less 8. `qs[i]` holds value i in its low and value i + 16 in its high nibble.
    BlockQ4_0: 32 values, 18 bytes {
        d: f16,
        qs: [u8; 16],
    }
}

block! {
    /// Nibbles over a minimum, laid out as Q4_0's.
    BlockQ4_1: 32 values, 20 bytes {
        d: f16,
        m: f16,
        qs: [u8; 16],
    }
}

block! {
    /// Five bits less 16: nibbles as Q4_0's, the fifth bit of value i is bit i of `qh`.
    BlockQ5_0: 32 values, 22 bytes {
        d: f16,
        qh: [u8; 4],
        qs: [u8; 16],
    }
}

block! {
    /// Five bits over a minimum, laid out as Q5_0's.
    BlockQ5_1: 32 values, 24 bytes {
        d: f16,
        m: f16,
        qh: [u8; 4],
        qs: [u8; 16],
    }
}

block! {
    /// Whole bytes. Also the partner that activations become beside 4- and 5-bit weights without a minimum.
    BlockQ8_0: 32 values, 34 bytes {
        d: f16,
        qs: [i8; 32],
    }
}

block! {
    /// Activations beside weights with a minimum: a minimum `m` adds `m * s`.
    BlockQ8_1: 32 values, 36 bytes {
        d: f16,
        /// d times the sum of `qs`, before `d` was rounded to f16.
        s: f16,
        qs: [i8; 32],
    }
}

block! {
    /// Two bits over a minimum.
    /// `qs[32 h + i]` holds values 128 h + i + {0, 32, 64, 96} in its bits {01, 23, 45, 67}.
    BlockQ2K: 256 values, 84 bytes {
        /// Scale in the low, minimum in the high nibble, a group each.
        scales: [u8; 16],
        qs: [u8; 64],
        d: f16,
        dmin: f16,
    }
}

block! {
    /// Three bits less 4. The two low bits lie as Q2_K's; the third of value 32 k + i is bit k of `hmask[i]`.
    BlockQ3K: 256 values, 110 bytes {
        hmask: [u8; 32],
        qs: [u8; 64],
        /// Six bits less 32 a group. Low four of group j: low nibble of byte j for j < 8, high nibble of byte j - 8
        /// above. High two: bits 2 (j / 4) of byte 8 + j % 4.
        scales: [u8; 12],
        d: f16,
    }
}

block! {
    /// Nibbles over a minimum, groups of 32.
    /// `qs[32 p + i]` holds values 64 p + i and 64 p + i + 32 in its low and high nibble.
    BlockQ4K: 256 values, 144 bytes {
        d: f16,
        dmin: f16,
        /// Six bits each, see `unpack_six_bit`.
        scales: [u8; 12],
        qs: [u8; 128],
    }
}

block! {
    /// Five bits over a minimum, groups of 32. Nibbles as Q4_K's; the fifth bit of value 32 k + i is bit k of `qh[i]`.
    BlockQ5K: 256 values, 176 bytes {
        d: f16,
        dmin: f16,
        /// As Q4_K's.
        scales: [u8; 12],
        qh: [u8; 32],
        qs: [u8; 128],
    }
}

block! {
    /// Six bits less 32. Of each 128 values, `ql[64 h + i]` (i < 64) holds the low four bits of values 128 h + i and
    /// 128 h + i + 64; `qh[32 h + i]` (i < 32) holds the high two of values 128 h + i + {0, 32, 64, 96}.
    BlockQ6K: 256 values, 210 bytes {
        ql: [u8; 128],
        qh: [u8; 64],
        scales: [i8; 16],
        d: f16,
    }
}

block! {
    /// Activations beside super-blocks.
    BlockQ8K: 256 values, 292 bytes {
        d: f32,
        qs: [i8; 256],
        /// Sums of `qs` over each group of 16: a minimum `m` subtracts `m` times its group's.
        bsums: [i16; 16],
    }
}

/// The 32 nibbles of a plain block, in the values' order.
pub(super) fn nibbles(qs: &[u8; 16]) -> [u8; 32] {
    std::array::from_fn(|i| if i < 16 { qs[i] & 0xF } else { qs[i - 16] >> 4 })
}

/// Bit i of 32, as 0 or 16.
fn fifth_bit(qh: [u8; 4], i: usize) -> u8 {
    (((u32::from_le_bytes(qh) >> i) & 1) << 4) as u8
}

impl PlainBlock for BlockQ4_0 {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn m(&self) -> Option<f32> {
        None
    }

    fn quants(&self) -> [i8; 32] {
        nibbles(&self.qs).map(|q| q as i8 - 8)
    }
}

impl PlainBlock for BlockQ4_1 {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn m(&self) -> Option<f32> {
        Some(self.m.to_f32())
    }

    fn quants(&self) -> [i8; 32] {
        nibbles(&self.qs).map(|q| q as i8)
    }
}

impl PlainBlock for BlockQ5_0 {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn m(&self) -> Option<f32> {
        None
    }

    fn quants(&self) -> [i8; 32] {
        let low = nibbles(&self.qs);
        std::array::from_fn(|i| (low[i] | fifth_bit(self.qh, i)) as i8 - 16)
    }
}

impl PlainBlock for BlockQ5_1 {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn m(&self) -> Option<f32> {
        Some(self.m.to_f32())
    }

    fn quants(&self) -> [i8; 32] {
        let low = nibbles(&self.qs);
        std::array::from_fn(|i| (low[i] | fifth_bit(self.qh, i)) as i8)
    }
}

impl PlainBlock for BlockQ8_0 {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn m(&self) -> Option<f32> {
        None
    }

    fn quants(&self) -> [i8; 32] {
        self.qs
    }
}

/// Where Q2_K and Q3_K keep the two low bits of value v: byte and shift.
pub(super) fn two_bit_place(v: usize) -> (usize, usize) {
    (v / 128 * 32 + v % 32, v % 128 / 32 * 2)
}

/// Where Q4_K and Q5_K keep the four low bits of value v: byte and shift.
pub(super) fn nibble_place(v: usize) -> (usize, usize) {
    (v / 64 * 32 + v % 32, v % 64 / 32 * 4)
}

/// Eight scales and eight minimums of six bits in twelve bytes:
/// ```text
/// byte   0..4   bits 0-5 scale j      bits 6-7 high two of scale j + 4      (j = 0..4)
/// byte   4..8   bits 0-5 minimum j    bits 6-7 high two of minimum j + 4
/// byte   8..12  bits 0-3 low four of scale j + 4   bits 4-7 low four of minimum j + 4
/// ```
fn unpack_six_bit(s: &[u8; 12]) -> [(i8, u8); 16] {
    std::array::from_fn(|group| {
        let j = group / 2;
        let (scale, min) =
            if j < 4 { (s[j] & 63, s[j + 4] & 63) } else { ((s[j + 4] & 0xF) | (s[j - 4] >> 6 << 4), (s[j + 4] >> 4) | (s[j] >> 6 << 4)) };
        (scale as i8, min)
    })
}

/// The reverse of `unpack_six_bit`, from eight of each.
pub(super) fn pack_six_bit(scales: &[u8; 8], mins: &[u8; 8]) -> [u8; 12] {
    std::array::from_fn(|i| match i {
        0..4 => scales[i] | (scales[i + 4] >> 4 << 6),
        4..8 => mins[i - 4] | (mins[i] >> 4 << 6),
        _ => (scales[i - 4] & 0xF) | (mins[i - 4] << 4),
    })
}

impl SuperBlock for BlockQ2K {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn dmin(&self) -> f32 {
        self.dmin.to_f32()
    }

    fn scales(&self) -> [(i8, u8); 16] {
        self.scales.map(|s| ((s & 0xF) as i8, s >> 4))
    }

    fn quants(&self) -> [i8; 256] {
        std::array::from_fn(|v| {
            let (byte, shift) = two_bit_place(v);
            (self.qs[byte] >> shift & 3) as i8
        })
    }
}

impl SuperBlock for BlockQ3K {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn dmin(&self) -> f32 {
        0.0
    }

    fn scales(&self) -> [(i8, u8); 16] {
        let s = &self.scales;
        std::array::from_fn(|j| {
            let low = if j < 8 { s[j] & 0xF } else { s[j - 8] >> 4 };
            let high = s[8 + j % 4] >> (j / 4 * 2) & 3;
            ((low | high << 4) as i8 - 32, 0)
        })
    }

    fn quants(&self) -> [i8; 256] {
        std::array::from_fn(|v| {
            let (byte, shift) = two_bit_place(v);
            let third = self.hmask[v % 32] >> (v / 32) & 1;
            (self.qs[byte] >> shift & 3 | third << 2) as i8 - 4
        })
    }
}

impl SuperBlock for BlockQ4K {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn dmin(&self) -> f32 {
        self.dmin.to_f32()
    }

    fn scales(&self) -> [(i8, u8); 16] {
        unpack_six_bit(&self.scales)
    }

    fn quants(&self) -> [i8; 256] {
        std::array::from_fn(|v| {
            let (byte, shift) = nibble_place(v);
            (self.qs[byte] >> shift & 0xF) as i8
        })
    }
}

impl SuperBlock for BlockQ5K {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn dmin(&self) -> f32 {
        self.dmin.to_f32()
    }

    fn scales(&self) -> [(i8, u8); 16] {
        unpack_six_bit(&self.scales)
    }

    fn quants(&self) -> [i8; 256] {
        std::array::from_fn(|v| {
            let (byte, shift) = nibble_place(v);
            let fifth = self.qh[v % 32] >> (v / 32) & 1;
            (self.qs[byte] >> shift & 0xF | fifth << 4) as i8
        })
    }
}

impl SuperBlock for BlockQ6K {
    fn d(&self) -> f32 {
        self.d.to_f32()
    }

    fn dmin(&self) -> f32 {
        0.0
    }

    fn scales(&self) -> [(i8, u8); 16] {
        self.scales.map(|s| (s, 0))
    }

    fn quants(&self) -> [i8; 256] {
        std::array::from_fn(|v| {
            let (half, within) = (v / 128, v % 128);
            let low = self.ql[half * 64 + within % 64] >> (within / 64 * 4) & 0xF;
            let high = self.qh[half * 32 + within % 32] >> (within / 32 * 2) & 3;
            (low | high << 4) as i8 - 32
        })
    }
}
