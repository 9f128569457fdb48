//! The gauges: what is measured, kept where the status line, the strip and the panel read it.
//!
//! **They rest.** A screen left alone draws nothing and costs nothing, for a day in tmux as for a minute on a battery;
//! figures of a device that is read each second are never the same twice, so they are not read then. They are read while
//! an answer or a load runs, for a few seconds after each key, resize, look at the window or word from the engine, and
//! as long as somebody asks to watch, by going to the panel or giving the gauges the whole screen: who follows another
//! program's use of the GPU does that. At rest the last figures stay in their places, faint, and the panel says so: old
//! figures do not pass for new ones.

mod enlarged;
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
pub use panel::{groups, view as view_panel, view_full};
pub use rate::Rate;
pub use state::{Figures, Phase, Prefill, State};
pub use strip::view as view_strip;
pub use text::{GAUGES, Gauge};
