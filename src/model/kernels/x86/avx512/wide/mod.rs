//! Products in bfloat16 for [`crate::model::kernels::wide`]: weights of any type unpacked, activations packed, and the
//! products themselves by AVX-512's sums of pairs. The matrix unit of AMX has the same inputs and products of its own.

mod pack;
mod pairs;
mod settle;
mod unpack;

use crate::model::kernels::activations::SMALL_BATCH;
use crate::model::kernels::wide::{CELL, Wide};
use crate::quant::GgmlType;
pub(in super::super) use pack::pack;
pub(in super::super) use settle::{CellSums, settle};
pub(in super::super) use unpack::unpack;

/// Rows of weights to a panel: with a block of tokens it takes half of a second-level cache of 1 MiB.
const PANEL_ROWS: usize = 4 * CELL;

/// Sums of pairs, where the processor has them, for weights that are bfloat16 in the file: others are multiplied faster
/// as integers.
pub(super) fn by_pairs() -> Option<Wide> {
    is_x86_feature_detected!("avx512bf16").then_some(Wide {
        min_rows: SMALL_BATCH + 1,
        panel_rows: PANEL_ROWS,
        unpack: |ty| unpack(ty).filter(|_| ty == GgmlType::BF16),
        pack,
        products: pairs::products,
        peak: pairs::PEAK,
    })
}
