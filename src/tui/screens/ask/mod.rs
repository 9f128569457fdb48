//! A question before something that cannot be taken back.

mod state;
mod view;

pub use state::{Answer, State, typed};
pub use view::view;
