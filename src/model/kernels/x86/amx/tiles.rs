//! The unit's registers and instructions.

use std::arch::asm;

/// Rows of a register, and bytes of each.
pub(super) const ROWS: usize = 16;
pub(super) const ROW_BYTES: usize = 64;
/// Registers.
pub(super) const N_TILES: usize = 8;

/// Eight registers of 16 rows of 64 bytes, by number.
pub(super) trait Tiles {
    /// Registers ready for use.
    ///
    /// # Safety
    /// The processor has the unit, and this process may use it.
    unsafe fn begin() -> Self;

    /// All sums zero.
    ///
    /// # Safety
    /// Between `begin` and `end`, on one thread; as for all that follow.
    unsafe fn zero<const TILE: usize>(&mut self);

    /// 16 rows of 64 bytes, `stride` bytes apart.
    ///
    /// # Safety
    /// They can be read.
    unsafe fn load<const TILE: usize>(&mut self, from: *const u8, stride: usize);

    /// 16 rows of 64 bytes, `stride` bytes apart.
    ///
    /// # Safety
    /// They can be written.
    unsafe fn store<const TILE: usize>(&mut self, to: *mut u8, stride: usize);

    /// `SUMS[m][n] += ROWS[m][2 k] * PAIRS[k][2 n] + ROWS[m][2 k + 1] * PAIRS[k][2 n + 1]` over all k: bfloat16 by
    /// bfloat16, f32 sums. Three different registers.
    ///
    /// # Safety
    /// As above.
    unsafe fn add_product<const SUMS: usize, const ROWS: usize, const PAIRS: usize>(&mut self);

    /// Gives the registers back: the system need not keep them over a change of threads.
    ///
    /// # Safety
    /// As above.
    unsafe fn end(self);
}

/// What LDTILECFG reads: 64 bytes.
#[repr(C, align(64))]
struct Shape {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

const _: () = assert!(size_of::<Shape>() == 64);

/// `n` times one value, then the other.
const fn all<T: Copy, const N: usize>(first: T, rest: T, mut n: usize) -> [T; N] {
    let mut values = [rest; N];
    while n > 0 {
        n -= 1;
        values[n] = first;
    }
    values
}

/// All eight registers whole.
static WHOLE: Shape =
    Shape { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: all(ROW_BYTES as u16, 0, N_TILES), rows: all(ROWS as u8, 0, N_TILES) };

/// The processor's own.
pub(super) struct Unit;

impl Tiles for Unit {
    #[inline(always)]
    unsafe fn begin() -> Self {
        // SAFETY: reads 64 bytes. Nothing else in the process uses the registers, so nothing is lost.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const WHOLE, options(readonly, nostack, preserves_flags)) };
        Self
    }

    #[inline(always)]
    unsafe fn zero<const TILE: usize>(&mut self) {
        // SAFETY: touches a register that the compiler does not know.
        unsafe { asm!("tilezero tmm{}", const TILE, options(nomem, nostack, preserves_flags)) };
    }

    #[inline(always)]
    unsafe fn load<const TILE: usize>(&mut self, from: *const u8, stride: usize) {
        // SAFETY: as in `zero`; the rows can be read.
        unsafe {
            asm!("tileloadd tmm{}, [{} + {}*1]", const TILE, in(reg) from, in(reg) stride, options(readonly, nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn store<const TILE: usize>(&mut self, to: *mut u8, stride: usize) {
        // SAFETY: as in `zero`; the rows can be written.
        unsafe { asm!("tilestored [{1} + {2}*1], tmm{0}", const TILE, in(reg) to, in(reg) stride, options(nostack, preserves_flags)) };
    }

    #[inline(always)]
    unsafe fn add_product<const SUMS: usize, const ROWS: usize, const PAIRS: usize>(&mut self) {
        const { assert!(SUMS != ROWS && SUMS != PAIRS && ROWS != PAIRS) };
        // SAFETY: as in `zero`.
        unsafe {
            asm!("tdpbf16ps tmm{}, tmm{}, tmm{}", const SUMS, const ROWS, const PAIRS, options(nomem, nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn end(self) {
        // SAFETY: as in `zero`.
        unsafe { asm!("tilerelease", options(nomem, nostack, preserves_flags)) };
    }
}
