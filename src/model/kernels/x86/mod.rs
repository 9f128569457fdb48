//! The x86-64 tiers. A set is handed out only after the processor was asked for all features its functions are compiled
//! with; that is what makes calling them sound.

// Arrays here are registers side by side: a number names the same place in several of them.
#![allow(clippy::needless_range_loop)]

mod amx;
mod avx512;
mod cached;
mod grids;
mod halves;
pub(super) mod peak;
mod scales;
mod ymm;

use super::set::KernelSet;

/// The sets this processor can run, the plainest first.
pub(super) fn sets() -> Vec<KernelSet> {
    let mut sets = Vec::new();
    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")) {
        return sets;
    }
    sets.push(ymm::avx2::set());
    if is_x86_feature_detected!("avxvnni") {
        sets.push(ymm::avxvnni::set());
    }
    if is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
    {
        sets.push(avx512::set());
        sets.extend(amx::set());
    }
    sets
}

/// What is tested where the processor lacks a tier: AVX-VNNI's text in AVX-512's encoding, and AMX's with tiles in plain Rust.
#[cfg(test)]
pub(super) fn stand_ins() -> impl Iterator<Item = KernelSet> {
    let other = is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512vnni");
    let vnni = (other && !is_x86_feature_detected!("avxvnni")).then(ymm::evex::set);
    vnni.into_iter().chain(amx::emulated())
}

/// Bytes that a stream of weights is fetched ahead: the hardware stops at pages of 4 KB.
const AHEAD: usize = 4096;

/// Fetches ahead the lines that lie `AHEAD` bytes behind those of a block.
#[inline(always)]
fn prefetch(block: *const u8, n_bytes: usize) {
    fetch(block.wrapping_add(AHEAD), n_bytes);
}

/// Fetches ahead, while step `step` of `n_steps` multiplies a panel of weights, its share of the panel that comes next: 16
/// rows side by side are too many streams for the hardware, and their products take so long that it forgets them.
#[inline(always)]
fn fetch_next_panel(panel: &[u8], step: usize, n_steps: usize) {
    let at = |step: usize| panel.len() * step / n_steps;
    fetch(panel.as_ptr().wrapping_add(panel.len() + at(step)), at(step + 1) - at(step));
}

/// Fetches lines into the second cache: the first is small, and its own stream takes them from there.
#[inline(always)]
pub(super) fn fetch(at: *const u8, n_bytes: usize) {
    fetch_into::<{ std::arch::x86_64::_MM_HINT_T1 }>(at, n_bytes);
}

/// Fetches lines into a cache. An address behind the weights' end is no fault.
#[inline(always)]
fn fetch_into<const HINT: i32>(at: *const u8, n_bytes: usize) {
    for line in (0..n_bytes).step_by(super::buffer::LINE) {
        // SAFETY: a prefetch touches nothing, wherever it points.
        unsafe { std::arch::x86_64::_mm_prefetch::<HINT>(at.wrapping_add(line).cast()) };
    }
}
