//! Facts that must be asked for: what a model's file says, what takes how much of the context, the exact prompt, the
//! ids and pieces of a text. Begin with [`show`], [`context`], [`tokens`] and [`dump`]: each asks the engine, and the
//! answer opens a list. One question waits at a time; a newer one takes its place.

mod context;
mod file;
mod prompt;
mod state;
#[cfg(test)]
mod tests;
mod update;

pub use state::{Part, State};
pub use update::{context, described, dump, failed, measure, rendered, report, show, stored_tokens, tokenized, tokens};
