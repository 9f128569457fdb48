//! ingle keeps a language model on its user's own machine: a full-screen terminal program and its command line.
//!
//! The house is described in ARCHITECTURE.md: each module here is a room on a floor, and uses only rooms on lower
//! floors. tests/house holds that.

#![deny(unsafe_code)]

// floor 1
pub mod quant;
#[allow(unsafe_code)]
pub mod sys;
pub mod text;
// floor 2
pub mod protocol;
// floor 3
pub mod config;
pub mod gguf;
pub mod tokenizer;
// floor 4
#[allow(unsafe_code)]
pub mod model;
pub mod prompt;
pub mod sampler;
// floor 5
pub mod engine;
pub mod gauges;
pub mod history;
pub mod shelf;
// floor 6
pub mod lab;
// floor 7
pub mod tui;
// floor 8
pub mod cli;
