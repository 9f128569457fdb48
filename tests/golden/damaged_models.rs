//! Models whose metadata or tensors are not what their architecture needs: refused with a sentence that names what is
//! wrong, or computed; never a panic. Each file of golden/archs is changed in one place at a time.

use super::folder;
use ingle::gguf::Gguf;
use ingle::model::Model;
use ingle::protocol::{CacheType, LoadOptions};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Every n-th change is tried; `INGLE_DAMAGE=1` tries all.
const EVERY: &str = "INGLE_DAMAGE";
const EVERY_SHORT: usize = 9;

/// One change of a file's bytes, of the same length.
struct Change {
    what: String,
    at: usize,
    bytes: Vec<u8>,
}

/// Walks a header, which is sound, and says what could be otherwise in it.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    changes: Vec<Change>,
}

impl Walk<'_> {
    fn number(&mut self, n_bytes: usize) -> u64 {
        let mut le = [0; 8];
        le[..n_bytes].copy_from_slice(&self.bytes[self.at..self.at + n_bytes]);
        self.at += n_bytes;
        u64::from_le_bytes(le)
    }

    fn name(&mut self) -> (usize, String) {
        let n = self.number(8) as usize;
        let at = self.at;
        self.at += n;
        (at, String::from_utf8_lossy(&self.bytes[at..at + n]).into_owned())
    }

    fn change(&mut self, what: String, at: usize, bytes: &[u8]) {
        self.changes.push(Change { what, at, bytes: bytes.to_vec() });
    }

    /// A value of type `ty`, and what it could be instead.
    fn value(&mut self, key: &str, ty: u64) {
        let at = self.at;
        match ty {
            0 | 1 | 7 => {
                self.at += 1;
                self.change(format!("{key} is 0"), at, &[0]);
                self.change(format!("{key} is 1"), at, &[1]);
            }
            2 | 3 => self.at += 2,
            4 | 5 => {
                self.at += 4;
                for other in [0u32, 1, 3, 7, 1 << 20, u32::MAX] {
                    self.change(format!("{key} is {other}"), at, &other.to_le_bytes());
                }
            }
            6 => {
                self.at += 4;
                for other in [0.0f32, -1.0, f32::NAN, f32::INFINITY, 1e-30, 1e30] {
                    self.change(format!("{key} is {other}"), at, &other.to_le_bytes());
                }
            }
            8 => drop(self.name()),
            9 => {
                let element = self.number(4);
                let n = self.number(8);
                (0..n).for_each(|i| self.value(&format!("{key}[{i}]"), element));
            }
            _ => self.at += 8,
        }
    }
}

fn changes(bytes: &[u8]) -> Vec<Change> {
    let mut walk = Walk { bytes, at: 8, changes: Vec::new() };
    let (n_tensors, n_keys) = (walk.number(8), walk.number(8));
    for _ in 0..n_keys {
        let (at, key) = walk.name();
        walk.change(format!("{key} is not there"), at + key.len() - 1, b"~");
        let ty = walk.number(4);
        walk.value(&key, ty);
    }
    for _ in 0..n_tensors {
        let (at, name) = walk.name();
        walk.change(format!("{name} is not there"), at, b"~");
        let n_dims = walk.number(4) as usize;
        let at = walk.at;
        let dims: Vec<u64> = (0..n_dims).map(|_| walk.number(8)).collect();
        // Turned round it is as large as before.
        let turned: Vec<u8> = dims.iter().rev().flat_map(|d| d.to_le_bytes()).collect();
        walk.change(format!("{name} is turned round"), at, &turned);
        if dims[0] > 1 {
            walk.change(format!("{name} is shorter"), at, &(dims[0] / 2).to_le_bytes());
        }
        let at = walk.at;
        walk.change(format!("{name} has no such type"), at, &77u32.to_le_bytes());
        walk.at += 12;
    }
    walk.changes
}

/// Refused by name, or computed.
fn read(path: &Path) -> Result<(), String> {
    let options =
        LoadOptions { n_ctx: 64, n_threads: 1, exact: false, cache_type_k: CacheType::F16, cache_type_v: CacheType::F16, ids_only: true };
    let file = Gguf::open(path).map_err(|e| e.report().to_string())?;
    let mut model = Model::load(&file, &options).map_err(|e| e.report("model").to_string())?;
    let mut session = model.session(&options).map_err(|e| e.report("model").to_string())?;
    let ids: Vec<u32> = [1u32, 5, 3, 7, 2].iter().map(|id| id % model.n_vocab() as u32).collect();
    model.forward(&mut session, &ids, 0..ids.len(), &AtomicBool::new(false), &mut |_, _| {}).map_err(|e| e.report("model").to_string())
}

fn write_at(path: &Path, at: usize, bytes: &[u8]) {
    std::fs::OpenOptions::new().write(true).open(path).unwrap().write_all_at(bytes, at as u64).unwrap();
}

#[test]
fn a_model_with_a_wrong_place_is_refused_or_computed() {
    let folder = folder("archs");
    let every = std::env::var(EVERY).ok().and_then(|n| n.parse().ok()).unwrap_or(EVERY_SHORT).max(1);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("damaged.gguf");
    let (mut n, mut n_refused, mut panicked) = (0, 0, Vec::new());
    for (i, (name, _)) in super::archs::cases(&folder).into_iter().enumerate() {
        let sound = std::fs::read(folder.join(format!("{name}.gguf"))).unwrap();
        std::fs::write(&path, &sound).unwrap();
        for change in changes(&sound).into_iter().skip(i % every).step_by(every) {
            let whole = change.at..change.at + change.bytes.len();
            write_at(&path, change.at, &change.bytes);
            n += 1;
            match catch_unwind(AssertUnwindSafe(|| read(&path))) {
                Ok(Ok(())) => {}
                Ok(Err(said)) => {
                    n_refused += 1;
                    assert!(said.len() > 20, "{name}, {}: {said}", change.what);
                }
                Err(_) => panicked.push(format!("{name}: {}", change.what)),
            }
            write_at(&path, change.at, &sound[whole]);
        }
    }
    eprintln!("golden/archs: {n} damaged models, {n_refused} refused, {} computed", n - n_refused - panicked.len());
    assert!(panicked.is_empty(), "{} panics:\n{}", panicked.len(), panicked.join("\n"));
}
