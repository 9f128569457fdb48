//! AVX-512 with VNNI: 64 weights to a register.

/// Products of each weight row with few rows of activations: as many at a time as `dot::<Of, M>` has sums for.
macro_rules! few_rows {
    ($weights:expr, $row_bytes:expr, $x:expr, $out:expr, $dot:ident::<$of:ty>) => {{
        let n_rows = $out.len() / $x.m;
        for (r, row) in $weights.chunks_exact($row_bytes).enumerate() {
            let mut t = 0;
            while t < $x.m {
                let out = &mut $out[r + t * n_rows..];
                t += match $x.m - t {
                    8.. => $dot::<$of, 8>(row, $x, t, out, n_rows),
                    5.. => $dot::<$of, 5>(row, $x, t, out, n_rows),
                    4 => $dot::<$of, 4>(row, $x, t, out, n_rows),
                    3 => $dot::<$of, 3>(row, $x, t, out, n_rows),
                    2 => $dot::<$of, 2>(row, $x, t, out, n_rows),
                    _ => $dot::<$of, 1>(row, $x, t, out, n_rows),
                };
            }
        }
    }};
}

mod cached;
mod dots;
mod floats;
mod fours;
mod laid;
mod long;
mod panel;
mod plain;
mod points;
mod soften;
mod supers;
mod tile;
mod turn;
pub(super) mod wide;

use super::{grids, halves, scales};
use crate::model::kernels::set::{DotRows, FloatFns, KernelSet, PanelRows};
use crate::model::kernels::tier::Tier;
use crate::quant::GgmlType;
use supers::Narrow;

crate::model::kernels::float::float_functions!(true, #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]);
crate::model::kernels::states::state_functions!(true, #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]);

pub(super) fn set() -> KernelSet {
    KernelSet {
        tier: Tier::Avx512Vnni,
        is_exact: false,
        floats: FloatFns { soften: soften::soften, ..lanes::functions() },
        states: turns::functions(),
        halves: halves::functions(),
        dot_rows,
        panel_rows,
        float_tile: tile::float_tile,
        turn: turn::turn_blocks,
        cached: Some(cached::functions()),
        fold: Some(fours::fold),
        tile: panel::TOKENS,
        wide: wide::by_pairs(),
    }
}

fn dot_rows(ty: GgmlType) -> Option<DotRows> {
    Some(match ty {
        GgmlType::F32 => floats::rows::<floats::F32>,
        GgmlType::F16 => floats::rows::<floats::F16>,
        GgmlType::BF16 => floats::rows::<floats::Bf16>,
        GgmlType::Q8_0 => plain::rows::<plain::Q8_0>,
        GgmlType::Q4_0 => fours::rows::<plain::Q4_0>,
        GgmlType::Q4_1 => fours::rows::<plain::Q4_1>,
        GgmlType::Q5_0 => fours::rows::<plain::Q5_0>,
        GgmlType::Q5_1 => fours::rows::<plain::Q5_1>,
        GgmlType::Q2K => dots::rows::<scales::Q2K>,
        GgmlType::Q3K => dots::rows::<scales::Q3K>,
        GgmlType::Q4K => dots::rows::<scales::Q4K>,
        GgmlType::Q5K => dots::rows::<scales::Q5K>,
        GgmlType::Q6K => dots::rows::<scales::Q6K>,
        GgmlType::IQ4NL => fours::rows::<plain::IQ4NL>,
        GgmlType::MXFP4 => fours::rows::<plain::MXFP4>,
        GgmlType::IQ4XS => dots::rows::<scales::IQ4XS>,
        GgmlType::IQ2XXS => dots::rows::<grids::IQ2XXS>,
        GgmlType::IQ2XS => dots::rows::<grids::IQ2XS>,
        GgmlType::IQ2S => dots::rows::<grids::IQ2S>,
        GgmlType::IQ3XXS => dots::rows::<grids::IQ3XXS>,
        GgmlType::IQ3S => dots::rows::<grids::IQ3S>,
        GgmlType::IQ1S => dots::rows::<Narrow<grids::IQ1S>>,
        GgmlType::IQ1M => dots::rows::<Narrow<grids::IQ1M>>,
        GgmlType::TQ1_0 => dots::rows::<Narrow<scales::TQ1_0>>,
        GgmlType::TQ2_0 => dots::rows::<scales::TQ2_0>,
        GgmlType::NVFP4 => plain::rows::<long::NVFP4>,
        GgmlType::Q1_0 => plain::rows::<long::Q1_0>,
        GgmlType::Q2_0 => plain::rows::<long::Q2_0>,
        _ => return None,
    })
}

fn panel_rows(ty: GgmlType) -> Option<PanelRows> {
    Some(match ty {
        GgmlType::F32 => panel::floats::<floats::F32>,
        GgmlType::F16 => panel::floats::<floats::F16>,
        GgmlType::BF16 => panel::floats::<floats::Bf16>,
        GgmlType::Q8_0 => panel::plain::<plain::Q8_0>,
        GgmlType::Q4_0 => panel::plain::<plain::Q4_0>,
        GgmlType::Q4_1 => panel::plain::<plain::Q4_1>,
        GgmlType::Q5_0 => panel::plain::<plain::Q5_0>,
        GgmlType::Q5_1 => panel::plain::<plain::Q5_1>,
        GgmlType::Q2K => panel::supers::<scales::Q2K>,
        GgmlType::Q3K => panel::supers::<scales::Q3K>,
        GgmlType::Q4K => panel::supers::<scales::Q4K>,
        GgmlType::Q5K => panel::supers::<scales::Q5K>,
        GgmlType::Q6K => panel::supers::<scales::Q6K>,
        GgmlType::IQ4NL => panel::plain::<plain::IQ4NL>,
        GgmlType::MXFP4 => panel::plain::<plain::MXFP4>,
        GgmlType::IQ4XS => panel::supers::<scales::IQ4XS>,
        GgmlType::IQ2XXS => panel::supers::<grids::IQ2XXS>,
        GgmlType::IQ2XS => panel::supers::<grids::IQ2XS>,
        GgmlType::IQ2S => panel::supers::<grids::IQ2S>,
        GgmlType::IQ3XXS => panel::supers::<grids::IQ3XXS>,
        GgmlType::IQ3S => panel::supers::<grids::IQ3S>,
        GgmlType::IQ1S => panel::supers::<Narrow<grids::IQ1S>>,
        GgmlType::IQ1M => panel::supers::<Narrow<grids::IQ1M>>,
        GgmlType::TQ1_0 => panel::supers::<Narrow<scales::TQ1_0>>,
        GgmlType::TQ2_0 => panel::supers::<scales::TQ2_0>,
        GgmlType::NVFP4 => panel::plain::<long::NVFP4>,
        GgmlType::Q1_0 => panel::plain::<long::Q1_0>,
        GgmlType::Q2_0 => panel::plain::<long::Q2_0>,
        _ => return None,
    })
}
