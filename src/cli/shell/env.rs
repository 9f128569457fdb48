//! What every command is handed: who it runs for, and where its result goes in which form.

use super::args::{ColorWhen, Global};
use super::color;
use super::failure::Failure;
use crate::config::{self, Folders};
use crate::protocol::ModelRef;
use crate::shelf::{self, Shelf, Surroundings};
use crate::text::Shown;
use serde::Serialize;
use std::io::{self, BufWriter, IsTerminal, Write};

/// The header cache's file in the cache folder.
const HEADERS_FILE: &str = "headers.json";

pub(crate) struct Env {
    pub(crate) json: bool,
    color: Option<ColorWhen>,
}

impl Env {
    pub(crate) fn new(global: &Global) -> Self {
        Self { json: global.json, color: global.color }
    }

    pub(crate) fn folders(&self) -> Result<Folders, Failure> {
        Ok(Folders::of_user()?)
    }

    /// Whether what goes to standard output is coloured.
    pub(crate) fn colored(&self) -> bool {
        color::decide(self.color, None, &|name| std::env::var_os(name), io::stdout().is_terminal())
    }

    /// The result as it is, to standard output.
    pub(crate) fn write_bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Failure::from_write(&error))
    }

    /// Text of any origin: as it is to a pipe, so that a terminal may show it to a terminal.
    pub(crate) fn write_text(&self, text: &str) -> Result<(), Failure> {
        match io::stdout().is_terminal() {
            true => self.write_bytes(Shown::block(text).as_str().as_bytes()),
            false => self.write_bytes(text.as_bytes()),
        }
    }

    /// One JSON value and a newline: compact in a pipe, indented for a person.
    pub(crate) fn write_json(&self, value: &impl Serialize) -> Result<(), Failure> {
        if io::stdout().is_terminal() {
            let text = serde_json::to_string_pretty(value).map_err(|error| Failure::from_write(&error.into()))?;
            return self.write_text(&format!("{text}\n"));
        }
        let mut out = BufWriter::new(io::stdout().lock());
        serde_json::to_writer(&mut out, value)
            .map_err(io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush())
            .map_err(|error| Failure::from_write(&error))
    }

    /// Everything on this machine's shelf.
    pub(crate) fn shelf(&self) -> Result<Shelf, Failure> {
        let folders = self.folders()?;
        let surroundings = Surroundings {
            home: std::env::home_dir(),
            variables: std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect(),
            folders: Vec::new(),
            data: Some(folders.data.clone()),
        };
        // Without a folder for it there is no header cache; the scan takes longer, that is all.
        let headers = config::create_private(&folders.cache).ok().map(|()| folders.cache.join(HEADERS_FILE));
        Ok(Shelf::scan(&surroundings, headers.as_deref()))
    }

    /// What MODEL means. The shelf is only searched where the text alone does not say.
    pub(crate) fn model(&self, text: &str) -> Result<ModelRef, Failure> {
        match shelf::named_outright(text) {
            Some(reference) => Ok(reference),
            None => Ok(self.shelf()?.find(text)?),
        }
    }
}
