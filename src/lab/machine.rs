//! What a figure was measured on.

use crate::model::kernels;
use crate::sys::limits;
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, RefreshKind, System};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// The processor's own name; empty where the system does not tell.
    pub cpu_info: String,
    /// Processors that this process may use, by their real cores: what is computed with where nobody says otherwise.
    pub n_cores: usize,
    /// The kernel set computed with.
    pub kernels: String,
    pub memory_bytes: Option<u64>,
    pub os: String,
}

impl Machine {
    pub fn this() -> Self {
        let system = System::new_with_specifics(RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()));
        Self {
            cpu_info: system.iter().flat_map(System::cpus).next().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default(),
            n_cores: limits::threads(),
            kernels: kernels::set().tier().name().to_owned(),
            memory_bytes: limits::memory().map(|memory| memory.total),
            os: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned()),
        }
    }
}
