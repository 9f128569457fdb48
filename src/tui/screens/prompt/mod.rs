//! The prompt: a multi-line editor with the keys that hands know from readline, pastes as chips, what was typed before,
//! and a menu of completions for slash commands.

mod chips;
mod complete;
mod keep;
mod state;
#[cfg(test)]
mod tests;
mod update;
pub mod vi;
mod vi_text;
mod view;

pub use complete::{Candidate, Menu, step};
pub use keep::{open_before, save, save_typed, settle};
pub use state::{RECALL_MAX, State};
pub use update::{hand, is_edit, open_chip, open_chip_named, paste, typed};
pub use view::{chip_at, menu_row, view};
