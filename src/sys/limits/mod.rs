//! How much of the machine this process may use: memory and processors, less what a cgroup, an affinity mask or a
//! resource limit takes away.

mod cgroup;
mod memory;
mod own;
mod threads;

pub use memory::{Memory, memory, peak_resident_bytes, resident_bytes};
pub use own::limit_self;
pub use threads::threads;

#[cfg(test)]
pub(super) use {memory::memory_under, threads::threads_under};

use std::path::Path;

/// The first number in a small file of /proc or /sys.
fn number(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.split_ascii_whitespace().next()?.parse().ok()
}

/// The number behind `key` in lines of "key value" or "key: value kB".
fn field(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix(key).filter(|rest| rest.starts_with([' ', ':', '\t'])))?;
    line.trim_start_matches(':').split_ascii_whitespace().next()?.parse().ok()
}

/// "0-3,8,10-11" as numbers. A file of a few lines from the system; still, a range is cut at 4,096 processors.
fn list(text: &str) -> Vec<usize> {
    const PROCESSORS_MAX: usize = 4096;
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(from.trim().parse::<usize>().ok()?..=to.trim().parse::<usize>().ok()?.min(PROCESSORS_MAX))
    };
    text.trim().split(',').filter_map(range).flatten().collect()
}
