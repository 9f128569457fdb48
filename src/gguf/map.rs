//! A file's bytes in memory, and whether they are still those of the file that was opened.

use super::file::file_name;
use crate::sys::maps::{self, Watched};
use memmap2::{Advice, Mmap};
use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::ops::{Deref, Range};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// Bytes of a model: a mapped file, or part of this program. Cheap to clone; the map lives as long as its last clone.
#[derive(Clone)]
pub struct Bytes(Source);

#[derive(Clone)]
enum Source {
    Mapped(Arc<Mapping>),
    Static(&'static [u8]),
}

struct Mapping {
    /// Names the file should it shrink under the map. First, so that it is dropped before the map.
    _watched: Watched,
    map: Mmap,
    /// Kept open: the descriptor tells whether this very file, whatever it is called by now, was changed.
    file: File,
    identity: Identity,
}

/// What tells that a file is still the one that was opened, with the same content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    pub dev: u64,
    pub inode: u64,
    pub size: u64,
    /// Seconds and nanoseconds.
    pub mtime: (i64, i64),
    pub ctime: (i64, i64),
    /// Names the file has: a name that comes or goes moves `ctime` too, and harms nothing.
    pub links: u64,
}

/// What happened to a file after it was mapped: a sentence once the file's name stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Changed {
    #[error("was cut from {from} to {to} bytes")]
    Cut { from: u64, to: u64 },
    #[error("grew from {from} to {to} bytes")]
    Grown { from: u64, to: u64 },
    #[error("was written to")]
    Written,
    #[error("can no longer be looked at")]
    Gone,
}

impl Identity {
    fn of(m: &Metadata) -> Self {
        Self {
            dev: m.dev(),
            inode: m.ino(),
            size: m.size(),
            mtime: (m.mtime(), m.mtime_nsec()),
            ctime: (m.ctime(), m.ctime_nsec()),
            links: m.nlink(),
        }
    }

    fn compare(&self, now: &Identity) -> Result<(), Changed> {
        let (from, to) = (self.size, now.size);
        match () {
            () if to < from => Err(Changed::Cut { from, to }),
            () if to > from => Err(Changed::Grown { from, to }),
            () if (self.dev, self.inode, self.mtime) != (now.dev, now.inode, now.mtime) => Err(Changed::Written),
            () if self.ctime != now.ctime && self.links == now.links => Err(Changed::Written),
            () => Ok(()),
        }
    }
}

impl Bytes {
    pub fn from_static(bytes: &'static [u8]) -> Self {
        Self(Source::Static(bytes))
    }

    /// Maps a regular file read-only. Nothing is read yet; a pipe or a device is refused without waiting for it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        if metadata.len() == 0 {
            // An empty range cannot be mapped.
            return Ok(Self::from_static(&[]));
        }
        // SAFETY: the map is read-only, and no reference to its bytes outlives it (`Bytes` keeps it).
        // Bytes may still change under us when another program writes to the file; all readers of this room copy
        // numbers out and check them again, `unchanged` is asked at each job's start and while it runs, and a page
        // lost to truncation raises SIGBUS, which `sys` turns into a sentence and a restored terminal.
        let map = unsafe { Mmap::map(&file)? };
        let _watched = maps::watch(&map, &file_name(path));
        Ok(Self(Source::Mapped(Arc::new(Mapping { _watched, map, file, identity: Identity::of(&metadata) }))))
    }

    /// What the file was when it was opened. None for bytes inside the program.
    pub fn identity(&self) -> Option<&Identity> {
        match &self.0 {
            Source::Mapped(m) => Some(&m.identity),
            Source::Static(_) => None,
        }
    }

    /// Whether the file is still what it was when it was opened. Renaming, unlinking or replacing it harms nothing:
    /// the map keeps the old file.
    pub fn unchanged(&self) -> Result<(), Changed> {
        match &self.0 {
            Source::Mapped(m) => m.identity.compare(&Identity::of(&m.file.metadata().map_err(|_| Changed::Gone)?)),
            Source::Static(_) => Ok(()),
        }
    }

    /// Brings the pages of a range into memory. An error means that the file no longer reaches that far, or cannot be
    /// read; unlike touching the bytes, it raises no signal. Call it from a thread of its own: it reads the disk.
    pub fn warm(&self, range: Range<usize>) -> io::Result<()> {
        let Source::Mapped(m) = &self.0 else { return Ok(()) };
        let len = range.end.min(m.map.len()).saturating_sub(range.start);
        if len == 0 {
            return Ok(());
        }
        match m.map.advise_range(populate(), range.start, len) {
            // Kernels before 5.14 know no MADV_POPULATE_READ: leave the pages to their first touch.
            Err(e) if e.raw_os_error() == Some(libc::EINVAL) => m.map.advise_range(Advice::WillNeed, range.start, len),
            other => other,
        }
    }
}

#[cfg(target_os = "linux")]
fn populate() -> Advice {
    Advice::PopulateRead
}

#[cfg(not(target_os = "linux"))]
fn populate() -> Advice {
    Advice::WillNeed
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Source::Mapped(m) => &m.map,
            Source::Static(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.identity().is_some() { "mapped" } else { "static" };
        write!(f, "Bytes({kind}, {})", self.len())
    }
}

/// The bytes of one tensor, which keep their file mapped.
#[derive(Debug, Clone)]
pub struct TensorBytes {
    pub bytes: Bytes,
    pub range: Range<usize>,
}

impl Deref for TensorBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(self.range.clone()).unwrap_or_default()
    }
}
