//! What every command is handed: who it runs for, and where its result goes in which form.

use super::args::Global;
use super::color;
use super::failure::{Failure, print_warning};
use crate::config::{self, ColorWhen, Config, Folders};
use crate::protocol::{GUIDE_NAME, ModelRef, Settings};
use crate::shelf::{self, Shelf, Surroundings};
use crate::text::Shown;
use serde::Serialize;
use std::cell::OnceCell;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

/// The header cache's file in the cache folder.
const HEADERS_FILE: &str = "headers.json";

/// The model where none is named.
const MODEL_VARIABLE: &str = "INGLE_MODEL";

pub(crate) struct Env {
    pub(crate) json: bool,
    color: Option<ColorWhen>,
    config: OnceCell<Config>,
}

impl Env {
    pub(crate) fn new(global: &Global) -> Self {
        Self { json: global.json, color: global.color, config: OnceCell::new() }
    }

    pub(crate) fn folders(&self) -> Result<Folders, Failure> {
        Ok(Folders::of_user()?)
    }

    /// What config.toml says. What is wrong in it is said once on standard error; all else in it holds.
    pub(crate) fn config(&self) -> &Config {
        self.config.get_or_init(|| {
            let Ok(folders) = self.folders() else { return Config::default() };
            let (config, problems) = Config::load(&folders);
            problems.into_iter().for_each(|problem| print_warning(&problem.into()));
            config
        })
    }

    /// What `--color` said.
    pub(crate) fn color_flag(&self) -> Option<ColorWhen> {
        self.color
    }

    /// Whether what goes to standard output is coloured.
    pub(crate) fn colored(&self) -> bool {
        color::decide(self.color, self.config().color, &|name| std::env::var_os(name), io::stdout().is_terminal())
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

    /// Bytes that are most likely text: exactly to a pipe, fit to be shown to a terminal.
    pub(crate) fn write_decoded(&self, bytes: &[u8]) -> Result<(), Failure> {
        match io::stdout().is_terminal() {
            true => self.write_text(&String::from_utf8_lossy(bytes)),
            false => self.write_bytes(bytes),
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

    pub(crate) fn header_cache_file(&self, folders: &Folders) -> PathBuf {
        folders.cache.join(HEADERS_FILE)
    }

    /// Where models are looked for.
    pub(crate) fn surroundings(&self, folders: &Folders) -> Surroundings {
        Surroundings {
            home: std::env::home_dir(),
            variables: std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect(),
            folders: self.config().folders.clone(),
            data: Some(folders.data.clone()),
        }
    }

    /// Everything on this machine's shelf.
    pub(crate) fn shelf(&self) -> Result<Shelf, Failure> {
        let folders = self.folders()?;
        let surroundings = self.surroundings(&folders);
        // Without a folder for it there is no header cache; the scan takes longer, that is all.
        let headers = config::create_private(&folders.cache).ok().map(|()| self.header_cache_file(&folders));
        Ok(Shelf::scan(&surroundings, headers.as_deref()))
    }

    /// What is named on the command line, in the environment, or in the config.
    pub(crate) fn named_model(&self, text: Option<&str>) -> Result<Option<ModelRef>, Failure> {
        let from_environment = || std::env::var(MODEL_VARIABLE).ok().filter(|name| !name.is_empty());
        let name = text.map(str::to_owned).or_else(from_environment).or_else(|| self.config().model.clone());
        name.map(|name| self.model(&name)).transpose()
    }

    /// The config's layer for a model, by its file's name or what was written for it.
    pub(crate) fn model_settings(&self, reference: &ModelRef, written: Option<&str>) -> Settings {
        let stem = match reference {
            ModelRef::Guide => Some(GUIDE_NAME),
            ModelRef::File(path) => path.file_stem().and_then(|stem| stem.to_str()),
        };
        self.config().for_model(written.into_iter().chain(stem)).cloned().unwrap_or_default()
    }

    /// What MODEL means. The shelf is only searched where the text alone does not say.
    pub(crate) fn model(&self, text: &str) -> Result<ModelRef, Failure> {
        match shelf::named_outright(text) {
            Some(reference) => Ok(reference),
            None => Ok(self.shelf()?.find(text)?),
        }
    }
}
