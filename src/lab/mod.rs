//! Measuring and quantizing.

pub mod quantize;
