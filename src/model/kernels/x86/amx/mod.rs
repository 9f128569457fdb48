//! AMX: products of whole tiles of bfloat16 for many rows; all else is AVX-512's.
//!
//! A tile register is 16 rows of 64 bytes. Weights lie in one as they lie in the file, 32 values to a row; tokens lie in
//! another in pairs of values, 16 tokens to a row; their product is 16 by 16 sums. Of the eight registers four hold the
//! sums of a cell, two each the weights and the tokens of a step: four loads for four products.
//!
//! The compiler knows neither registers nor instructions: [`tiles`] has them as text, and in plain Rust for processors
//! without the unit, so that all around them is tested everywhere.

mod cells;
#[cfg(test)]
mod emulated;
mod peak;
mod probe;
mod tiles;

#[cfg(test)]
mod tests;

use super::avx512::{self, wide};
use crate::model::kernels::peak::Loop;
use crate::model::kernels::set::KernelSet;
use crate::model::kernels::tier::Tier;
use crate::model::kernels::wide::{CELL, Products, Wide};

/// Rows of activations from which on whole cells pay: fewer are AVX-512's.
const MIN_ROWS: usize = CELL;
/// Rows of weights to a panel: half of a second-level cache of 2 MiB, which every processor with the unit has.
const PANEL_ROWS: usize = 8 * CELL;

/// The set, where the processor has the unit, the system grants it and it works.
pub(super) fn set() -> Option<KernelSet> {
    probe::works().then(|| with(cells::products::<tiles::Unit>, peak::of::<tiles::Unit>()))
}

/// The set with tiles in plain Rust, where the processor can do the rest.
#[cfg(test)]
pub(super) fn emulated() -> Option<KernelSet> {
    let rest = is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512bf16");
    rest.then(|| with(cells::products::<emulated::Emulated>, peak::of::<emulated::Emulated>()))
}

fn with(products: Products, peak: Loop) -> KernelSet {
    let (unpack, pack) = (wide::unpack, wide::pack);
    let wide = Wide { min_rows: MIN_ROWS, panel_rows: PANEL_ROWS, unpack, pack, products, peak };
    KernelSet { tier: Tier::Amx, wide: Some(wide), ..avx512::set() }
}
