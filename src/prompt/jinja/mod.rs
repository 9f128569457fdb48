//! Chat templates as Python renders them.
//!
//! Models' templates are written for Jinja2 in the environment of Hugging Face's `apply_chat_template`; minijinja is the
//! engine here, and what the two do differently is made up for in this folder: values that look as Python's do
//! (`values`, `text`), filters, tests and methods (`filters`, `methods`). Which differences matter is known from
//! golden/templates.
//!
//! Rendering here is bounded in steps and output, but not in memory or stack: a template that nobody has read is
//! rendered in a process of its own (`sandbox`).

mod environment;
mod filters;
mod methods;
mod source;
mod text;
mod values;

#[cfg(test)]
mod tests;

pub use environment::{Fault, render};
