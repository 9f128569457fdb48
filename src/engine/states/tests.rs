use super::*;
use crate::protocol::ConversationId;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

fn piece(from: Place, ids: &[u32], bytes: &[u8]) -> Piece {
    let chosen = ids.iter().map(|id| id % 2 == 0).collect();
    Piece { from, to: from.after(ids), ids: ids.to_vec(), chosen, bytes: bytes.to_vec() }
}

fn beginning() -> Place {
    Place::beginning("a model")
}

/// The piece that a file gives, if it gives one.
fn read(path: &Path) -> Option<Piece> {
    let head = Head::read_from(path)?;
    let mut bytes = vec![1, 2, 3];
    head.read(path, &mut bytes)?;
    Some(Piece { from: head.from, to: head.to, ids: head.ids, chosen: head.chosen, bytes })
}

#[test]
fn a_piece_is_read_as_it_was_written_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("piece");
    let written = piece(beginning(), &[7, 8, 1 << 30, 0], &std::array::from_fn::<u8, 77, _>(|i| i as u8));
    let mut bytes = Vec::new();
    written.write(&mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, file_bytes(4, 77));
    let holds = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    };
    assert_eq!(holds(&bytes), Some(written));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert_eq!(holds(&flipped), None, "bit {bit} of byte {at}");
        }
        assert_eq!(holds(&bytes[..at]), None, "cut to {at} bytes");
    }
    bytes.push(0);
    assert_eq!(holds(&bytes), None, "longer than it says");
    assert_eq!(read(&folder.path().join("nothing")), None);
    assert_eq!(read(folder.path()), None);
}

#[test]
fn numbers_of_a_head_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("piece");
    let mut bytes = Vec::new();
    piece(beginning(), &[1], &[2]).write(&mut bytes).unwrap();
    for (at, value) in [(12, u32::MAX), (12, 1 << 24), (12, 0), (48, u32::MAX), (52, u32::MAX)] {
        let mut wrong = bytes.clone();
        wrong[at..at + 4].copy_from_slice(&value.to_le_bytes());
        std::fs::write(&path, wrong).unwrap();
        assert!(Head::read_from(&path).is_none(), "{value} at {at}");
    }
}

#[test]
fn a_place_is_its_setup_and_all_ids_before_it() {
    let place = beginning();
    assert_eq!(Place::parse(&place.to_string()), Some(place));
    assert_ne!(place, Place::beginning("a model of another file"));
    assert_eq!(place.after(&[1, 2]), beginning().after(&[1, 2]));
    assert_ne!(place.after(&[1, 2]), place.after(&[2, 1]));
    for wrong in ["", "0", &"g".repeat(32), &"+".repeat(32), &"A".repeat(32), &"0".repeat(33)] {
        assert_eq!(Place::parse(wrong), None, "{wrong}");
    }
}

struct Folder {
    folder: tempfile::TempDir,
    store: Store,
}

impl Folder {
    fn new(bytes_max: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(StatesOptions { folder: folder.path().join("states"), bytes_max });
        Self { folder, store }
    }

    /// Writes a piece of 36 bytes, and says when it was last used.
    fn write(&self, of: u128, from: Place, id: u32, end: usize, used_s: u64) -> std::path::PathBuf {
        let piece = piece(from, &[id], &[0; 32]);
        let path = self.store.path(conversation(of), piece.from, piece.to, end);
        self.store.write(&path, &piece, &[]).unwrap();
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(used_s);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(used).unwrap();
        path
    }
}

fn conversation(n: u128) -> ConversationId {
    ConversationId(uuid::Uuid::from_u128(n))
}

#[test]
fn the_least_recently_used_pieces_give_way_and_of_a_chain_the_end_first() {
    let folder = Folder::new(4 * file_bytes(1, 32));
    let first = folder.write(1, beginning(), 1, 1, 50);
    let second = folder.write(1, beginning().after(&[1]), 2, 2, 50);
    let old = folder.write(2, beginning(), 3, 1, 10);
    let new = folder.write(3, beginning(), 4, 1, 90);
    let there = |paths: [&Path; 4]| paths.map(Path::exists);
    folder.write(4, beginning(), 5, 1, 95);
    assert_eq!(there([&first, &second, &old, &new]), [true, true, false, true]);
    assert!(!old.parent().unwrap().exists(), "nor is its folder left");
    folder.write(4, beginning(), 6, 1, 96);
    assert_eq!(there([&first, &second, &old, &new]), [true, false, false, true]);
    // Used again, it outlives what came after it.
    folder.store.touch([&first]);
    folder.write(4, beginning(), 7, 1, 97);
    assert_eq!(there([&first, &second, &old, &new]), [true, false, false, false]);
}

#[test]
fn files_are_their_owners_alone_and_what_was_left_over_goes() {
    let folder = Folder::new(1 << 20);
    let path = folder.write(1, beginning(), 1, 1, 50);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    let left_over = path.with_extension("99.part");
    let newer = path.with_extension("98.part");
    std::fs::write(&left_over, "half").unwrap();
    std::fs::write(&newer, "half").unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(9);
    std::fs::File::options().write(true).open(&left_over).unwrap().set_modified(long_ago).unwrap();
    folder.write(1, beginning(), 2, 1, 50);
    assert!(!left_over.exists() && newer.exists() && path.exists());
    folder.store.forget(conversation(1)).unwrap();
    folder.store.forget(conversation(1)).unwrap();
    assert!(!path.parent().unwrap().exists());
}

#[test]
fn only_pieces_are_found() {
    let folder = Folder::new(1 << 20);
    let path = folder.write(1, beginning(), 1, 1, 50);
    let of = path.parent().unwrap();
    for other in ["notes.txt", "x-y-1.kv", &format!("{0}-{0}-1-1.kv", beginning()), &format!("{0}-{0}-.kv", beginning())] {
        std::fs::write(of.join(other), "?").unwrap();
    }
    std::os::unix::fs::symlink(&path, of.join(format!("{0}-{0}-9.kv", beginning()))).unwrap();
    std::os::unix::fs::symlink(of, folder.folder.path().join("states/link")).unwrap();
    assert_eq!(folder.store.index(), [(beginning(), vec![path])].into());
}
