//! Changing one entry of config.toml and nothing else: comments, order and what ingle does not know stay as they are.

use super::entries::{Config, ENTRIES, Entry, Taken};
use super::error::{ConfigError, Place};
use super::folders::{Folders, create_private};
use super::read;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// A config may name what nobody else should read.
const FILE_MODE: u32 = 0o600;

impl Config {
    /// Writes one entry of text (`theme`, `gauges`) into this user's config.toml, whole or not at all.
    pub fn keep(folders: &Folders, name: &'static str, value: &str) -> Result<(), ConfigError> {
        let path = folders.config_file();
        let old = match read::read(&path) {
            Err(ConfigError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        let new = with_entry(&old, name, value)?;
        if new == old {
            return Ok(());
        }
        let failed = |source| ConfigError::Write { path: path.clone(), source };
        create_private(&folders.config).map_err(|e| failed(io::Error::other(e)))?;
        // A config kept elsewhere stays there: its link is not replaced.
        let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        replace(&real, new.as_bytes()).map_err(failed)
    }
}

/// The text with one top entry set. Refused where that would change anything else, as in a file that is no TOML.
pub(super) fn with_entry(text: &str, name: &'static str, value: &str) -> Result<String, ConfigError> {
    let table = DeTable::parse(text).map_err(|error| {
        let place = Place::of(text, &error.span().unwrap_or(0..0));
        ConfigError::Syntax { place, what: error.message().replace('\n', ", ") }
    })?;
    let shown = toml::Value::String(value.to_owned()).to_string();
    let there = table.get_ref().get(name).map(|value| value.span());
    let ways = match there {
        Some(span) => vec![spliced(text, span, &shown)],
        // Where the file has it as a comment, else where no table is open yet.
        None => {
            let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
            let line = format!("{name} = {shown}{end}");
            let places = behind_comment(text, name).into_iter().chain([0]);
            places.map(|at| spliced(text, at..at, &line)).collect()
        }
    };
    let wished = wished(text, name, value);
    let is_so = |new: &String| {
        let (config, problems) = Config::parse(new, None);
        Some(config) == wished && problems.len() <= Config::parse(text, None).1.len()
    };
    ways.into_iter().find(is_so).ok_or(ConfigError::Edit { name })
}

fn spliced(text: &str, at: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..at.start], &text[at.end..])
}

/// The beginning of the line after `# name = ...`.
fn behind_comment(text: &str, name: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        let entry = line.trim_start().strip_prefix('#').and_then(|l| l.trim_start().strip_prefix(name));
        if line.ends_with('\n') && entry.is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return Some(at);
        }
    }
    None
}

/// What the file must say afterwards: all it said, and this entry.
fn wished(text: &str, name: &str, value: &str) -> Option<Config> {
    let entry: &Entry = ENTRIES.iter().find(|e| e.section.is_empty() && e.name == name)?;
    let (mut config, _) = Config::parse(text, None);
    (entry.set)(&mut config, Taken::Text(value.to_owned()));
    Some(config)
}

/// Written beside, synced, renamed; the folder is synced too, or the rename may not last.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let old = fs::metadata(path).ok();
    if old.as_ref().is_some_and(|m| m.permissions().readonly()) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let beside = beside(path);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&beside)?;
        if let Some(old) = old {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
        return written;
    }
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Another ingle may write at the same time: each its own file.
fn beside(path: &Path) -> PathBuf {
    path.with_file_name(format!(".config.{}.part", std::process::id()))
}
