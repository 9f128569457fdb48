//! What the machine does: this process, the system, its GPUs.
//!
//! Begin with [`Gauges::start`]: a thread that reads the devices once a second while it is told that somebody looks and not
//! at all else (when that is, the screen's gauges decide), and hands each [`Machine`] on. What could not be read is absent, never 0. Nothing here knows what the
//! engine does; its own memory is the engine's `Ledger`.

mod gpu;
mod machine;
mod sampler;
mod system;
#[cfg(test)]
mod tests;

pub use machine::{Gpu, Machine, Process, SystemLoad};
pub use sampler::Gauges;
