//! What can be wrong with config.toml. Each costs one entry its value; all others stand.

use crate::protocol::{Report, SettingError};
use std::ops::Range;
use std::path::PathBuf;

/// Where in the file, counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Place {
    /// The place of a range of bytes.
    pub fn of(text: &str, span: &Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "config.toml:{}:{}", self.line, self.column)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{place}: {what}")]
    Syntax { place: Place, what: String },
    #[error("{place}: `{name}` is not known here{}", .nearest.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    Unknown { place: Place, name: String, nearest: Option<&'static str> },
    #[error("{place}: `{name}` is {found}, expected {expected}")]
    Value { place: Place, name: String, found: String, expected: String },
    #[error("{place}: {error}")]
    Setting { place: Place, error: SettingError },
    #[error("config.toml has {n_bytes} bytes, more than the {max} that a config may have")]
    TooLong { n_bytes: u64, max: u64 },
    #[error("config.toml cannot take `{name}` without losing something else")]
    Edit { name: &'static str },
    #[error("{} cannot be written", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{} cannot be read", path.display())]
    Read { path: PathBuf, source: std::io::Error },
}

impl ConfigError {
    /// None where it concerns the whole file.
    pub fn place(&self) -> Option<Place> {
        match self {
            ConfigError::Syntax { place, .. }
            | ConfigError::Unknown { place, .. }
            | ConfigError::Value { place, .. }
            | ConfigError::Setting { place, .. } => Some(*place),
            ConfigError::TooLong { .. } | ConfigError::Read { .. } | ConfigError::Edit { .. } | ConfigError::Write { .. } => None,
        }
    }

    pub fn report(&self) -> Report {
        let remedy = match self {
            ConfigError::Syntax { .. } => "What could not be read is left at its default",
            ConfigError::Unknown { nearest: Some(_), .. } => "",
            ConfigError::Unknown { .. } => "`ingle config show` lists what is known",
            ConfigError::Value { .. } | ConfigError::Setting { .. } => "The default is used",
            ConfigError::TooLong { .. } | ConfigError::Read { .. } => "The defaults are used",
            ConfigError::Edit { .. } => "Write it there yourself",
            ConfigError::Write { .. } => "Make it writable to keep choices",
        };
        Report::new(self.to_string(), remedy).offender("config.toml").because(self)
    }
}

impl From<ConfigError> for Report {
    fn from(error: ConfigError) -> Self {
        error.report()
    }
}
