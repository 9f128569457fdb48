//! A question with several answers: what hinders, and the ways on.

mod state;
mod view;

pub use state::{Choice, Done, State, Way, hand};
pub use view::view;
