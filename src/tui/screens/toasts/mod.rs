//! Toasts: sentences that come and go, for what happened and has no place in the transcript.

mod state;
#[cfg(test)]
mod tests;
mod view;

pub use state::{State, Toast, Tone};
pub use view::view;
