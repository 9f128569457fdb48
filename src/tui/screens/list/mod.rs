//! The one list behind the model picker, the conversations, the palette, help, themes, settings and searches: a filter,
//! rows in columns, details of the chosen row, and its keys at the foot. What the rows are, each screen says.

mod filter;
mod state;
#[cfg(test)]
mod tests;
mod update;
mod view;

pub use state::{Align, Column, Kind, Mark, Pick, Row, State};
pub use update::{Done, hand, has_table, typed};
pub use view::{click, view};
