//! NVIDIA GPUs, through the driver's own library, which is looked for when the program runs. Where there is none, there
//! are no GPUs; that is no error.

use super::machine::Gpu;
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::{Device, Nvml};
use std::ffi::OsStr;

/// The name a driver installs comes first; the plain one comes with the toolkit.
const LIBRARIES: &[&str] = &["libnvidia-ml.so.1", "libnvidia-ml.so"];

pub(super) struct Source {
    nvml: Option<Nvml>,
}

impl Source {
    pub(super) fn open() -> Self {
        let nvml = LIBRARIES.iter().find_map(|name| match Nvml::builder().lib_path(OsStr::new(name)).init() {
            Ok(nvml) => Some(nvml),
            Err(error) => {
                tracing::debug!(%error, library = name, "no GPU gauges");
                None
            }
        });
        Self { nvml }
    }

    pub(super) fn look(&self) -> Vec<Gpu> {
        let Some(nvml) = &self.nvml else { return Vec::new() };
        let n = nvml.device_count().unwrap_or(0);
        (0..n).filter_map(|index| nvml.device_by_index(index).ok()).map(|device| look_at(&device)).collect()
    }
}

/// Each figure by itself: a card that does not tell one still tells the others.
fn look_at(device: &Device<'_>) -> Gpu {
    let memory = device.memory_info().ok();
    Gpu {
        name: device.name().unwrap_or_else(|_| "GPU".to_owned()),
        load_percent: device.utilization_rates().ok().map(|rates| rates.gpu),
        vram_total_bytes: memory.as_ref().map(|memory| memory.total),
        vram_used_bytes: memory.as_ref().map(|memory| memory.used),
        vram_process_bytes: own_bytes(device),
        power_w: device.power_usage().ok().map(watts),
        power_limit_w: device.enforced_power_limit().ok().map(watts),
        temperature_c: device.temperature(TemperatureSensor::Gpu).ok(),
        clock_mhz: device.clock_info(Clock::SM).ok(),
        memory_clock_mhz: device.clock_info(Clock::Memory).ok(),
        throttle: device.current_throttle_reasons().ok().and_then(throttle_word).map(str::to_owned),
        energy_j: device.total_energy_consumption().ok().map(|mj| mj as f64 / 1e3),
    }
}

fn watts(milliwatts: u32) -> f32 {
    milliwatts as f32 / 1e3
}

/// Absent where this process is not on the card, or the card does not tell (as inside some containers).
fn own_bytes(device: &Device<'_>) -> Option<u64> {
    let processes = device.running_compute_processes().ok()?;
    let own = processes.iter().find(|process| process.pid == std::process::id())?;
    match own.used_gpu_memory {
        UsedGpuMemory::Used(bytes) => Some(bytes),
        UsedGpuMemory::Unavailable => None,
    }
}

/// Only what slows work down is worth a word: an idle card with lowered clocks is not throttled.
fn throttle_word(reasons: ThrottleReasons) -> Option<&'static str> {
    let words = [
        (ThrottleReasons::HW_THERMAL_SLOWDOWN | ThrottleReasons::SW_THERMAL_SLOWDOWN, "heat"),
        (ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN | ThrottleReasons::SW_POWER_CAP, "power"),
        (ThrottleReasons::HW_SLOWDOWN, "hardware"),
        (ThrottleReasons::APPLICATIONS_CLOCKS_SETTING, "fixed clocks"),
    ];
    words.into_iter().find(|(mask, _)| reasons.intersects(*mask)).map(|(_, word)| word)
}
