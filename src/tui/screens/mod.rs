//! The screens, each a folder: what it holds, what changes it, how it is drawn, and tests of these.

pub mod ask;
pub mod choose;
pub mod chords;
pub mod conversation;
pub mod conversations;
pub mod facts;
pub mod gauges;
pub mod help;
pub mod list;
pub mod models;
pub mod palette;
pub mod prompt;
pub mod settings;
pub mod themes;
pub mod toasts;
