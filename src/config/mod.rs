//! config.toml and the folders.
//!
//! Begin with [`Folders`], where ingle's own files lie, and [`Config`], what config.toml says. Reading never fails as a
//! whole: [`Config::load`] gives what could be read with a list of what could not. [`Config::keep`] changes one entry. This room runs no command that a
//! file names and follows no path in it; keymap.toml and themes are the screen's.

mod choices;
mod edit;
mod entries;
mod error;
mod folders;
mod read;
mod template;
#[cfg(test)]
mod tests;

pub use choices::{ColorDepth, ColorWhen, Editing, GaugesShown, Graphs, Notify, SendWith};
pub use entries::{Config, ENTRIES, Entry, EntryKind};
pub use error::{ConfigError, Place};
pub use folders::{Folders, FoldersError, HOME_VARIABLE, create_private, states_of};
pub use template::template;
