//! Processor, memory and GPUs.

use super::Section;
use crate::cli::shell::table::bytes_text;
use crate::engine;
use crate::gauges::{Gauges, Gpu};
use crate::sys::limits;

/// `own`: this process is the one that is meant.
pub(super) fn section(own: bool) -> Section {
    let mut section = Section::new("machine");
    let cpu = engine::cpu();
    section.line("kernels", format!("{} of {}", cpu.tier, cpu.available.join(", ")));
    section.line("threads", format!("{} of {}", limits::threads(), std::thread::available_parallelism().map_or(1, usize::from)));
    if let Some(memory) = limits::memory() {
        section.line("memory", format!("{}, {} available", bytes_text(memory.total), bytes_text(memory.available)));
    }
    if let Some(resident) = limits::resident_bytes().filter(|_| own) {
        section.line("this process", bytes_text(resident));
    }
    section
}

pub(super) fn gpus() -> Section {
    let mut section = Section::new("gpu");
    let gpus = Gauges::look_once().gpus;
    if gpus.is_empty() {
        section.line("found", "none (no NVIDIA driver)");
    }
    for gpu in &gpus {
        section.line(&gpu.name, described(gpu));
    }
    section
}

/// What the card tells, and only that.
fn described(gpu: &Gpu) -> String {
    let mut parts = Vec::new();
    if let (Some(used), Some(total)) = (gpu.vram_used_bytes, gpu.vram_total_bytes) {
        parts.push(format!("{} of {} used", bytes_text(used), bytes_text(total)));
    }
    parts.extend(gpu.load_percent.map(|load| format!("load {load} %")));
    parts.extend(gpu.power_w.zip(gpu.power_limit_w).map(|(power, limit)| format!("{power:.0} of {limit:.0} W")));
    parts.extend(gpu.temperature_c.map(|degrees| format!("{degrees} °C")));
    parts.extend(gpu.throttle.as_ref().map(|why| format!("slowed by {why}")));
    parts.join(", ")
}
