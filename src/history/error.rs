//! What can be wrong with the history, each with its offender.

use crate::config::FoldersError;
use crate::protocol::Report;
use rusqlite::ErrorCode;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error(transparent)]
    Folder(#[from] FoldersError),
    #[error("{} is another program's database", path.display())]
    Foreign { path: PathBuf },
    #[error("{} holds {name}, which this version of ingle did not make", path.display())]
    Schema { path: PathBuf, name: String },
    #[error("{} is damaged and another running ingle still uses it", path.display())]
    DamagedInUse { path: PathBuf },
    #[error("{} cannot be opened", path.display())]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("{} cannot be written to for now; all is kept and tried again", path.display())]
    Stalled { path: PathBuf, source: rusqlite::Error },
    #[error("{} cannot be used", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{} was written by a newer ingle (version {found}, this one knows {known})", path.display())]
    Newer { path: PathBuf, found: i32, known: i32 },
    #[error("the history cannot be read")]
    Read(#[source] rusqlite::Error),
    #[error("the history holds no {what}")]
    Missing { what: &'static str },
    #[error("{} has been waiting to be stored for too long", .what)]
    Full { what: &'static str },
    #[error("{n} changes could not be stored")]
    Lost { n: usize },
    #[error("the disk is too slow, so the last changes may not be stored")]
    Slow,
    #[error("the history cannot store this")]
    Refused(#[source] rusqlite::Error),
}

impl HistoryError {
    fn remedy(&self) -> String {
        match self {
            HistoryError::Folder(error) => return error.report().remedy,
            HistoryError::Foreign { .. } => "Move it away, or set INGLE_HOME to another folder",
            HistoryError::Schema { .. } => "Move it away and start again; ingle begins a new one",
            HistoryError::DamagedInUse { .. } => "Close the other ingle and start again",
            HistoryError::Open { source, .. }
            | HistoryError::Stalled { source, .. }
            | HistoryError::Refused(source)
            | HistoryError::Read(source) => remedy(source),
            HistoryError::Io { .. } => "Make the folder writable, or set INGLE_HOME to another one",
            HistoryError::Newer { .. } => "It can be read; update ingle to write to it",
            HistoryError::Missing { .. } => "`ingle history list` shows what is there",
            HistoryError::Slow => "Start ingle again and look at the last conversation",
            HistoryError::Full { .. } | HistoryError::Lost { .. } => "Free some space on the disk or make it writable",
        }
        .to_owned()
    }
}

impl From<HistoryError> for Report {
    fn from(error: HistoryError) -> Self {
        error.report()
    }
}

impl HistoryError {
    pub fn report(&self) -> Report {
        Report::new(self.to_string(), self.remedy()).because(self)
    }
}

/// What helps against an error of SQLite's.
fn remedy(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "Free some space on the disk",
        Some(ErrorCode::SystemIoFailure) => "The disk fails or is full: free some space, and look at its health",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "Make the folder and the file writable, or set INGLE_HOME to another folder"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "Another program holds it; try again",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "Start ingle again: it sets a damaged file aside and keeps what can be read"
        }
        _ => "`ingle doctor` says more",
    }
}

/// The file itself is broken.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// The disk or another program stands in the way for now: the same write may succeed later.
pub(super) fn may_pass(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OutOfMemory
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
        )
    )
}
