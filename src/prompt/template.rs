//! The chat template of a model: its source, and where it may be rendered.

use super::error::PromptError;
use super::input::RenderInput;
use super::{jinja, known, sandbox};
use crate::gguf::Gguf;
use sha2::{Digest, Sha256};
use std::path::Path;

const KEY: &str = "tokenizer.chat_template";

/// For files that carry none: the turns of ChatML, which most models have seen.
const CHATML: &str = "{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\n' -}}
{%- endif -%}
";

/// A template and how far it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    /// SHA-256 of the source, hex.
    hash: String,
    /// Known beforehand or part of this program: rendered here, not in a process of its own.
    is_known: bool,
    /// Whether the file carried it.
    is_own: bool,
}

impl Template {
    /// A template from anywhere.
    pub fn new(source: impl Into<String>) -> Self {
        let source = source.into();
        let hash = Sha256::digest(source.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { is_known: known::is_known(&hash), is_own: true, source, hash }
    }

    /// ingle's own, for models without one.
    pub fn chatml() -> Self {
        Self { is_known: true, is_own: false, ..Self::new(CHATML) }
    }

    /// As if it had been read beforehand.
    #[cfg(test)]
    pub(super) fn trusted(source: &str) -> Self {
        Self { is_known: true, ..Self::new(source) }
    }

    /// A file's template, else ChatML.
    pub fn of(gguf: &Gguf) -> Self {
        match gguf.str(KEY).filter(|source| !source.trim().is_empty()) {
            // What has no path is the guide: its bytes are part of this program.
            Some(source) => {
                let template = Self::new(source);
                Self { is_known: template.is_known || gguf.path().is_none(), ..template }
            }
            None => Self::chatml(),
        }
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// SHA-256 of the source, hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether the file carried it, not ingle.
    pub fn is_own(&self) -> bool {
        self.is_own
    }

    /// The text for `input`. A template that is not known renders in a child of the program `child`, ingle's own; it
    /// blocks for that long.
    pub fn render(&self, input: &RenderInput, child: Option<&Path>) -> Result<String, PromptError> {
        match child {
            _ if self.is_known => jinja::render(&self.source, input).map_err(PromptError::Template),
            Some(exe) => sandbox::render_in_child(exe, &self.source, input),
            None => Err(PromptError::NotStarted { reason: "there is no program to render it in".to_owned() }),
        }
    }
}
