//! Models: what was found, what is loaded, what is wanted; and the picker.

mod picker;
mod state;
#[cfg(test)]
mod tests;
mod update;

pub use picker::{open, rows};
pub use state::{Current, Loading, State};
pub use update::{choose, forget_lost, is_loading, load_failed, load_wanted, loaded, name_of, named, progress, reload, shelf, unload};
