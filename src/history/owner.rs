//! Who is running: each ingle holds a lock on a file of its own in the state folder for as long as it lives. The system
//! takes the lock from a process that dies, however it dies.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;

const SUFFIX: &str = "lock";

/// This running ingle. Its lock goes when this is dropped or the process ends.
#[derive(Debug)]
pub struct Owner {
    pub id: String,
    path: PathBuf,
    _lock: File,
}

impl Owner {
    /// Takes a lock of its own in `folder`, and clears away those whose ingle is gone.
    pub fn new(folder: &Path) -> io::Result<Self> {
        sweep(folder);
        loop {
            let id = Uuid::now_v7().simple().to_string();
            let path = folder.join(&id).with_extension(SUFFIX);
            let file = File::options().create_new(true).read(true).write(true).mode(0o600).open(&path)?;
            file.lock()?;
            // Between making and locking it another ingle may have swept it away: then the lock is on nothing.
            if fs::metadata(&path).is_ok_and(|there| file.metadata().is_ok_and(|ours| ours.ino() == there.ino())) {
                return Ok(Self { id, path, _lock: file });
            }
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether the ingle with this id still runs. Ids come from the database, so one that is no file name is nobody's.
pub fn is_live(folder: &Path, id: &str) -> bool {
    if Uuid::try_parse(id).is_err() {
        return false;
    }
    is_locked(&folder.join(id).with_extension(SUFFIX))
}

/// Whether any ingle runs, this one included.
pub fn anyone(folder: &Path) -> bool {
    files(folder).iter().any(|path| is_locked(path))
}

fn is_locked(path: &Path) -> bool {
    // Locked on a descriptor of its own: even this process's lock is then seen as held.
    let Ok(file) = File::options().read(true).write(true).open(path) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

fn sweep(folder: &Path) {
    for path in files(folder) {
        let Ok(file) = File::options().read(true).write(true).open(&path) else { continue };
        if file.try_lock().is_ok() {
            // Removed while locked, so that its maker, if it waits for the lock, sees that it is gone.
            let _ = fs::remove_file(&path);
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == SUFFIX)).collect()
}
