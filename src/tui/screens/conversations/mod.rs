//! Going to another conversation: the list of them, what a search through all of them found.

mod rows;
mod update;

pub use update::{fill, found, go_to_found, gone, look_for, name_of, open, show, star, stored};
