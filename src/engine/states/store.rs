//! The folder of pieces: one folder for each conversation, the least recently used pieces give way.

use super::file::Piece;
use super::{Place, StatesOptions};
use crate::config::{create_private, states_of};
use crate::protocol::ConversationId;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs::{self, DirEntry, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const FILE_MODE: u32 = 0o600;
const SUFFIX: &str = ".kv";
/// Of a file that is being written; one that was left so long ago belongs to nobody.
const UNFINISHED: &str = ".part";
const UNFINISHED_AGE: Duration = Duration::from_secs(3600);
/// So much of the disk stays free.
const FREE_BYTES_MIN: u64 = 1 << 30;

#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    bytes_max: u64,
}

/// The pieces there are, by the place they go on from.
pub type Index = HashMap<Place, Vec<PathBuf>>;

/// A file of the store.
struct Kept {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
    /// Tokens before its end.
    end: usize,
}

impl Store {
    /// Nothing is created before something is written.
    pub fn new(options: StatesOptions) -> Self {
        Self { folder: options.folder, bytes_max: options.bytes_max }
    }

    pub fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Where a piece lies that ends behind `end` tokens.
    pub fn path(&self, conversation: ConversationId, from: Place, to: Place, end: usize) -> PathBuf {
        states_of(&self.folder, conversation).join(format!("{from}-{to}-{end}{SUFFIX}"))
    }

    pub fn index(&self) -> Index {
        let mut index = Index::new();
        for path in self.files().map(|entry| entry.path()) {
            if let Some((from, _)) = places(&path) {
                index.entry(from).or_default().push(path);
            }
        }
        index
    }

    /// Plain files of all conversations' folders; none through a link.
    fn files(&self) -> impl Iterator<Item = DirEntry> {
        let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
        let folders = entries(&self.folder).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let files = folders.flat_map(move |folder| entries(&folder.path()));
        files.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
    }

    /// Writes a piece whole or not at all, evicts what then is too much, and counts its `chain`, all the pieces before it, as
    /// used.
    pub fn write(&self, path: &Path, piece: &Piece, chain: &[PathBuf]) -> io::Result<()> {
        self.touch(chain);
        let bytes = super::file::file_bytes(piece.ids.len(), piece.bytes.len());
        create_private(&self.folder).map_err(io::Error::other)?;
        if crate::sys::disk::free_bytes(&self.folder)? < bytes.saturating_add(FREE_BYTES_MIN) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.evict(bytes);
        create_private(path.parent().unwrap_or(&self.folder)).map_err(io::Error::other)?;
        // Two ingles may write the same piece: each its own file, and the last one stays.
        let unfinished = path.with_extension(format!("{}{UNFINISHED}", std::process::id()));
        let written = write_file(&unfinished, piece).and_then(|()| fs::rename(&unfinished, path));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Counts pieces as used now. One time for all of them: of a chain the end is evicted before the beginning.
    pub fn touch<'p>(&self, chain: impl IntoIterator<Item = &'p PathBuf>) {
        let now = now();
        for path in chain {
            // One that is gone needs no time.
            let _ = File::options().write(true).open(path).and_then(|file| file.set_modified(now));
        }
    }

    /// Makes room for `more` bytes.
    fn evict(&self, more: u64) {
        let mut kept: Vec<Kept> = self.files().filter_map(|entry| kept(&entry)).collect();
        kept.sort_by_key(|k| (k.used, Reverse(k.end)));
        let mut total = kept.iter().map(|k| k.bytes).fold(more, u64::saturating_add);
        for old in kept {
            let is_left_over = old.path.as_os_str().as_encoded_bytes().ends_with(UNFINISHED.as_bytes());
            let is_due = if is_left_over { old.used + UNFINISHED_AGE < now() } else { total > self.bytes_max };
            if is_due && fs::remove_file(&old.path).is_ok() {
                total = total.saturating_sub(old.bytes);
                // Only the last file's folder is empty.
                let _ = old.path.parent().map(fs::remove_dir);
            }
        }
    }

    /// Removes a piece that is not what its name says. Gives nothing, so that it stands for a piece that is not there.
    pub fn remove<T>(&self, path: &Path) -> Option<T> {
        tracing::warn!("a saved state is damaged");
        // What cannot be removed is found damaged again.
        let _ = fs::remove_file(path);
        None
    }

    /// Removes all that is kept of a conversation.
    pub fn forget(&self, conversation: ConversationId) -> io::Result<()> {
        match fs::remove_dir_all(states_of(&self.folder, conversation)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The only clock of this room beside `pace`: when a file was used.
#[allow(clippy::disallowed_methods)]
fn now() -> SystemTime {
    SystemTime::now()
}

fn write_file(path: &Path, piece: &Piece) -> io::Result<()> {
    let mut file = File::options().write(true).create(true).truncate(true).mode(FILE_MODE).open(path)?;
    // Not synced: what a power cut tears is found by its checksum and computed again.
    piece.write(&mut file)
}

/// What a piece's name says: where it goes on from, and behind how many tokens it ends.
fn places(path: &Path) -> Option<(Place, usize)> {
    let mut parts = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.split('-');
    let (from, to, end) = (parts.next()?, parts.next()?, parts.next()?);
    Place::parse(to).filter(|_| parts.next().is_none())?;
    Some((Place::parse(from)?, end.parse().ok()?))
}

fn kept(entry: &DirEntry) -> Option<Kept> {
    let (path, metadata) = (entry.path(), entry.metadata().ok()?);
    let end = places(&path).map_or(0, |(_, end)| end);
    Some(Kept { end, path, bytes: metadata.len(), used: metadata.modified().ok()? })
}
