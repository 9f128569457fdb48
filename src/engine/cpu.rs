//! Which of the processor's instructions are computed with.

use crate::model::kernels::{self, TIER_VARIABLE};
use crate::protocol::Report;

/// Names of kernel sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpu {
    pub tier: &'static str,
    /// What this processor can run, the plainest first.
    pub available: Vec<&'static str>,
}

pub fn cpu() -> Cpu {
    Cpu { tier: kernels::set().tier().name(), available: kernels::available().iter().map(|set| set.tier().name()).collect() }
}

/// Whether what INGLE_CPU asks for can be had, before anything is computed with something else.
pub fn check_cpu() -> Result<(), Report> {
    let asked = std::env::var(TIER_VARIABLE).ok();
    kernels::select(asked.as_deref()).map(drop).map_err(|error| {
        let remedy = format!("Set {TIER_VARIABLE} to one of {}, or unset it", error.available);
        Report::new(format!("{TIER_VARIABLE} is {}, which this processor cannot run", error.asked), remedy).offender(error.asked)
    })
}
