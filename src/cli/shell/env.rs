//! What every command is handed: where its result goes and in which form.

use super::args::{ColorWhen, Global};
use super::failure::Failure;
use std::io::{self, Write};

pub(crate) struct Env {
    pub(crate) json: bool,
    pub(crate) color: Option<ColorWhen>,
}

impl Env {
    pub(crate) fn new(global: &Global) -> Self {
        Self { json: global.json, color: global.color }
    }

    /// The result as it is, to standard output.
    pub(crate) fn write_bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Failure::from_write(&error))
    }
}

/// Text of any origin as one line that a terminal may show.
pub(crate) fn shown_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// The same for text of several lines.
pub(crate) fn shown_block(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', " ")
}
