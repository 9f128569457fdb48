//! The unit's registers and instructions in plain Rust, number by number as Intel's manual gives them (Software
//! Developer's Manual, volume 2, TDPBF16PS): a test runs what only few processors do.

use super::tiles::{N_TILES, ROW_BYTES, ROWS, Tiles};

/// Numbers to a row of sums, and pairs to a row of the others.
const N: usize = ROW_BYTES / 4;

type Tile = [[u32; N]; ROWS];

pub(super) struct Emulated([Tile; N_TILES]);

impl Tiles for Emulated {
    unsafe fn begin() -> Self {
        // Nothing is promised of registers before they are loaded or zeroed: as the unit's own zeros would hide that.
        Self([[[f32::NAN.to_bits(); N]; ROWS]; N_TILES])
    }

    unsafe fn zero<const TILE: usize>(&mut self) {
        self.0[TILE] = [[0; N]; ROWS];
    }

    unsafe fn load<const TILE: usize>(&mut self, from: *const u8, stride: usize) {
        for (r, row) in self.0[TILE].iter_mut().enumerate() {
            // SAFETY: as the caller says.
            *row = unsafe { from.add(r * stride).cast::<[u32; N]>().read_unaligned() };
        }
    }

    unsafe fn store<const TILE: usize>(&mut self, to: *mut u8, stride: usize) {
        for (r, row) in self.0[TILE].iter().enumerate() {
            // SAFETY: as the caller says.
            unsafe { to.add(r * stride).cast::<[u32; N]>().write_unaligned(*row) };
        }
    }

    unsafe fn add_product<const SUMS: usize, const ROWS: usize, const PAIRS: usize>(&mut self) {
        // SAFETY: the set that holds this has AVX-512, and so fused products.
        unsafe { add_product(self.0[ROWS], self.0[PAIRS], &mut self.0[SUMS]) };
    }

    unsafe fn end(self) {}
}

/// Even and odd products are summed apart, in the order of the pairs, and added to each other and then to the sums. What is
/// too small to be normal is zero, before and after each operation.
#[target_feature(enable = "avx512f,avx512vl,fma")]
fn add_product(rows: Tile, pairs: Tile, sums: &mut Tile) {
    for (row, sums) in rows.iter().zip(sums) {
        let (mut even, mut odd) = ([0.0f32; N], [0.0f32; N]);
        for (pair, columns) in row.iter().zip(&pairs) {
            for n in 0..N {
                even[n] = normal(low(*pair).mul_add(low(columns[n]), even[n]));
                odd[n] = normal(high(*pair).mul_add(high(columns[n]), odd[n]));
            }
        }
        for n in 0..N {
            sums[n] = normal(normal(f32::from_bits(sums[n])) + normal(even[n] + odd[n])).to_bits();
        }
    }
}

/// The first number of a pair.
#[inline(always)]
fn low(pair: u32) -> f32 {
    normal(f32::from_bits(pair << 16))
}

/// The second one.
#[inline(always)]
fn high(pair: u32) -> f32 {
    normal(f32::from_bits(pair & 0xFFFF_0000))
}

/// Zero of the same sign in place of a number too small to be normal.
#[inline(always)]
fn normal(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0f32.copysign(x) } else { x }
}
