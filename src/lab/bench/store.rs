//! Results that were kept: one folder, a line for each, and the best that the machine was seen to reach.

use super::Record;
use crate::config;
use crate::lab::machine::Machine;
use crate::lab::probe::Limits;
use crate::protocol::Report;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const RESULTS_FILE: &str = "results.jsonl";
const LIMITS_FILE: &str = "limits.json";
/// What is in a file is its owner's alone.
const FILE_MODE: u32 = 0o600;

/// The results on disk, oldest first.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    records: Vec<Record>,
    /// Lines that are no records: of another version, or cut.
    n_unreadable: usize,
}

/// What a processor was seen to reach with a kernel set and so many threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Seen {
    cpu_info: String,
    kernels: String,
    #[serde(flatten)]
    limits: Limits,
}

impl Store {
    /// What is in a folder; nothing where there is none.
    pub fn open(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join(RESULTS_FILE)).unwrap_or_default();
        let lines = text.lines().filter(|line| !line.is_empty());
        let records: Vec<Record> = lines.clone().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let n_unreadable = lines.count() - records.len();
        Self { folder: folder.to_owned(), records, n_unreadable }
    }

    pub fn records(&self) -> &[Record] {
        &self.records
    }

    pub fn n_unreadable(&self) -> usize {
        self.n_unreadable
    }

    /// The newest of the first `n` results that is like this one.
    pub fn before(&self, n: usize, record: &Record) -> Option<&Record> {
        self.records[..n].iter().rev().find(|kept| kept.is_like(record))
    }

    /// Adds a result behind all others. A whole line is written at once, so that two that measure do not mix theirs.
    pub fn keep(&mut self, record: Record) -> Result<(), Report> {
        let path = self.folder.join(RESULTS_FILE);
        let line = serde_json::to_string(&record).map_err(|e| not_kept(&path, &e))?;
        self.records.push(record);
        config::create_private(&self.folder)?;
        let file = OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(&path);
        file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes())).map_err(|e| not_kept(&path, &e))
    }

    /// The best that was ever seen of what was just measured, kept for the next time.
    pub fn best(&self, machine: &Machine, measured: &[Limits]) -> (Vec<Limits>, Result<(), Report>) {
        let path = self.folder.join(LIMITS_FILE);
        let text = fs::read_to_string(&path).unwrap_or_default();
        let mut seen: Vec<Seen> = serde_json::from_str(&text).unwrap_or_default();
        let mut best = Vec::new();
        for limits in measured {
            let same =
                |s: &&mut Seen| (&s.cpu_info, &s.kernels, s.limits.n_threads) == (&machine.cpu_info, &machine.kernels, limits.n_threads);
            match seen.iter_mut().find(same) {
                Some(seen) => seen.limits = seen.limits.better(*limits),
                None => seen.push(Seen { cpu_info: machine.cpu_info.clone(), kernels: machine.kernels.clone(), limits: *limits }),
            }
            best.extend(seen.iter_mut().find(same).map(|seen| seen.limits));
        }
        (best, self.replace(&path, &seen))
    }

    /// By a new file, so that a reader never sees half of one.
    fn replace(&self, path: &Path, seen: &[Seen]) -> Result<(), Report> {
        config::create_private(&self.folder)?;
        let new = path.with_extension(format!("{}.new", std::process::id()));
        let text = serde_json::to_string_pretty(seen).map_err(|e| not_kept(path, &e))?;
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&new);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes())).and_then(|()| fs::rename(&new, path));
        written.map_err(|e| not_kept(path, &e))
    }
}

fn not_kept(path: &Path, error: &dyn std::error::Error) -> Report {
    Report::new(format!("{} could not be written, so results are not kept", path.display()), "Make room, or make its folder writable")
        .because(error)
}
