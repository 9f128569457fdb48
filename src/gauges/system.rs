//! Process and system: loads through sysinfo, memory as the control group leaves it.

use super::machine::{Process, SystemLoad};
use crate::sys::limits;
use sysinfo::{CpuRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

pub(super) struct Source {
    /// Absent on a system that sysinfo does not know.
    system: Option<System>,
    pid: Pid,
    /// A load is a difference: the first look has none.
    looks: u32,
}

impl Source {
    pub(super) fn open() -> Self {
        let kinds = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing().with_usage());
        Self { system: System::new_with_specifics(kinds).ok(), pid: Pid::from_u32(std::process::id()), looks: 0 }
    }

    pub(super) fn look(&mut self) -> (Process, SystemLoad) {
        let Some(seen) = self.system.as_mut() else { return Default::default() };
        seen.refresh_cpu_usage();
        let wanted = ProcessRefreshKind::nothing().with_memory().with_cpu().without_tasks();
        seen.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.pid]), false, wanted);
        self.looks = self.looks.saturating_add(1);
        let differs = self.looks > 1;
        let own = seen.process(self.pid);
        let process = Process {
            resident_bytes: own.map(sysinfo::Process::memory).filter(|bytes| *bytes > 0),
            mapped_bytes: mapped_bytes(),
            cpu_percent: own.map(sysinfo::Process::cpu_usage).filter(|_| differs),
        };
        let memory = limits::memory();
        let system = SystemLoad {
            memory_total_bytes: memory.map(|memory| memory.total),
            memory_available_bytes: memory.map(|memory| memory.available),
            cpu_percent: differs.then(|| seen.global_cpu_usage()),
            n_cpus: seen.cpus().len() as u32,
        };
        (process, system)
    }
}

/// Resident pages that come from files (`RssFile` of proc_pid_status(5)).
fn mapped_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssFile:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}
