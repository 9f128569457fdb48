//! The block formats: what each tensor type looks like in bytes, and what those bytes mean.
//!
//! Begin with [`TYPES`], the table. Everything here is plain scalar code that computes what ggml computes, bit for bit
//! where golden data says so, and is written to be read as the specification of the formats: the fast paths in
//! `model::kernels` are measured against it. Nothing here knows a file, a thread or an instruction set.

mod types;

pub use types::{GgmlType, TYPES, TypeRow};
