//! What a program did to its files, as strace saw it, and what of that is on the disk after a power cut.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What is written down. Nothing else that SQLite or the history does changes a file's bytes or name.
const CALLS: &str = "write,pwrite64,openat,ftruncate,fsync,fdatasync,unlink,unlinkat,rename,renameat2";

#[derive(Debug, Clone)]
pub enum Op {
    Create(PathBuf),
    Write {
        path: PathBuf,
        at: Option<usize>,
        bytes: Vec<u8>,
    },
    Cut {
        path: PathBuf,
        len: usize,
    },
    Unlink(PathBuf),
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Sync(PathBuf),
    /// A line that the program said.
    Said(String),
}

/// An operation and when it was done, in seconds.
pub struct Done {
    pub at: f64,
    pub op: Op,
}

/// Whether this machine lets one program look at another's calls.
pub fn is_there() -> bool {
    let tried = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    tried.is_ok_and(|s| s.success())
}

/// Runs an ignored test of this binary under strace, with these options.
pub fn run(test: &str, home: &Path, options: &[&str]) -> Child {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq"]).args(options).arg(std::env::current_exe().expect("a test knows its own file"));
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]).env(super::HOME, home);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("strace runs")
}

/// Runs it to its end and gives all it did below `home`, in order.
pub fn record(test: &str, home: &Path, log: &Path) -> Vec<Done> {
    let calls = format!("trace={CALLS}");
    let log_name = log.to_str().expect("a name that is text");
    let done = run(test, home, &["-ttt", "-y", "-xx", "-s", "1000000", "-o", log_name, "-e", &calls]).wait_with_output();
    let done = done.expect("it ends");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    parse(&std::fs::read_to_string(log).expect("strace wrote it"), home)
}

/// A sync counts once it has come back, everything else from its beginning: so the disk knows no more than it must.
fn parse(log: &str, home: &Path) -> Vec<Done> {
    let mut done = Vec::new();
    let mut unfinished: HashMap<&str, &str> = HashMap::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((at, call)) = rest.trim_start().split_once(' ') else { continue };
        let at: f64 = at.parse().expect("a time");
        let is_sync = |call: &str| call.starts_with("fsync") || call.starts_with("fdatasync");
        let op = if let Some(begun) = call.strip_suffix("<unfinished ...>") {
            unfinished.insert(thread, begun);
            (!is_sync(begun)).then(|| operation(begun, home)).flatten()
        } else if call.starts_with("<...") {
            unfinished.remove(thread).filter(|begun| is_sync(begun)).and_then(|begun| operation(begun, home))
        } else if call.contains(" = -1 ") {
            None
        } else {
            operation(call, home)
        };
        done.extend(op.map(|op| Done { at, op }));
    }
    done
}

fn operation(call: &str, home: &Path) -> Option<Op> {
    let (name, arguments) = call.split_once('(')?;
    // strace names what a descriptor stands for in angle brackets; every other text is in quotes.
    let opened = || between(arguments, '<', '>').map(|bytes| PathBuf::from(String::from_utf8_lossy(&bytes).into_owned()));
    let named = |n: usize| quoted(arguments, n).map(|bytes| PathBuf::from(String::from_utf8_lossy(&bytes).into_owned()));
    let number = |n_from_end: usize| -> Option<usize> {
        let inside = arguments.rsplit_once(')').map_or(arguments, |(inside, _)| inside);
        inside.rsplit(',').nth(n_from_end)?.trim().parse().ok()
    };
    let ours = |path: PathBuf| path.starts_with(home).then_some(path);
    match name {
        "write" if arguments.starts_with("1<") => Some(Op::Said(String::from_utf8_lossy(&quoted(arguments, 0)?).into_owned())),
        "write" => Some(Op::Write { path: ours(opened()?)?, at: None, bytes: quoted(arguments, 0)? }),
        "pwrite64" => Some(Op::Write { path: ours(opened()?)?, at: Some(number(0)?), bytes: quoted(arguments, 0)? }),
        "openat" if arguments.contains("O_CREAT") => Some(Op::Create(ours(named(0)?)?)),
        "ftruncate" => Some(Op::Cut { path: ours(opened()?)?, len: number(0)? }),
        "fsync" | "fdatasync" => Some(Op::Sync(ours(opened()?)?)),
        "unlink" | "unlinkat" => Some(Op::Unlink(ours(named(0)?)?)),
        "rename" | "renameat2" => Some(Op::Rename { from: ours(named(0)?)?, to: ours(named(1)?)? }),
        _ => None,
    }
}

