//! How many threads to compute with: the processors that this process may use, by their real cores.

use super::{cgroup, list, number};
use std::collections::BTreeSet;
use std::path::Path;

/// The least of: the affinity mask, the cgroup's quota rounded up, physical cores (a second hyperthread adds heat, not
/// bandwidth), performance cores. At least 1.
pub fn threads() -> usize {
    #[cfg(target_os = "linux")]
    return threads_under(Path::new("/"), &affinity());
    #[cfg(target_os = "macos")]
    return performance_cores().unwrap_or_else(available);
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    return available();
}

fn available() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub fn threads_under(root: &Path, allowed: &[usize]) -> usize {
    let cpus = performance(root, allowed);
    // Siblings of one core name the same set, so each core counts once.
    let cores: BTreeSet<String> = cpus.iter().map(|cpu| siblings(root, *cpu).unwrap_or_else(|| cpu.to_string())).collect();
    cores.len().min(quota(root).unwrap_or(usize::MAX)).max(1)
}

fn siblings(root: &Path, cpu: usize) -> Option<String> {
    let folder = root.join(format!("sys/devices/system/cpu/cpu{cpu}/topology"));
    let read = |name| std::fs::read_to_string(folder.join(name)).ok();
    read("core_cpus_list").or_else(|| read("thread_siblings_list"))
}

/// The allowed processors that are of the fast kind, where there are kinds: Intel names them, ARM gives capacities.
fn performance(root: &Path, allowed: &[usize]) -> Vec<usize> {
    if let Ok(fast) = std::fs::read_to_string(root.join("sys/devices/cpu_core/cpus")) {
        let fast = list(&fast);
        let both: Vec<usize> = allowed.iter().copied().filter(|cpu| fast.contains(cpu)).collect();
        return if both.is_empty() { allowed.to_vec() } else { both };
    }
    let capacity = |cpu: &usize| number(&root.join(format!("sys/devices/system/cpu/cpu{cpu}/cpu_capacity")));
    let most = allowed.iter().filter_map(capacity).max().unwrap_or(0);
    // Big cores of one chip differ a little; small ones have less than half.
    allowed.iter().copied().filter(|cpu| capacity(cpu).unwrap_or(most).saturating_mul(4) >= most.saturating_mul(3)).collect()
}

/// Processors' worth of time that the control groups grant, rounded up.
fn quota(root: &Path) -> Option<usize> {
    let version_2 = |folder: &Path| {
        let text = std::fs::read_to_string(folder.join("cpu.max")).ok()?;
        let mut parts = text.split_ascii_whitespace();
        Some((parts.next()?.parse::<u64>().ok()?, parts.next()?.parse::<u64>().ok()?))
    };
    // Without a limit the quota is -1, which is no u64.
    let version_1 = |folder: &Path| Some((number(&folder.join("cpu.cfs_quota_us"))?, number(&folder.join("cpu.cfs_period_us"))?));
    let granted = |folder: &std::path::PathBuf| {
        let (quota, period) = version_2(folder).or_else(|| version_1(folder))?;
        usize::try_from(quota.div_ceil(period.max(1))).ok()
    };
    cgroup::folders(root, "cpu").iter().filter_map(granted).min()
}

#[cfg(target_os = "linux")]
fn affinity() -> Vec<usize> {
    // SAFETY: cpu_set_t is plain numbers; sched_getaffinity fills it; CPU_ISSET stays below CPU_SETSIZE.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) != 0 {
            return (0..available()).collect();
        }
        (0..libc::CPU_SETSIZE as usize).filter(|cpu| libc::CPU_ISSET(*cpu, &set)).collect()
    }
}

#[cfg(target_os = "macos")]
fn performance_cores() -> Option<usize> {
    let mut value: i32 = 0;
    let mut size = size_of::<i32>();
    // SAFETY: the name ends with a zero byte; value and its size belong together.
    let done =
        unsafe { libc::sysctlbyname(c"hw.perflevel0.physicalcpu".as_ptr(), (&raw mut value).cast(), &mut size, std::ptr::null_mut(), 0) };
    usize::try_from(value).ok().filter(|n| done == 0 && *n > 0)
}
