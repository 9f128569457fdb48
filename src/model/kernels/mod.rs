//! The arithmetic: scalar truth beside each instruction set, chosen once at run time.
//!
//! Begin with [`Compute`], which the layers hold: it owns the threads, their scratch memory and a [`KernelSet`], the
//! table of functions for this processor. A matrix product is two steps: [`Compute::prepare`] brings activations to the
//! format that the weights' type is multiplied with (as llama.cpp does, per type), [`Compute::linear`] multiplies them by
//! any number of weights. Weights are read in place, row by row, with unaligned loads, and never past their last byte,
//! since a mapped file may end there.
//!
//! Three ways through a product: one row of activations (decode) and up to [`SMALL_BATCH`] share kernels with one order
//! of summation, so that their results are equal to the bit; more rows (prefill) unpack a panel of weights once for all, as
//! integers; and where the processor multiplies bfloat16 much faster ([`wide`]), as those.
//!
//! Never here: allocation once the buffers have grown, threads other than the pool's, candle.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod activations;
mod attention;
mod buffer;
mod chosen;
mod compute;
mod curves;
mod exact;
mod float;
mod index;
mod linear;
mod peak;
mod scalar;
mod set;
mod states;
mod tier;
#[cfg(target_arch = "aarch64")]
mod unpacked;
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
mod wide;
mod work;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(super) use tests::sets as tested_sets;

pub use activations::{Activations, SMALL_BATCH};
pub use attention::{Attention, CachedRows, KvHead, Pooled, Seen};
pub use chosen::{Chosen, choose};
pub use compute::{Columns, Compute};
pub use curves::Curve;
pub use index::Index;
pub use linear::{Linear, WeightRows};
pub use peak::Peak;
pub use set::{KernelSet, RopePairs};
pub use states::{ChannelStep, Removal, Turn};
pub use tier::{TIER_VARIABLE, Tier, UnknownTier, available, exact, select, set};
pub use work::Work;
