//! Text that may be shown.
//!
//! Models, files, titles and pasted text are hostile: raw, they could write the clipboard, hide links, make the terminal
//! type, reorder or hide words. [`Shown`] is the only type that widgets, stderr and logs take; its constructors keep
//! the six rules of RELIABILITY.md 2c (in [`sanitizer`]). [`is_allowed_symbol`] holds a cell of a finished frame to the
//! same rules, whatever a widget drew. What ingle itself may say to a terminal is the table in [`sequences`]; [`audit`]
//! parses what was written and reports everything else.
//!
//! Begin at [`Shown`]. Nothing here reads a terminal, a file or the environment.

#![deny(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

pub mod audit;
mod classes;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
pub mod hostile;
mod nearest;
pub mod sanitizer;
pub mod sequences;
mod shown;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]
mod tests;
mod url;

pub use nearest::nearest;
pub use sanitizer::{Sanitizer, is_allowed_symbol};
pub use shown::{Shown, width};
pub use url::HttpUrl;
