//! What cannot be computed, and why.

use super::GgmlType;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QuantError {
    #[error("type {ty} cannot be decoded by this version")]
    NoDecoder { ty: GgmlType },
    #[error("type {ty} cannot be made by this version")]
    NoEncoder { ty: GgmlType },
    #[error("{values} values are no whole blocks of type {ty}, which has {block} in a block", block = .ty.block_len())]
    NotWholeBlocks { ty: GgmlType, values: usize },
    #[error("{values} values of type {ty} in {found} bytes, expected {expected}")]
    Length { ty: GgmlType, values: usize, found: usize, expected: usize },
    #[error("value {index} is {value}, expected a finite number")]
    NotFinite { index: usize, value: f32 },
    #[error("value {index} is {value}, expected one that half precision can hold (at most 65504)")]
    TooLarge { index: usize, value: f32 },
    #[error("weights of type {ty} do not go with activations of type {activation}")]
    NoDot { ty: GgmlType, activation: GgmlType },
}

impl QuantError {
    /// The same of a value that stands `by` values further on: for those who encode a tensor in pieces.
    pub fn shifted(self, by: usize) -> Self {
        match self {
            QuantError::NotFinite { index, value } => QuantError::NotFinite { index: index.saturating_add(by), value },
            QuantError::TooLarge { index, value } => QuantError::TooLarge { index: index.saturating_add(by), value },
            other => other,
        }
    }
}
