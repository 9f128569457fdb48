//! A file that is whole or not there: written under another name, synced, then renamed.

use super::error::{Fault, GgufError};
use super::file::file_name;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file being written beside its final place, as `.NAME.part`. Dropped before [`NewFile::commit`] it is removed; one
/// left over by a killed program is written over by the next.
#[derive(Debug)]
pub struct NewFile {
    target: PathBuf,
    part: PathBuf,
    file: File,
    done: bool,
}

impl NewFile {
    /// Refused while another program writes the same file.
    pub fn create(target: &Path) -> Result<Self, GgufError> {
        let name = file_name(target);
        let failed = |e: io::Error| GgufError::new(&name, Fault::Write(e));
        let part = target.with_file_name(format!(".{name}.part"));
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&part).map_err(failed)?;
        file.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => failed(io::Error::new(io::ErrorKind::ResourceBusy, "another program is writing it")),
            TryLockError::Error(e) => failed(e),
        })?;
        let new = Self { target: target.to_owned(), part, file, done: false };
        new.file.set_len(0).map_err(failed)?;
        Ok(new)
    }

    /// Makes it durable and gives it its name; what had that name before is replaced.
    pub fn commit(mut self) -> Result<(), GgufError> {
        let name = file_name(&self.target);
        let failed = |e: io::Error| GgufError::new(&name, Fault::Write(e));
        self.file.sync_all().map_err(failed)?;
        fs::rename(&self.part, &self.target).map_err(failed)?;
        self.done = true;
        let folder = self.target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|f| f.sync_all()).map_err(failed)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_file(&self.part);
        }
    }
}
