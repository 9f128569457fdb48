//! The screen: a pure core and a thin loop.
//!
//! Begin with [`app`]: what happens comes in as an `Action`, `update` changes the `App` and answers with `Effect`s,
//! [`view`] draws the `App`. Keys, commands and gauges are tables ([`keymap`], [`commands`], the gauges' `GAUGES`); help,
//! palette and completion are made from them. [`screens`] holds each screen in a folder of its own. This room speaks
//! the engine's protocol and the history's; it never touches a model, and outside `run` no disk, clock or thread.

pub mod app;
pub mod commands;
mod figures;
pub mod keymap;
mod links;
pub mod markdown;
mod paint;
mod preferences;
mod run;
pub mod screens;
#[cfg(test)]
mod stage;
pub mod theme;
mod time;
mod view;
mod wrap;

pub use links::Links;
pub use preferences::{Graph, Preferences};
pub use run::{Options, run};
pub use view::view;
