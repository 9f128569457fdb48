//! The conversation: turns as they were said, an answer as it grows, the ways between alternatives.
//!
//! Begin at [`send`]: a message goes to the history first; only when it is on disk is it shown as sent and the engine
//! asked. [`answer`] takes what the engine tells. [`branch`] moves about in the tree. Where no answer can be given, [`ways`]
//! asks how to go on: older turns are left out of the model's sight ([`cut`]), or summarized ([`compact`]).

pub mod answer;
pub mod branch;
pub mod compact;
pub mod cut;
pub mod find;
mod lines;
pub mod scroll;
pub mod send;
mod state;
#[cfg(test)]
mod tests;
pub mod transcript;
mod turn;
mod turns;
mod view;
pub mod ways;
mod welcome;

pub use state::{Compacting, Find, Running, Scroll, State, Thought, Wanted};
pub use turns::{last_code, open_turns};
pub use view::view;
pub use welcome::offers;
