//! Measuring and quantizing: work on whole models, for a person who compares.
//!
//! Begin with [`bench`]. This room goes straight to the decoder, past the engine: a measurement must not wait in a
//! queue. It prints nothing; results are handed to whoever asked.

pub mod bench;
pub mod quantize;
