//! Facts of files that were read before: a header with a large vocabulary takes milliseconds, this takes none.

use crate::protocol::ModelFacts;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A shelf of a thousand models takes about a megabyte; a larger file was not written by ingle.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Which file it was, and in which state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct FileState {
    pub(super) device: u64,
    pub(super) inode: u64,
    bytes: u64,
    modified_ns: i128,
}

impl FileState {
    pub(super) fn of(metadata: &fs::Metadata) -> Self {
        let modified_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        Self { device: metadata.dev(), inode: metadata.ino(), bytes: metadata.len(), modified_ns }
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    /// Facts of another version may have been read otherwise.
    version: String,
    files: Vec<(FileState, ModelFacts)>,
}

/// What was known at the start, and what was asked for since: only that is kept, so files that went away are forgotten.
pub(super) struct HeaderCache {
    path: Option<PathBuf>,
    known: HashMap<FileState, ModelFacts>,
    used: Vec<(FileState, ModelFacts)>,
    learnt: bool,
}

impl HeaderCache {
    /// From `path`; anything unreadable is an empty cache. Without a path nothing is kept.
    pub(super) fn open(path: Option<&Path>) -> Self {
        let known = path.and_then(read).map(|stored| stored.files.into_iter().collect()).unwrap_or_default();
        Self { path: path.map(Path::to_owned), known, used: Vec::new(), learnt: false }
    }

    pub(super) fn get(&mut self, state: &FileState) -> Option<ModelFacts> {
        let facts = self.known.get(state)?.clone();
        self.used.push((state.clone(), facts.clone()));
        Some(facts)
    }

    pub(super) fn put(&mut self, state: FileState, facts: ModelFacts) {
        self.learnt = true;
        self.used.push((state, facts));
    }

    /// Replaced whole, so that two ingles never see half of it. Not being able to is no error: it is only a cache.
    pub(super) fn save(self) {
        let Some(path) = self.path.filter(|_| self.learnt || self.used.len() < self.known.len()) else { return };
        let stored = Stored { version: env!("CARGO_PKG_VERSION").to_owned(), files: self.used };
        if let Err(error) = write(&path, &stored) {
            tracing::debug!(%error, "the header cache was not written");
        }
    }
}

fn read(path: &Path) -> Option<Stored> {
    if fs::metadata(path).ok()?.len() > FILE_BYTES_MAX {
        return None;
    }
    let stored: Stored = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (stored.version == env!("CARGO_PKG_VERSION")).then_some(stored)
}

fn write(path: &Path, stored: &Stored) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(&serde_json::to_vec(stored)?)?;
    drop(file);
    fs::rename(&temporary, path).inspect_err(|_| drop(fs::remove_file(&temporary)))
}
