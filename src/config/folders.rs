//! Where ingle's own files lie.

use crate::protocol::{ConversationId, Report};
use std::fs;
use std::path::{Path, PathBuf};

/// Puts all four folders in one place, for a portable ingle and for tests.
pub const HOME_VARIABLE: &str = "INGLE_HOME";

/// What is in a folder is its owner's alone.
const FOLDER_MODE: u32 = 0o700;

/// The four folders. With `INGLE_HOME` they are one, so no two files in them may share a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// config.toml, keymap.toml, themes/, personas/
    pub config: PathBuf,
    /// history.db, backups/, bench/, states/, models/
    pub data: PathBuf,
    /// logs/, run/ (a lock for each running ingle)
    pub state: PathBuf,
    /// What can be made again.
    pub cache: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum FoldersError {
    #[error("this user has no home folder")]
    NoHome,
    #[error("{HOME_VARIABLE} is {0}, which is not an absolute path")]
    Relative(String),
    #[error("{} cannot be made a folder", .0.display())]
    Create(PathBuf, #[source] std::io::Error),
}

impl FoldersError {
    pub fn report(&self) -> Report {
        let remedy = match self {
            FoldersError::NoHome => format!("Set HOME, or {HOME_VARIABLE} to a folder for ingle's files"),
            FoldersError::Relative(_) => format!("Set {HOME_VARIABLE} to a path that begins at the root"),
            FoldersError::Create(..) => format!("Make it writable, or set {HOME_VARIABLE} to another folder"),
        };
        Report::new(self.to_string(), remedy).because(self)
    }
}

impl From<FoldersError> for Report {
    fn from(error: FoldersError) -> Self {
        error.report()
    }
}

impl Folders {
    /// The folders of this user, as the environment says. Nothing is created.
    pub fn of_user() -> Result<Self, FoldersError> {
        if let Some(home) = std::env::var_os(HOME_VARIABLE).filter(|h| !h.is_empty()) {
            let home = PathBuf::from(home);
            return if home.is_absolute() { Ok(Self::within(&home)) } else { Err(FoldersError::Relative(home.display().to_string())) };
        }
        let dirs = directories::ProjectDirs::from("", "", "ingle").ok_or(FoldersError::NoHome)?;
        let state = dirs.state_dir().map(Path::to_owned).unwrap_or_else(|| dirs.data_dir().join("state"));
        Ok(Self { config: dirs.config_dir().to_owned(), data: dirs.data_dir().to_owned(), state, cache: dirs.cache_dir().to_owned() })
    }

    /// All four in one folder.
    pub fn within(home: &Path) -> Self {
        Self { config: home.to_owned(), data: home.to_owned(), state: home.to_owned(), cache: home.to_owned() }
    }

    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    pub fn keymap_file(&self) -> PathBuf {
        self.config.join("keymap.toml")
    }

    pub fn themes(&self) -> PathBuf {
        self.config.join("themes")
    }

    pub fn history_file(&self) -> PathBuf {
        self.data.join("history.db")
    }

    pub fn backups(&self) -> PathBuf {
        self.data.join("backups")
    }

    /// What was measured, and what the machine was seen to reach.
    pub fn bench(&self) -> PathBuf {
        self.data.join("bench")
    }

    /// What models have read of conversations, a folder for each.
    pub fn states(&self) -> PathBuf {
        self.data.join("states")
    }

    pub fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    /// One lock file for each running ingle.
    pub fn running(&self) -> PathBuf {
        self.state.join("run")
    }
}

/// The folder of one conversation's states.
pub fn states_of(states: &Path, conversation: ConversationId) -> PathBuf {
    states.join(conversation.0.to_string())
}

/// Makes a folder and those above it, each new one its owner's alone. One that is there keeps its mode.
pub fn create_private(folder: &Path) -> Result<(), FoldersError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, FOLDER_MODE);
    builder.create(folder).map_err(|e| FoldersError::Create(folder.to_owned(), e))
}
