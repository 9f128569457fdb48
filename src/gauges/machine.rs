//! One look at the machine, as figures.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    pub process: Process,
    pub system: SystemLoad,
    /// None where there is no NVIDIA driver.
    pub gpus: Vec<Gpu>,
}

/// This process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    pub resident_bytes: Option<u64>,
    /// Part of `resident_bytes`: pages of mapped files, a model's weights above all (Linux only).
    pub mapped_bytes: Option<u64>,
    /// 100 is one core; absent until two looks were taken.
    pub cpu_percent: Option<f32>,
}

/// The whole machine, or the share of it that a container gives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SystemLoad {
    pub memory_total_bytes: Option<u64>,
    /// What could be had without swapping.
    pub memory_available_bytes: Option<u64>,
    /// Of all cores; absent until two looks were taken.
    pub cpu_percent: Option<f32>,
    pub n_cpus: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gpu {
    pub name: String,
    pub load_percent: Option<u32>,
    pub vram_total_bytes: Option<u64>,
    pub vram_used_bytes: Option<u64>,
    /// Part of `vram_used_bytes`: this process.
    pub vram_process_bytes: Option<u64>,
    pub power_w: Option<f32>,
    pub power_limit_w: Option<f32>,
    pub temperature_c: Option<u32>,
    pub clock_mhz: Option<u32>,
    pub memory_clock_mhz: Option<u32>,
    /// Why it runs slower than it could, in a word: "power", "heat".
    pub throttle: Option<String>,
    /// Since the driver was loaded; the difference of two is what was used between them.
    pub energy_j: Option<f64>,
}
