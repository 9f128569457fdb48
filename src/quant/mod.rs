//! The block formats: what each tensor type looks like in bytes, and what those bytes mean.
//!
//! Begin with [`TYPES`], the table, then `blocks`, the layouts. Everything here is plain scalar code that computes what
//! ggml computes, bit for bit where golden data says so, and is written to be read as the specification of the formats:
//! the fast paths in `model::kernels` are measured against it. Nothing here knows a file, a thread or an instruction
//! set.

mod activation;
mod blocks;
mod decode;
mod dot;
mod encode;
mod encode_super;
mod error;
mod few_bits;
mod grid_blocks;
pub mod grids;
mod search;
mod tables;
#[cfg(test)]
mod tests;
mod types;

pub use activation::{Activation, block_q8_0, block_q8_1, block_q8_k, quantize_row_q8_0, quantize_row_q8_1, quantize_row_q8_k};
pub use blocks::*;
pub use decode::dequantize;
pub use dot::vec_dot;
pub use encode::{can_quantize, quantize};
pub use error::QuantError;
pub use few_bits::*;
pub use grid_blocks::*;
pub use tables::*;
pub use types::{GgmlType, REMOVED, TYPES, TypeRow};
