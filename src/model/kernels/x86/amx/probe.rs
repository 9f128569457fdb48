//! Whether the unit can be used.
//!
//! Three things must hold: the processor says that it has it, the system saves its registers and grants them to this
//! process, and it does what it should. The last is tried in a child, since some hypervisors let a guest see features that
//! they do not run.

#[cfg(target_os = "linux")]
use super::tiles::Unit;
#[cfg(any(target_os = "linux", test))]
use super::tiles::{ROW_BYTES, ROWS, Tiles};

/// Whether it can be used by this process. Asks the system for it, for all threads.
#[cfg(target_os = "linux")]
pub(super) fn works() -> bool {
    is_announced() && is_granted() && crate::sys::trial::succeeds(multiplies::<Unit>)
}

/// Other systems grant it otherwise or not at all.
#[cfg(not(target_os = "linux"))]
pub(super) fn works() -> bool {
    false
}

/// The processor's word: AVX-512 with VNNI and BF16, tiles and products of bfloat16 (leaf 7, EDX), and the system's that
/// it saves tiles and their shapes (XCR0).
#[cfg(target_os = "linux")]
fn is_announced() -> bool {
    const BF16: u32 = 1 << 22;
    const TILE: u32 = 1 << 24;
    const STATES: u64 = (1 << 17) | (1 << 18);
    // A processor that has AVX-512 has this leaf, and a system that lets programs see it has XGETBV.
    is_x86_feature_detected!("avx512vnni")
        && is_x86_feature_detected!("avx512bf16")
        && std::arch::x86_64::__cpuid_count(7, 0).edx & (BF16 | TILE) == BF16 | TILE
        // SAFETY: as above.
        && unsafe { saved_states() } & STATES == STATES
}

#[cfg(target_os = "linux")]
#[target_feature(enable = "xsave")]
fn saved_states() -> u64 {
    // SAFETY: register 0 is always there.
    unsafe { std::arch::x86_64::_xgetbv(0) }
}

/// Asks Linux for the registers: 8 KiB more to save for each thread that uses them, so no process has them unasked.
#[cfg(target_os = "linux")]
fn is_granted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_ulong = 0x1023;
    const TILE_DATA: libc::c_ulong = 18;
    // SAFETY: takes two numbers and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0 }
}

/// Two products, by each kind of instruction: a sum of row m is 32 times 1 times m, twice.
#[cfg(any(target_os = "linux", test))]
pub(super) fn multiplies<T: Tiles>() -> bool {
    /// One in bfloat16, twice.
    const ONES: u32 = 0x3F80_3F80;
    let pairs = [[ONES; ROW_BYTES / 4]; ROWS];
    // Small whole numbers are the upper halves of their f32.
    let rows: [[u32; ROW_BYTES / 4]; ROWS] = std::array::from_fn(|m| [(m as f32).to_bits() | (m as f32).to_bits() >> 16; ROW_BYTES / 4]);
    let mut sums = [[f32::NAN; ROW_BYTES / 4]; ROWS];
    // SAFETY: registers of as many bytes as the arrays have. Whether the unit runs is what the child is for.
    unsafe {
        let mut tiles = T::begin();
        tiles.zero::<0>();
        tiles.load::<4>(rows.as_ptr().cast(), ROW_BYTES);
        tiles.load::<6>(pairs.as_ptr().cast(), ROW_BYTES);
        tiles.add_product::<0, 4, 6>();
        tiles.add_product::<0, 4, 6>();
        tiles.store::<0>(sums.as_mut_ptr().cast(), ROW_BYTES);
        tiles.end();
    }
    sums.iter().enumerate().all(|(m, sums)| sums.iter().all(|sum| *sum == (64 * m) as f32))
}
