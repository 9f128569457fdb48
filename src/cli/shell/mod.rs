//! What stands around every command: its arguments, where its result goes, how it ends.

pub(super) mod args;
pub(super) mod client;
pub(super) mod color;
pub(super) mod env;
pub(super) mod failure;
pub(super) mod input;
pub(super) mod logs;
pub(super) mod setting_flags;
pub(super) mod short_forms;
pub(super) mod table;
