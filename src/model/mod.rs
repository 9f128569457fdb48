//! The decoder.

pub mod kernels;
