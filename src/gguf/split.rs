//! Models in several files: `NAME-00001-of-00003.gguf` and its siblings in the same folder.

use super::error::{At, Fault, GgufError};
use super::file::{Part, file_name};
use super::limits::SPLITS_MAX;
use std::path::{Path, PathBuf};

/// Which part a file is (from 0), and of how many.
fn numbers(part: &Part) -> Result<Option<(u64, u64)>, GgufError> {
    let number = |key: &str| part.get(key).map(|v| v.as_int().and_then(|i| u64::try_from(i).ok()));
    let wrong = |found: String| {
        let at = At::Key("split.count".to_owned());
        GgufError::new(&part.name, Fault::Split { at, found, expected: format!("a part's number below a count of at most {SPLITS_MAX}") })
    };
    let count = match number("split.count") {
        None | Some(Some(0 | 1)) => return Ok(None),
        Some(Some(count)) if count <= SPLITS_MAX => count,
        Some(Some(count)) => return Err(wrong(format!("{count} parts"))),
        Some(None) => return Err(wrong("no whole number".to_owned())),
    };
    match number("split.no") {
        Some(Some(no)) if no < count => Ok(Some((no, count))),
        Some(Some(no)) => Err(wrong(format!("part {no} of {count}"))),
        _ => Err(wrong("no part's number".to_owned())),
    }
}

/// The name that a part's siblings are made from.
fn stem(name: &str, no: u64, count: u64) -> Option<&str> {
    name.strip_suffix(&suffix(no, count))
}

fn suffix(no: u64, count: u64) -> String {
    format!("-{:05}-of-{count:05}.gguf", no.saturating_add(1))
}

/// Where the other parts of a first part must lie: beside it, under names made from its own.
pub(super) fn siblings(first: &Part, path: &Path) -> Result<Vec<PathBuf>, GgufError> {
    let Some((no, count)) = numbers(first)? else { return Ok(Vec::new()) };
    let name = file_name(path);
    let wrong = |found: String, expected: String| GgufError::new(&first.name, Fault::Split { at: At::Part(name.clone()), found, expected });
    let Some(stem) = stem(&name, no, count) else {
        return Err(wrong("another name".to_owned(), format!("a name that ends in {}", suffix(no, count))));
    };
    if no != 0 {
        return Err(wrong(format!("part {} of {count}", no.saturating_add(1)), format!("the first part, {stem}{}", suffix(0, count))));
    }
    let paths: Vec<PathBuf> = (1..count).map(|no| path.with_file_name(format!("{stem}{}", suffix(no, count)))).collect();
    match paths.iter().find(|p| !p.is_file()) {
        Some(missing) => {
            let at = At::Part(file_name(missing));
            Err(GgufError::new(
                &first.name,
                Fault::Split { at, found: "no such file beside it".to_owned(), expected: format!("all {count} parts") },
            ))
        }
        None => Ok(paths),
    }
}

/// Every part knows its place, and together they hold as many tensors as the first one promised.
pub(super) fn check(parts: &[Part]) -> Result<(), GgufError> {
    let Some(first) = parts.first() else { return Ok(()) };
    let Some((_, count)) = numbers(first)? else { return Ok(()) };
    let wrong = |part: &Part, found: String, expected: String| {
        Err(GgufError::new(&first.name, Fault::Split { at: At::Part(part.name.clone()), found, expected }))
    };
    if parts.len() as u64 != count {
        return wrong(first, format!("{} parts", parts.len()), format!("{count}"));
    }
    for (no, part) in parts.iter().enumerate() {
        let found = numbers(part)?;
        if found != Some((no as u64, count)) {
            let found = found.map_or("no part's number".to_owned(), |(no, count)| format!("part {} of {count}", no.saturating_add(1)));
            return wrong(part, found, format!("part {} of {count}", no.saturating_add(1)));
        }
    }
    let total = parts.iter().fold(0u64, |n, p| n.saturating_add(p.header.tensors.len() as u64));
    match first.get("split.tensors.count").map(|v| v.as_int()) {
        Some(promised) if promised != Some(i128::from(total)) => {
            wrong(first, format!("{total} tensors in all parts"), promised.map_or("a whole number".to_owned(), |n| format!("{n}")))
        }
        _ => Ok(()),
    }
}
