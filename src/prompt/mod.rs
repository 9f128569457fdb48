//! Messages to token ids.
//!
//! Begin with [`Prompter`]: made of a file, it holds the tokenizer and the chat template and turns a conversation into a
//! [`Prompt`]. A template's text alone is [`Template::render`]; how Python's Jinja2 is matched is in `jinja`.
//!
//! How an answer's thinking is told from the answer is in `channels`; what a template lets one choose of it in `reasoning`;
//! templates for files without one, or for conversations that the file's own refuses, in `builtin`.
//!
//! Two rules hold everywhere. What a person wrote never becomes a control token (`sentinel`). And a template that ingle
//! has not seen before runs in a process of its own (`sandbox`). Nothing here reads a clock or loads a model.

mod builtin;
mod channels;
mod error;
mod input;
pub mod jinja;
mod known;
mod prompter;
mod reasoning;
pub mod sandbox;
mod sentinel;
mod template;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use channels::{Channels, Pieces, Splitter};
pub use error::PromptError;
pub use input::RenderInput;
pub use prompter::{Prompt, Prompter};
pub use reasoning::Levels;
pub use template::Template;
pub use vocabulary::read_vocab;
