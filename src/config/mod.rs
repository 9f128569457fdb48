//! config.toml and the folders.
//!
//! Begin with [`Folders`]: where ingle's own files lie. This room runs no command and follows no path that a file names.

mod folders;

pub use folders::{Folders, FoldersError, HOME_VARIABLE, create_private};
