//! Which model a person means.

use super::{ModelEntry, Shelf};
use crate::protocol::{GUIDE_NAME, ModelRef, Report};
use std::path::{Path, PathBuf};

/// Candidates that an error lists; the rest are counted.
const CANDIDATES_SHOWN: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShelfError {
    #[error("{text} names no model on this machine")]
    Unknown { text: String },
    #[error("there is no file {}", .0.display())]
    NoFile(PathBuf),
    #[error("{} is a folder", .0.display())]
    Folder(PathBuf),
    #[error("{text} may mean {}", listed(.candidates))]
    Ambiguous { text: String, candidates: Vec<String> },
}

fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(CANDIDATES_SHOWN);
    let shown = names.iter().take(CANDIDATES_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

impl From<ShelfError> for Report {
    fn from(error: ShelfError) -> Self {
        let (offender, remedy) = match &error {
            ShelfError::Unknown { text } => (text.clone(), "`ingle models` lists what is here; `guide` always is"),
            ShelfError::NoFile(path) => (path.display().to_string(), "Check the path, or pick a name from `ingle models`"),
            ShelfError::Folder(path) => (path.display().to_string(), "Name a GGUF file in it"),
            ShelfError::Ambiguous { text, .. } => (text.clone(), "Write more of the name, or the file's path"),
        };
        Report::new(error.to_string(), remedy).offender(offender)
    }
}

/// What needs no look at the shelf: the guide, or a path to a file that is there.
pub fn named_outright(text: &str) -> Option<ModelRef> {
    if text == GUIDE_NAME {
        return Some(ModelRef::Guide);
    }
    let path = Path::new(text);
    path.is_file().then(|| ModelRef::File(path.to_owned()))
}

impl Shelf {
    /// By path, by a whole name (case does not matter), or by a part that only one model's name has. Among models that
    /// share the part, those that can be used are meant before those that cannot.
    pub fn find(&self, text: &str) -> Result<ModelRef, ShelfError> {
        if let Some(reference) = named_outright(text) {
            return Ok(reference);
        }
        let path = Path::new(text);
        if path.is_dir() {
            return Err(ShelfError::Folder(path.to_owned()));
        }
        let wanted = text.to_lowercase();
        if wanted.is_empty() {
            return Err(ShelfError::Unknown { text: text.to_owned() });
        }
        let exact: Vec<_> = self.entries.iter().filter(|entry| entry.exact_names().contains(&wanted)).collect();
        if !exact.is_empty() {
            return only(text, exact);
        }
        let parts: Vec<_> = self.entries.iter().filter(|entry| entry.full_name().to_lowercase().contains(&wanted)).collect();
        match parts.is_empty() {
            true if wanted.ends_with(".gguf") => Err(ShelfError::NoFile(path.to_owned())),
            true => Err(ShelfError::Unknown { text: text.to_owned() }),
            false => only(text, parts),
        }
    }
}

fn only(text: &str, mut found: Vec<&ModelEntry>) -> Result<ModelRef, ShelfError> {
    if found.iter().any(|entry| entry.problem.is_none()) {
        found.retain(|entry| entry.problem.is_none());
    }
    match found.as_slice() {
        [one] => Ok(one.reference.clone()),
        several => {
            Err(ShelfError::Ambiguous { text: text.to_owned(), candidates: several.iter().map(|e| telling_name(e, several)).collect() })
        }
    }
}

/// The full name, or the path where two candidates have the same name.
fn telling_name(entry: &ModelEntry, among: &[&ModelEntry]) -> String {
    let name = entry.full_name();
    match &entry.reference {
        ModelRef::File(path) if among.iter().filter(|other| other.full_name() == name).count() > 1 => path.display().to_string(),
        _ => name,
    }
}
