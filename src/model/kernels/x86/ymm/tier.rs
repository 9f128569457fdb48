//! A tier of 32 weights to a register, given its sums of products.

/// Tokens to a tile: with two registers of weight rows eight sums.
pub(super) const TOKENS: usize = 4;

/// The whole tier: `tier!(name, features, sum of products of words, of bytes)`.
macro_rules! tier {
    ($tier:path, $features:literal, $add_words:path, $add_bytes:path) => {
        use super::super::{grids, halves, scales};
        use super::tier::TOKENS;
        use super::{cached, floats, long, plain, tile, turn};
        use crate::model::kernels::set::{DotRows, KernelSet, PanelRows};
        use crate::quant::GgmlType;

        crate::model::kernels::float::float_functions!(true, #[target_feature(enable = $features)]);
        crate::model::kernels::states::state_functions!(true, #[target_feature(enable = $features)]);
        super::few::few!($features, $add_words, $add_bytes);
        super::twos::twos!($features, $add_bytes);
        super::many::many!($features, $add_words, $add_bytes);

        pub(in super::super) fn set() -> KernelSet {
            KernelSet {
                tier: $tier,
                is_exact: false,
                floats: lanes::functions(),
                states: turns::functions(),
                halves: halves::functions(),
                dot_rows,
                panel_rows,
                float_tile: tile::float_tile,
                turn: turn::turn_blocks,
                cached: Some(cached::functions()),
                fold: Some(twos::fold),
                tile: TOKENS,
                wide: None,
            }
        }

        pub(in super::super) fn dot_rows(ty: GgmlType) -> Option<DotRows> {
            Some(match ty {
                GgmlType::F32 => floats::rows::<floats::F32>,
                GgmlType::F16 => floats::rows::<floats::F16>,
                GgmlType::BF16 => floats::rows::<floats::Bf16>,
                GgmlType::Q8_0 => few::plain::<plain::Q8_0>,
                GgmlType::Q4_0 => twos::rows::<plain::Q4_0>,
                GgmlType::Q4_1 => twos::rows::<plain::Q4_1>,
                GgmlType::Q5_0 => twos::rows::<plain::Q5_0>,
                GgmlType::Q5_1 => twos::rows::<plain::Q5_1>,
                GgmlType::Q2K => few::supers::<scales::Q2K>,
                GgmlType::Q3K => few::supers::<scales::Q3K>,
                GgmlType::Q4K => few::supers::<scales::Q4K>,
                GgmlType::Q5K => few::supers::<scales::Q5K>,
                GgmlType::Q6K => few::supers::<scales::Q6K>,
                GgmlType::IQ4NL => twos::rows::<plain::IQ4NL>,
                GgmlType::MXFP4 => twos::rows::<plain::MXFP4>,
                GgmlType::NVFP4 => few::plain::<long::NVFP4>,
                GgmlType::Q1_0 => few::plain::<long::Q1_0>,
                GgmlType::Q2_0 => few::plain::<long::Q2_0>,
                GgmlType::IQ4XS => few::supers::<scales::IQ4XS>,
                GgmlType::IQ2XXS => few::supers::<grids::IQ2XXS>,
                GgmlType::IQ2XS => few::supers::<grids::IQ2XS>,
                GgmlType::IQ2S => few::supers::<grids::IQ2S>,
                GgmlType::IQ3XXS => few::supers::<grids::IQ3XXS>,
                GgmlType::IQ3S => few::supers::<grids::IQ3S>,
                GgmlType::IQ1S => few::supers::<grids::IQ1S>,
                GgmlType::IQ1M => few::supers::<grids::IQ1M>,
                GgmlType::TQ1_0 => few::supers::<scales::TQ1_0>,
                GgmlType::TQ2_0 => few::supers::<scales::TQ2_0>,
                _ => return None,
            })
        }

        fn panel_rows(ty: GgmlType) -> Option<PanelRows> {
            Some(match ty {
                GgmlType::F32 => many::floats::<floats::F32>,
                GgmlType::F16 => many::floats::<floats::F16>,
                GgmlType::BF16 => many::floats::<floats::Bf16>,
                GgmlType::Q8_0 => many::plain::<plain::Q8_0>,
                GgmlType::Q4_0 => many::plain::<plain::Q4_0>,
                GgmlType::Q4_1 => many::plain::<plain::Q4_1>,
                GgmlType::Q5_0 => many::plain::<plain::Q5_0>,
                GgmlType::Q5_1 => many::plain::<plain::Q5_1>,
                GgmlType::Q2K => many::supers::<scales::Q2K>,
                GgmlType::Q3K => many::supers::<scales::Q3K>,
                GgmlType::Q4K => many::supers::<scales::Q4K>,
                GgmlType::Q5K => many::supers::<scales::Q5K>,
                GgmlType::Q6K => many::supers::<scales::Q6K>,
                GgmlType::IQ4NL => many::plain::<plain::IQ4NL>,
                GgmlType::MXFP4 => many::plain::<plain::MXFP4>,
                GgmlType::NVFP4 => many::plain::<long::NVFP4>,
                GgmlType::Q1_0 => many::plain::<long::Q1_0>,
                GgmlType::Q2_0 => many::plain::<long::Q2_0>,
                GgmlType::IQ4XS => many::supers::<scales::IQ4XS>,
                GgmlType::IQ2XXS => many::supers::<grids::IQ2XXS>,
                GgmlType::IQ2XS => many::supers::<grids::IQ2XS>,
                GgmlType::IQ2S => many::supers::<grids::IQ2S>,
                GgmlType::IQ3XXS => many::supers::<grids::IQ3XXS>,
                GgmlType::IQ3S => many::supers::<grids::IQ3S>,
                GgmlType::IQ1S => many::supers::<grids::IQ1S>,
                GgmlType::IQ1M => many::supers::<grids::IQ1M>,
                GgmlType::TQ1_0 => many::supers::<scales::TQ1_0>,
                GgmlType::TQ2_0 => many::supers::<scales::TQ2_0>,
                _ => return None,
            })
        }
    };
}
pub(super) use tier;
