//! Which type each tensor gets.

use super::QuantizeError;
use crate::gguf::{Gguf, TensorInfo};
use crate::quant::{GgmlType, QuantError, dequantize};

/// What becomes of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Its bytes are taken over.
    Keep(GgmlType),
    /// It is decoded and made anew.
    Make(GgmlType),
}

impl Choice {
    pub(super) fn ty(self) -> GgmlType {
        match self {
            Choice::Keep(ty) | Choice::Make(ty) => ty,
        }
    }
}

/// Types a whole file can be made of, with llama.cpp's number for such a file (`llama_ftype` in include/llama.h; for the
/// K-quants that of the mix nearest to a pure file).
const FILE_TYPES: &[(GgmlType, u32)] = &[
    (GgmlType::F32, 0),
    (GgmlType::F16, 1),
    (GgmlType::BF16, 32),
    (GgmlType::Q8_0, 7),
    (GgmlType::Q6K, 18),
    (GgmlType::Q5K, 16),
    (GgmlType::Q5_1, 9),
    (GgmlType::Q5_0, 8),
    (GgmlType::Q4K, 14),
    (GgmlType::Q4_1, 3),
    (GgmlType::Q4_0, 2),
    (GgmlType::Q3K, 11),
    (GgmlType::Q2K, 10),
];

pub(super) fn file_type(ty: GgmlType) -> Option<u32> {
    FILE_TYPES.iter().find(|(t, _)| *t == ty).map(|(_, number)| *number)
}

pub fn names() -> Vec<&'static str> {
    FILE_TYPES.iter().map(|(ty, _)| ty.name()).collect()
}

/// Matrices that are no weights of a product, or so small and so decisive that they stay as they are
/// (`tensor_allows_quantization` in llama.cpp's src/llama-quant.cpp): routers, tables of positions, convolutions and
/// the coefficients of recurrences.
const KEPT: &[&str] = &[
    "_norm.weight",
    "ffn_gate_inp.weight",
    "altup",
    "laurel",
    "per_layer_model_proj",
    "position_embd.weight",
    "token_types.weight",
    "ssm_conv1d",
    "shortconv.conv.weight",
    "time_mix_first.weight",
    "time_mix_w0.weight",
    "time_mix_w1.weight",
    "time_mix_w2.weight",
    "time_mix_v0.weight",
    "time_mix_v1.weight",
    "time_mix_v2.weight",
    "time_mix_a0.weight",
    "time_mix_a1.weight",
    "time_mix_a2.weight",
    "time_mix_g1.weight",
    "time_mix_g2.weight",
    "time_mix_decay_w1.weight",
    "time_mix_decay_w2.weight",
    "time_mix_lerp_fused.weight",
    "attn_rel_b.weight",
];

/// Where rows are no whole super-blocks: the plain type with about as many bits (golden/quants, "mixes").
fn fallback(ty: GgmlType) -> GgmlType {
    match ty {
        GgmlType::Q2K | GgmlType::Q3K => GgmlType::Q4_0,
        GgmlType::Q4K => GgmlType::Q5_0,
        GgmlType::Q5K => GgmlType::Q5_1,
        GgmlType::Q6K => GgmlType::Q8_0,
        // Rows shorter than any block, or odd ones.
        _ => GgmlType::F16,
    }
}

/// The type of a tensor in a file of type `ty`. Refused where its bytes cannot be decoded.
pub(super) fn choose(source: &Gguf, tensor: &TensorInfo, ty: GgmlType) -> Result<Choice, QuantizeError> {
    // A type of unknown size is refused with the file's own sentence.
    source.tensor_bytes(tensor)?;
    let Some(has) = tensor.ty else { return Ok(Choice::Keep(ty)) };
    let is_matrix = tensor.shape.len() >= 2 && tensor.name.ends_with("weight") && !KEPT.iter().any(|k| tensor.name.contains(k));
    let is_number = matches!(has, GgmlType::I8 | GgmlType::I16 | GgmlType::I32 | GgmlType::I64 | GgmlType::F64);
    if !is_matrix || is_number || has == ty {
        return Ok(Choice::Keep(has));
    }
    if let Err(cause @ QuantError::NoDecoder { .. }) = dequantize(has, &[], &mut []) {
        return Err(QuantizeError::Tensor { name: tensor.name.clone(), cause });
    }
    let row = tensor.shape.first().and_then(|n| usize::try_from(*n).ok()).unwrap_or(0);
    let fits = |ty: &GgmlType| ty.row_bytes(row).is_some();
    let made = [ty, fallback(ty), GgmlType::F16].into_iter().find(fits).unwrap_or(GgmlType::F16);
    Ok(if made == has { Choice::Keep(has) } else { Choice::Make(made) })
}
