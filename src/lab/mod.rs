//! Measuring and quantizing: work on whole models, for a person who compares.
//!
//! Begin with [`bench`]; [`probe`] says what the machine could do at most, [`machine`] what it is. This room goes straight
//! to the decoder, past the engine: a measurement must not wait in a queue. It prints nothing; results are handed to
//! whoever asked.

pub mod bench;
pub mod machine;
pub mod probe;
pub mod quantize;

/// Measuring is what this room is for: it may ask the clock.
#[allow(clippy::disallowed_methods)]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
