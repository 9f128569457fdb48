//! One piece as a file.
//!
//! ```text
//! "ingle-kv" | version u32 | n ids u32 | from 16 bytes | to 16 bytes | n bytes u64 | checksum u32     little-endian
//! n ids times u32: the id, its highest bit set where the model itself has chosen it
//! n bytes: what the session keeps of them
//! ```
//!
//! The checksum is a CRC of everything but itself: it finds damage, and who forges one could write the file as well. Nothing is allocated by a number of the file before the numbers together are
//! what the file is long, and `to` must be where the ids lead from `from`.

use super::Place;
use crc32fast::Hasher;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

const MAGIC: &[u8; 8] = b"ingle-kv";
/// Raised whenever files of the version before would be read wrongly.
const VERSION: u32 = 2;
const HEAD: usize = 60;
/// Of the head, without the checksum behind it.
const SUMMED: usize = HEAD - size_of::<u32>();
const CHOSEN: u32 = 1 << 31;
/// Ids of one file: no context is longer.
const IDS_MAX: u32 = 1 << 24;

/// Some tokens of a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub from: Place,
    pub to: Place,
    pub ids: Vec<u32>,
    /// Whether the model itself has chosen each id.
    pub chosen: Vec<bool>,
    pub bytes: Vec<u8>,
}

/// A piece without its bytes.
#[derive(Debug)]
pub struct Head {
    pub from: Place,
    pub to: Place,
    pub ids: Vec<u32>,
    pub chosen: Vec<bool>,
    pub n_bytes: u64,
    /// Of what was read so far.
    hasher: Hasher,
    /// Of the whole.
    checksum: u32,
}

/// Bytes of the file of so large a piece.
pub fn file_bytes(n_ids: usize, n_bytes: usize) -> u64 {
    (HEAD + size_of::<u32>() * n_ids + n_bytes) as u64
}

impl Piece {
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&(self.ids.len() as u32).to_le_bytes());
        head.extend_from_slice(self.from.bytes());
        head.extend_from_slice(self.to.bytes());
        head.extend_from_slice(&(self.bytes.len() as u64).to_le_bytes());
        let marked = self.ids.iter().zip(&self.chosen).map(|(id, chosen)| if *chosen { id | CHOSEN } else { *id });
        let ids: Vec<u8> = marked.flat_map(u32::to_le_bytes).collect();
        let mut hasher = Hasher::new();
        [head.as_slice(), &ids, &self.bytes].into_iter().for_each(|part| hasher.update(part));
        head.extend_from_slice(&hasher.finalize().to_le_bytes());
        out.write_all(&head)?;
        out.write_all(&ids)?;
        out.write_all(&self.bytes)
    }
}

impl Head {
    /// Nothing where the file is not there, or not a piece as this version writes them.
    pub fn read_from(path: &Path) -> Option<Self> {
        let mut file = File::open(path).ok()?;
        let metadata = file.metadata().ok()?;
        let mut head = [0; HEAD];
        file.read_exact(&mut head).ok()?;
        let mut rest = head.as_slice();
        let is_ours = take(&mut rest)? == *MAGIC && u32::from_le_bytes(take(&mut rest)?) == VERSION;
        let n_ids = u32::from_le_bytes(take(&mut rest)?);
        let (from, to) = (Place::read(take(&mut rest)?), Place::read(take(&mut rest)?));
        let (n_bytes, checksum) = (u64::from_le_bytes(take(&mut rest)?), u32::from_le_bytes(take(&mut rest)?));
        let n_other = file_bytes(n_ids.min(IDS_MAX) as usize, 0);
        if !is_ours || n_ids > IDS_MAX || n_other.checked_add(n_bytes) != Some(metadata.len()) {
            return None;
        }
        let mut bytes = vec![0; size_of::<u32>() * n_ids as usize];
        file.read_exact(&mut bytes).ok()?;
        let marked = || bytes.as_chunks().0.iter().map(|id| u32::from_le_bytes(*id));
        let ids: Vec<u32> = marked().map(|id| id & !CHOSEN).collect();
        let mut hasher = Hasher::new();
        [&head[..SUMMED], &bytes].into_iter().for_each(|part| hasher.update(part));
        let chosen = marked().map(|id| id & CHOSEN != 0).collect();
        (from.after(&ids) == to).then_some(Self { from, to, ids, chosen, n_bytes, hasher, checksum })
    }

    /// The piece's bytes, into `out`; nothing where they are not as they were written.
    pub fn read(&self, path: &Path, out: &mut Vec<u8>) -> Option<()> {
        let mut file = File::open(path).ok()?;
        file.seek(SeekFrom::Start(file_bytes(self.ids.len(), 0))).ok()?;
        out.clear();
        file.take(self.n_bytes).read_to_end(out).ok()?;
        let mut hasher = self.hasher.clone();
        hasher.update(out);
        (hasher.finalize() == self.checksum).then_some(())
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}
