//! Which functions this processor can run.

use super::set::KernelSet;
use super::{exact as exact_path, scalar};
use std::sync::OnceLock;

/// A family of instructions that kernels are written for, from the plainest up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    Scalar,
    /// AVX2, FMA, F16C.
    Avx2,
    /// The same with AVX-VNNI.
    AvxVnni,
    /// AVX-512 F, BW, DQ, VL and VNNI.
    Avx512Vnni,
    /// The same with AMX's tiles of bfloat16.
    Amx,
    /// What every aarch64 processor has.
    Neon,
    /// The same with products of bytes, four to a lane.
    Dotprod,
    /// The same with products of byte matrices.
    I8mm,
}

/// The environment's word for a plainer tier than the processor's best.
pub const TIER_VARIABLE: &str = "INGLE_CPU";

const TIERS: &[(Tier, &str)] = &[
    (Tier::Scalar, "scalar"),
    (Tier::Avx2, "avx2"),
    (Tier::AvxVnni, "avxvnni"),
    (Tier::Avx512Vnni, "avx512vnni"),
    (Tier::Amx, "amx"),
    (Tier::Neon, "neon"),
    (Tier::Dotprod, "dotprod"),
    (Tier::I8mm, "i8mm"),
];

impl Tier {
    pub fn name(self) -> &'static str {
        TIERS.iter().find(|(tier, _)| *tier == self).map_or("scalar", |(_, name)| name)
    }
}

/// The tier asked for is not one of this processor's.
#[derive(Debug, thiserror::Error)]
#[error("{TIER_VARIABLE}={asked:?} is not available here; this processor can run {available}")]
pub struct UnknownTier {
    pub asked: String,
    pub available: String,
}

/// The sets this processor can run, the plainest first.
pub fn available() -> &'static [KernelSet] {
    static SETS: OnceLock<Vec<KernelSet>> = OnceLock::new();
    SETS.get_or_init(|| {
        #[allow(unused_mut)]
        let mut sets = vec![scalar::set()];
        #[cfg(target_arch = "x86_64")]
        sets.extend(super::x86::sets());
        #[cfg(target_arch = "aarch64")]
        sets.extend(super::aarch64::sets());
        sets
    })
}

/// The best set, or what INGLE_CPU says where the program's start accepted that by [`select`].
pub fn set() -> &'static KernelSet {
    let asked = std::env::var(TIER_VARIABLE).ok();
    select(asked.as_deref()).unwrap_or_else(|_| best())
}

/// The set of a name, or the best one if there is none.
pub fn select(name: Option<&str>) -> Result<&'static KernelSet, UnknownTier> {
    let Some(name) = name else { return Ok(best()) };
    available().iter().find(|set| set.tier().name() == name).ok_or_else(|| UnknownTier {
        asked: name.to_owned(),
        available: available().iter().map(|set| set.tier().name()).collect::<Vec<_>>().join(", "),
    })
}

/// The set behind `--exact`: weights dequantized, activations left in f32, sums in f64. Slow.
pub fn exact() -> &'static KernelSet {
    static SET: OnceLock<KernelSet> = OnceLock::new();
    SET.get_or_init(exact_path::set)
}

fn best() -> &'static KernelSet {
    available().last().expect("the scalar set is always there")
}
