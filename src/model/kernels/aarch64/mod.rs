//! The aarch64 tiers: NEON, which every such processor has, and what later ones multiply bytes with. They are one text:
//! what differs is in [`products`], and a function takes its tier as a type.

// Arrays here are registers side by side: a number names the same place in several of them.
#![allow(clippy::needless_range_loop)]

mod few;
mod floats;
mod halves;
mod many;
mod pairs;
pub(super) mod peak;
mod plain;
mod products;
mod scales;
mod supers;
mod tier;
mod tile;
mod unpack;

use super::set::KernelSet;
use super::tier::Tier;
use products::{Dotprod, I8mm, Neon};
use std::arch::is_aarch64_feature_detected;

/// The sets this processor can run, the plainest first. One is handed out only after the processor was asked for what
/// its functions use; that is what makes calling them sound.
pub(super) fn sets() -> Vec<KernelSet> {
    let mut sets = vec![tier::set::<Neon>(Tier::Neon, tier::dot_rows::<Neon>)];
    if is_aarch64_feature_detected!("dotprod") {
        sets.push(tier::set::<Dotprod>(Tier::Dotprod, tier::dot_rows::<Dotprod>));
        if is_aarch64_feature_detected!("i8mm") {
            sets.push(tier::set::<I8mm>(Tier::I8mm, tier::dot_rows_by_pairs));
        }
    }
    sets
}

/// Bytes that a stream of weights is fetched ahead: the hardware may stop at pages of 4 KB.
const AHEAD: usize = 4096;

/// Fetches ahead the lines that lie `AHEAD` bytes behind those of a block.
#[inline(always)]
fn prefetch(block: *const u8, n_bytes: usize) {
    fetch(block.wrapping_add(AHEAD), n_bytes);
}

/// Fetches lines. An address behind the weights' end is no fault.
#[inline(always)]
pub(super) fn fetch(at: *const u8, n_bytes: usize) {
    for line in (0..n_bytes).step_by(super::buffer::LINE) {
        let line = at.wrapping_add(line);
        // SAFETY: a prefetch touches nothing, wherever it points.
        unsafe { std::arch::asm!("prfm pldl1keep, [{line}]", line = in(reg) line, options(nostack, preserves_flags, readonly)) };
    }
}