fn between(text: &str, open: char, close: char) -> Option<Vec<u8>> {
    let (_, after) = text.split_once(open)?;
    Some(bytes(after.split_once(close)?.0))
}

fn quoted(text: &str, n: usize) -> Option<Vec<u8>> {
    text.split('"').nth(2 * n + 1).map(bytes)
}

/// Of `\x61\x62`.
fn bytes(hex: &str) -> Vec<u8> {
    hex.split("\\x").filter_map(|two| u8::from_str_radix(two.get(..2)?, 16).ok()).collect()
}

/// Files as they are after a power cut, and what was done to them since it would be certain.
#[derive(Default, Clone)]
pub struct Disk {
    files: BTreeMap<PathBuf, Vec<u8>>,
    uncertain: Vec<Op>,
}

/// What a power cut keeps of what was not synced.
#[derive(Debug, Clone, Copy)]
pub enum Keeps {
    Nothing,
    All,
    /// Some of it, writes also in part, by this seed.
    Some(u64),
}

impl Disk {
    pub fn does(&mut self, op: &Op) {
        let Op::Sync(path) = op else { return self.uncertain.push(op.clone()) };
        // A folder's sync makes its names certain; a file's its bytes, and that it has its name now and no other has it.
        let is_folder = |p: &Path| p.parent() == Some(path);
        let (certain, uncertain) = std::mem::take(&mut self.uncertain).into_iter().partition(|op| match op {
            Op::Create(p) => p == path || is_folder(p),
            Op::Unlink(p) => p == path || is_folder(p),
            Op::Rename { from, to } => from == path || to == path || is_folder(to),
            Op::Write { path: p, .. } | Op::Cut { path: p, .. } => p == path,
            Op::Sync(_) | Op::Said(_) => false,
        });
        self.uncertain = uncertain;
        let certain: Vec<Op> = certain;
        certain.iter().for_each(|op| self.apply(op));
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Create(path) => drop(self.files.entry(path.clone()).or_default()),
            Op::Write { path, at, bytes } => {
                let file = self.files.entry(path.clone()).or_default();
                let at = at.unwrap_or(file.len());
                file.resize(file.len().max(at + bytes.len()), 0);
                file[at..at + bytes.len()].copy_from_slice(bytes);
            }
            Op::Cut { path, len } => self.files.entry(path.clone()).or_default().resize(*len, 0),
            Op::Unlink(path) => drop(self.files.remove(path)),
            Op::Rename { from, to } => {
                if let Some(file) = self.files.remove(from) {
                    self.files.insert(to.clone(), file);
                }
            }
            Op::Sync(_) | Op::Said(_) => {}
        }
    }

    /// The files as a machine finds them that lost its power now.
    pub fn after_a_cut(&self, keeps: Keeps) -> BTreeMap<PathBuf, Vec<u8>> {
        /// A disk writes a sector whole or not at all.
        const SECTOR: usize = 512;
        let mut disk = self.clone();
        let mut dice = match keeps {
            Keeps::Some(seed) => Some(crate::dice::Dice(seed)),
            Keeps::Nothing => return disk.files,
            Keeps::All => None,
        };
        for op in std::mem::take(&mut disk.uncertain) {
            match (dice.as_mut().map_or(3, |dice| dice.below(4)), op) {
                (0 | 1, _) => {}
                (2, Op::Write { path, at, mut bytes }) => {
                    bytes.truncate(bytes.len() / 2 / SECTOR * SECTOR);
                    disk.apply(&Op::Write { path, at, bytes });
                }
                (_, op) => disk.apply(&op),
            }
        }
        disk.files
    }
}
