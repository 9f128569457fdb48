//! Measuring and quantizing.
