//! AVX-512 with VNNI: 64 weights to a register.

mod dots;
mod floats;
mod panel;
mod plain;
mod supers;
mod tile;
mod turn;

use super::{halves, scales};
use crate::model::kernels::set::{DotRows, KernelSet, PanelRows};
use crate::model::kernels::tier::Tier;
use crate::quant::GgmlType;

crate::model::kernels::float::float_functions!(true, #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]);

pub(super) fn set() -> KernelSet {
    KernelSet {
        tier: Tier::Avx512Vnni,
        is_exact: false,
        floats: lanes::functions(),
        halves: halves::functions(),
        dot_rows,
        panel_rows,
        float_tile: tile::float_tile,
        turn: turn::turn_blocks,
        tile: panel::TOKENS,
    }
}

fn dot_rows(ty: GgmlType) -> Option<DotRows> {
    Some(match ty {
        GgmlType::F32 => floats::rows::<floats::F32>,
        GgmlType::F16 => floats::rows::<floats::F16>,
        GgmlType::BF16 => floats::rows::<floats::Bf16>,
        GgmlType::Q8_0 => plain::rows::<plain::Q8_0>,
        GgmlType::Q4_0 => plain::rows::<plain::Q4_0>,
        GgmlType::Q2K => dots::rows::<scales::Q2K>,
        GgmlType::Q3K => dots::rows::<scales::Q3K>,
        GgmlType::Q4K => dots::rows::<scales::Q4K>,
        GgmlType::Q5K => dots::rows::<scales::Q5K>,
        GgmlType::Q6K => dots::rows::<scales::Q6K>,
        // Rare types, slower, but not refused.
        _ => return crate::model::kernels::scalar::dot_rows(ty),
    })
}

fn panel_rows(ty: GgmlType) -> Option<PanelRows> {
    Some(match ty {
        GgmlType::F32 => panel::floats::<floats::F32>,
        GgmlType::F16 => panel::floats::<floats::F16>,
        GgmlType::BF16 => panel::floats::<floats::Bf16>,
        GgmlType::Q8_0 => panel::plain::<plain::Q8_0>,
        GgmlType::Q4_0 => panel::plain::<plain::Q4_0>,
        GgmlType::Q2K => panel::supers::<scales::Q2K>,
        GgmlType::Q3K => panel::supers::<scales::Q3K>,
        GgmlType::Q4K => panel::supers::<scales::Q4K>,
        GgmlType::Q5K => panel::supers::<scales::Q5K>,
        GgmlType::Q6K => panel::supers::<scales::Q6K>,
        _ => return None,
    })
}
