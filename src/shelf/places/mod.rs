//! The table of places where programs leave models, and how each lays them out.

mod flat;
mod hub;
mod lm_studio;
mod ollama;

pub use ollama::params_beside;

use crate::protocol::Settings;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Folders below a place that are walked at most this deep: `PUBLISHER/MODEL/FILE` and then some.
const DEPTH_MAX: usize = 6;
/// Files that one root lists at most. A home folder named by mistake ends here instead of filling memory.
const FILES_MAX: usize = 20_000;

/// What a place's rows may ask about this machine. Handed in, so that a test has a machine of its own.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    pub home: Option<PathBuf>,
    /// Environment variables that are set and not empty.
    pub variables: Vec<(String, OsString)>,
    /// `[shelf] folders` of the config.
    pub folders: Vec<PathBuf>,
    /// ingle's own data folder; models lie in `models` below.
    pub data: Option<PathBuf>,
}

impl Surroundings {
    /// A path from an environment variable.
    fn variable(&self, name: &str) -> Option<PathBuf> {
        self.variables.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, value)| PathBuf::from(value))
    }

    fn at_home(&self, path: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(path))
    }
}

/// A file that may be a model, before anything was read of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listed {
    pub(super) path: PathBuf,
    /// What it is called here.
    pub(super) name: String,
    /// What it belongs to, where the place knows: "ORG/NAME".
    pub(super) origin: Option<String>,
    /// The place itself says that this cannot be run, and why.
    pub(super) unusable: Option<&'static str>,
    /// Settings that the place keeps beside it.
    pub(super) params: Settings,
}

impl Listed {
    fn file(path: PathBuf, name: &str, origin: Option<String>) -> Self {
        Self { path, name: name.to_owned(), origin, unusable: None, params: Settings::default() }
    }
}

/// A row: whose folders these are, where they may lie, and how to list one.
pub struct Place {
    /// As the picker and `ingle models` say it.
    pub name: &'static str,
    /// Every folder that may exist, likeliest first.
    pub roots: fn(&Surroundings) -> Vec<PathBuf>,
    pub(super) list: fn(&Path) -> Vec<Listed>,
}

/// Searched in this order; a file found by two roads is named by the first.
pub const PLACES: &[Place] = &[
    Place { name: "ingle", roots: |s| s.data.iter().map(|data| data.join("models")).collect(), list: flat::list },
    Place { name: "folder", roots: |s| s.folders.clone(), list: flat::list },
    Place { name: "Hugging Face", roots: hub::roots, list: hub::list },
    Place { name: "llama.cpp", roots: flat::llama_cpp_roots, list: flat::list_shallow },
    Place { name: "Ollama", roots: ollama::roots, list: ollama::list },
    Place { name: "LM Studio", roots: lm_studio::roots, list: flat::list },
    Place { name: "GPT4All", roots: flat::gpt4all_roots, list: flat::list_shallow },
];

/// A folder's entries in order of name, so that two scans agree; what cannot be read is not there.
fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let Ok(read) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<_> =
        read.flatten().take(FILES_MAX).filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path()))).collect();
    found.sort();
    found
}
