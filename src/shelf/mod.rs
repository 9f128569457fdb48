//! Models on this machine: where they lie, what they are called, which one a person means.
//!
//! Begin with [`Shelf::scan`]: it walks the table of [`PLACES`], reads each file's header and gives one entry a model;
//! [`Shelf::find`] turns what a person wrote for MODEL into a [`ModelRef`]. Everything is read only: nothing is copied,
//! moved or linked, no file's tensors are touched, and no network is known here. A file that cannot be used is an entry
//! with its problem, so that nobody wonders where it went.
//!
//! [`ModelRef`]: crate::protocol::ModelRef

mod entry;
mod find;
mod header_cache;
mod places;
mod scan;
mod splits;
#[cfg(test)]
mod tests;

pub use entry::ModelEntry;
pub use find::{ShelfError, named_outright};
pub use places::{PLACES, Place, Surroundings, params_beside};
pub use scan::Shelf;
