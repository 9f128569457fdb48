//! What can be wrong with a theme.

use crate::protocol::Report;
use std::path::PathBuf;
use std::sync::Arc;
use thiserror::Error;

/// Where in a theme's file: its name and a place that editors understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub file: Arc<str>,
    pub line: usize,
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ThemeError {
    #[error("there is no theme `{name}`{}", meant(nearest))]
    Unknown { name: String, nearest: Option<String> },
    #[error("`{name}` is not a theme's name: a name has 1 to {max} small letters, digits, `-` and `_`, and is no path")]
    Name { name: String, max: usize },
    #[error("{path}: cannot be read: {why}")]
    Unreadable { path: PathBuf, why: String },
    #[error("{path}: {bytes} bytes are too many for a theme, {max} at most")]
    Size { path: PathBuf, bytes: u64, max: u64 },
    #[error("{place}: {what}")]
    Syntax { place: Place, what: String },
    #[error("{place}: `{key}` is not known here{}", meant(nearest))]
    Key { place: Place, key: String, nearest: Option<String> },
    #[error("{place}: `{key}` is {found}, expected {expected}{}", meant(nearest))]
    Value { place: Place, key: String, found: String, expected: &'static str, nearest: Option<String> },
    #[error("{name}: nothing is inherited, and `{}` is missing{}", meanings[0], more(meanings))]
    Missing { name: String, meanings: Vec<&'static str> },
    #[error("{place}: `{name}` inherits itself in the end")]
    Cycle { place: Place, name: String },
}

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default()
}

fn more(meanings: &[&str]) -> String {
    if meanings.len() > 1 { format!(", as are {} others", meanings.len() - 1) } else { String::new() }
}

impl ThemeError {
    pub fn report(&self) -> Report {
        let (offender, remedy) = match self {
            Self::Unknown { name, .. } | Self::Name { name, .. } => (name.clone(), "`ingle themes` lists all"),
            Self::Unreadable { path, .. } | Self::Size { path, .. } => (path.display().to_string(), "The other themes still work"),
            Self::Syntax { place, .. } | Self::Key { place, .. } | Self::Value { place, .. } | Self::Cycle { place, .. } => {
                (place.file.to_string(), "The default is used there")
            }
            Self::Missing { name, .. } => (name.clone(), "Name a theme in `inherits`; till then the default is used there"),
        };
        Report::new(self.to_string(), remedy).offender(offender)
    }
}
