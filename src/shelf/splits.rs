//! Names of a model that lies in several files: `NAME-00001-of-00006.gguf`.

use std::path::{Path, PathBuf};

/// Digits of a part's number and of the count.
const DIGITS: usize = 5;

/// One part of a split model, as its file name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The name without number and ending.
    pub(super) stem: String,
    /// From 1 on.
    pub(super) number: u32,
    pub(super) count: u32,
}

/// The name without `.gguf`, in any case of letters; nothing for other files.
pub(super) fn stem(file_name: &str) -> Option<&str> {
    let at = file_name.len().checked_sub(5).filter(|at| *at > 0)?;
    (file_name.get(at..)?.eq_ignore_ascii_case(".gguf")).then(|| &file_name[..at])
}

/// What a stem says of being a part; nothing for a file that is whole.
pub(super) fn part(stem: &str) -> Option<Part> {
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (name, number) = rest.rsplit_once('-')?;
    let digits = |text: &str| text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_digit());
    if name.is_empty() || !digits(count) || !digits(number) {
        return None;
    }
    let (number, count) = (number.parse().ok()?, count.parse().ok()?);
    (1..=count).contains(&number).then(|| Part { stem: name.to_owned(), number, count })
}

/// The files of all parts beside the first one.
pub(super) fn siblings(first: &Path, part: &Part) -> Vec<PathBuf> {
    (1..=part.count).map(|number| first.with_file_name(format!("{}-{number:05}-of-{:05}.gguf", part.stem, part.count))).collect()
}
