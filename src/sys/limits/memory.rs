//! Memory: what is there, what this process may still take, what it holds.

use super::{cgroup, field, number};
use std::path::Path;

/// Bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Of the machine, or of the control group where that is less.
    pub total: u64,
    /// What this process can take without anything being swapped or killed.
    pub available: u64,
}

/// What is there now; none where the system does not say.
pub fn memory() -> Option<Memory> {
    #[cfg(target_os = "linux")]
    return memory_under(Path::new("/")).map(|m| Memory { available: m.available.min(address_space_left()), ..m });
    #[cfg(not(target_os = "linux"))]
    {
        let mut system = sysinfo::System::new();
        system.refresh_memory();
        Some(Memory { total: system.total_memory(), available: system.available_memory() })
    }
}

#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub fn memory_under(root: &Path) -> Option<Memory> {
    const KIB: u64 = 1024;
    let info = std::fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let mut memory =
        Memory { total: field(&info, "MemTotal")?.saturating_mul(KIB), available: field(&info, "MemAvailable")?.saturating_mul(KIB) };
    for folder in cgroup::folders(root, "memory") {
        let limit = number(&folder.join("memory.max")).or_else(|| number(&folder.join("memory.limit_in_bytes")));
        let used = number(&folder.join("memory.current")).or_else(|| number(&folder.join("memory.usage_in_bytes")));
        let (Some(limit), Some(used)) = (limit, used) else { continue };
        // Cached file pages count as used, and go when something else needs the room.
        let stat = std::fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
        let cached = field(&stat, "total_inactive_file").or_else(|| field(&stat, "inactive_file")).unwrap_or(0);
        memory.total = memory.total.min(limit);
        memory.available = memory.available.min(limit.saturating_sub(used.saturating_sub(cached)));
    }
    Some(memory)
}

/// What `ulimit -v` leaves.
#[cfg(target_os = "linux")]
fn address_space_left() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the struct is whole and lives over the call.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) } == 0 && limit.rlim_cur != libc::RLIM_INFINITY;
    let used = statm(0).unwrap_or(0);
    if known { limit.rlim_cur.saturating_sub(used) } else { u64::MAX }
}

/// Bytes of this process in memory now.
pub fn resident_bytes() -> Option<u64> {
    #[cfg(target_os = "linux")]
    return statm(1);
    #[cfg(not(target_os = "linux"))]
    {
        let id = sysinfo::get_current_pid().ok()?;
        let mut system = sysinfo::System::new();
        system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[id]), false);
        system.process(id).map(|p| p.memory())
    }
}

/// The most it ever held.
pub fn peak_resident_bytes() -> Option<u64> {
    // SAFETY: rusage is plain numbers, for which zeros are valid; getrusage fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::getrusage(libc::RUSAGE_SELF, &mut usage) == 0).then_some(usage)?
    };
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    u64::try_from(usage.ru_maxrss).ok()?.checked_mul(unit)
}

/// A field of /proc/self/statm, which counts pages: 0 is the address space, 1 what is in memory.
#[cfg(target_os = "linux")]
fn statm(at: usize) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    // SAFETY: sysconf only answers.
    let page = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    text.split_ascii_whitespace().nth(at)?.parse::<u64>().ok()?.checked_mul(page)
}
