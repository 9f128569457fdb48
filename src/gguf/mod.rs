//! The file: a strict validator, the map behind it, and typed questions about what it holds.
//!
//! Begin with [`Gguf::open`]. Nothing else in the program sees a byte of a model before the validator (`header`,
//! `tensors`) has passed it; its rules and their order are those of golden/hostile, its limits stand in `limits`.
//! Metadata stays where it is: a value is read from the map when it is asked for, and each reading is bounded again,
//! because another program may write to a mapped file. Nothing here knows what an architecture or a tokenizer is, and
//! no number from a file is used to allocate, loop or index before it was compared with the bytes that are there.

#![deny(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cursor;
mod error;
mod facts;
mod file;
mod guide;
mod header;
pub mod limits;
mod magic;
#[allow(unsafe_code)]
mod map;
mod new_file;
mod notes;
mod split;
mod tensors;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
mod value;
mod write;

pub use error::{At, Class, Fault, GgufError};
pub use facts::facts;
pub use file::{Gguf, WrongType};
pub use guide::guide;
pub use map::{Bytes, Changed, Identity, TensorBytes};
pub use new_file::NewFile;
pub use tensors::TensorInfo;
pub use value::{Array, Value, ValueType, Values};
pub use write::{Body, Writer};
