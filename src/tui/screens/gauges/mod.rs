//! The gauges: what is measured, kept where the status line, the strip and the panel read it.

mod graph;
mod line;
mod panel;
mod rate;
mod state;
mod strip;
#[cfg(test)]
mod tests;
mod text;

pub use line::{mark, view as view_line};
pub use panel::{view as view_panel, view_full};
pub use rate::Rate;
pub use state::{Figures, Phase, Prefill, State};
pub use strip::view as view_strip;
pub use text::{GAUGES, Gauge};
