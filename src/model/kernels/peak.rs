//! What a tier could do at most: loops that do one thing alone, for saying how near the kernels come to it.

use super::set::KernelSet;
use super::tier::Tier;

/// Bytes that a reading loop takes in one turn; it reads whole turns only.
pub(super) const TURN: usize = 256;

/// A tier's loops.
pub(super) struct Peaks {
    /// The sum of all whole words, each 8 bytes, that wraps around. Whole turns of [`TURN`] bytes.
    pub read: unsafe fn(&[u8]) -> u64,
    /// Products of bytes, summed up in 32 bits, by the tier's own instruction; none where it has no such.
    pub int8: Option<Loop>,
    /// Products of f32, summed up.
    pub f32: Option<Loop>,
}

/// One instruction in a loop, on registers alone. A unit for many rows brings its own.
#[derive(Clone, Copy)]
pub(crate) struct Loop {
    /// Multiplications and additions of one turn.
    pub n_ops: u64,
    /// Takes so many turns; the number is of no use but that it was computed.
    pub run: unsafe fn(turns: u64) -> i64,
}

/// Says that a register's value may have changed, so that nothing that was computed from it can be kept. No instruction
/// comes of it.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! opaque {
    (vreg, $value:ident) => {
        opaque!("/* {0:v} */", vreg, $value)
    };
    ($register:ident, $value:ident) => {
        opaque!("/* {0} */", $register, $value)
    };
    ($text:literal, $register:ident, $value:ident) => {
        // SAFETY: no instruction, so nothing happens.
        unsafe { std::arch::asm!($text, inout($register) $value, options(nomem, nostack, preserves_flags, pure)) }
    };
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) use opaque;

/// What can be had of a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peak {
    Int8,
    F32,
    /// Products of bfloat16 by the unit for many rows.
    Bf16,
}

fn peaks(tier: Tier) -> &'static Peaks {
    match tier {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 => &super::x86::peak::avx2::PEAKS,
        #[cfg(target_arch = "x86_64")]
        // A test's stand-in has this tier's name on a processor that lacks its encoding.
        Tier::AvxVnni if is_x86_feature_detected!("avxvnni") => &super::x86::peak::avxvnni::PEAKS,
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512Vnni | Tier::Amx => &super::x86::peak::avx512::PEAKS,
        #[cfg(target_arch = "aarch64")]
        Tier::Neon => &super::aarch64::peak::NEON,
        #[cfg(target_arch = "aarch64")]
        Tier::Dotprod => &super::aarch64::peak::DOTPROD,
        #[cfg(target_arch = "aarch64")]
        Tier::I8mm => &super::aarch64::peak::I8MM,
        _ => &SCALAR,
    }
}

const SCALAR: Peaks = Peaks { read, int8: None, f32: None };

fn read(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().fold(0, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)))
}

impl KernelSet {
    /// Reads `bytes`, whole turns of 256, as fast as this tier can: the sum of their words, each 8 bytes, that wraps around.
    pub fn read(&self, bytes: &[u8]) -> u64 {
        assert!(bytes.len().is_multiple_of(TURN));
        // SAFETY: the set's tier fits this processor; the bytes are whole turns.
        unsafe { (peaks(self.tier).read)(bytes) }
    }

    /// Computes `turns` turns of a loop and tells how many multiplications and additions that was; 0 where the tier has no
    /// such loop.
    pub fn exert(&self, peak: Peak, turns: u64) -> u64 {
        let peaks = peaks(self.tier);
        let chosen = match peak {
            Peak::Int8 => peaks.int8,
            Peak::F32 => peaks.f32,
            Peak::Bf16 => self.wide.as_ref().map(|wide| wide.peak),
        };
        let Some(Loop { n_ops, run }) = chosen else { return 0 };
        // SAFETY: the set's tier fits this processor; the loop touches no memory.
        std::hint::black_box(unsafe { run(turns) });
        n_ops.saturating_mul(turns)
    }
}
