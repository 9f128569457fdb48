//! A tier's set of functions, given how it multiplies.

use super::super::unpacked::Unpacked;
use super::products::{Products, TOKENS};
use super::{few, floats, halves, many, pairs, plain, scales, tile};
use crate::model::kernels::set::{DotRows, KernelSet, PanelRows};
use crate::model::kernels::tier::Tier;
use crate::quant::*;

crate::model::kernels::float::float_functions!(true,);
crate::model::kernels::states::state_functions!(true,);

pub(super) fn set<P: Products>(tier: Tier, dot_rows: fn(GgmlType) -> Option<DotRows>) -> KernelSet {
    KernelSet {
        tier,
        is_exact: false,
        floats: lanes::functions(),
        states: turns::functions(),
        halves: halves::functions(),
        dot_rows,
        panel_rows: panel_rows::<P>,
        float_tile: tile::float_tile,
        turn: tile::turn_blocks,
        cached: None,
        fold: None,
        tile: TOKENS,
        wide: None,
    }
}

/// What of a module, [`few`], [`pairs`] or [`many`], weights of a type are multiplied by.
macro_rules! by_type {
    ($ty:expr, $by:ident $(, $products:ty)?) => {
        match $ty {
            GgmlType::F32 => $by::floats::<floats::F32>,
            GgmlType::F16 => $by::floats::<floats::F16>,
            GgmlType::BF16 => $by::floats::<floats::Bf16>,
            GgmlType::Q8_0 => $by::plain::<plain::Q8_0$(, $products)?>,
            GgmlType::Q4_0 => $by::plain::<plain::Q4_0$(, $products)?>,
            GgmlType::Q4_1 => $by::plain::<plain::Q4_1$(, $products)?>,
            GgmlType::Q5_0 => $by::plain::<plain::Q5_0$(, $products)?>,
            GgmlType::Q5_1 => $by::plain::<plain::Q5_1$(, $products)?>,
            GgmlType::Q2K => $by::supers::<scales::Q2K$(, $products)?>,
            GgmlType::Q3K => $by::supers::<scales::Q3K$(, $products)?>,
            GgmlType::Q4K => $by::supers::<scales::Q4K$(, $products)?>,
            GgmlType::Q5K => $by::supers::<scales::Q5K$(, $products)?>,
            GgmlType::Q6K => $by::supers::<scales::Q6K$(, $products)?>,
            GgmlType::IQ4NL => $by::plain::<plain::IQ4NL$(, $products)?>,
            GgmlType::MXFP4 => $by::plain::<plain::MXFP4$(, $products)?>,
            GgmlType::NVFP4 => $by::plain::<Unpacked<BlockNVFP4>$(, $products)?>,
            GgmlType::Q1_0 => $by::plain::<Unpacked<BlockQ1_0>$(, $products)?>,
            GgmlType::Q2_0 => $by::plain::<Unpacked<BlockQ2_0>$(, $products)?>,
            GgmlType::IQ4XS => $by::supers::<scales::IQ4XS$(, $products)?>,
            GgmlType::IQ2XXS => $by::supers::<Unpacked<BlockIQ2XXS>$(, $products)?>,
            GgmlType::IQ2XS => $by::supers::<Unpacked<BlockIQ2XS>$(, $products)?>,
            GgmlType::IQ2S => $by::supers::<Unpacked<BlockIQ2S>$(, $products)?>,
            GgmlType::IQ3XXS => $by::supers::<Unpacked<BlockIQ3XXS>$(, $products)?>,
            GgmlType::IQ3S => $by::supers::<Unpacked<BlockIQ3S>$(, $products)?>,
            GgmlType::IQ1S => $by::supers::<Unpacked<BlockIQ1S>$(, $products)?>,
            GgmlType::IQ1M => $by::supers::<Unpacked<BlockIQ1M>$(, $products)?>,
            GgmlType::TQ1_0 => $by::supers::<Unpacked<BlockTQ1_0>$(, $products)?>,
            GgmlType::TQ2_0 => $by::supers::<Unpacked<BlockTQ2_0>$(, $products)?>,
            _ => return None,
        }
    };
}

pub(super) fn dot_rows<P: Products>(ty: GgmlType) -> Option<DotRows> {
    Some(by_type!(ty, few, P))
}

pub(super) fn dot_rows_by_pairs(ty: GgmlType) -> Option<DotRows> {
    Some(by_type!(ty, pairs))
}

fn panel_rows<P: Products>(ty: GgmlType) -> Option<PanelRows> {
    Some(by_type!(ty, many, P))
}
