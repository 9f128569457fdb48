//! The chat template of a model: its source, and where it may be rendered.

use super::builtin::{self, Builtin};
use super::error::PromptError;
use super::input::RenderInput;
use super::{jinja, known, sandbox};
use crate::gguf::Gguf;
use crate::tokenizer::Tokenizer;
use sha2::{Digest, Sha256};
use std::path::Path;

const KEY: &str = "tokenizer.chat_template";

/// A template and how far it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    /// SHA-256 of the source, hex.
    hash: String,
    /// Known beforehand or part of this program: rendered here, not in a process of its own.
    is_known: bool,
    /// Its name, where the file did not carry it.
    builtin: Option<&'static str>,
}

impl Template {
    /// A template from anywhere.
    pub fn new(source: impl Into<String>) -> Self {
        let source = source.into();
        let hash = Sha256::digest(source.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { is_known: known::is_known(&hash), builtin: None, source, hash }
    }

    /// One of ingle's own.
    pub fn builtin(builtin: &Builtin) -> Self {
        Self { is_known: true, builtin: Some(builtin.name), ..Self::new(builtin.source) }
    }

    /// As if it had been read beforehand.
    #[cfg(test)]
    pub(super) fn trusted(source: &str) -> Self {
        Self { is_known: true, ..Self::new(source) }
    }

    /// The template that a file carries.
    pub fn of(gguf: &Gguf) -> Option<Self> {
        let source = gguf.str(KEY).filter(|source| !source.trim().is_empty())?;
        let template = Self::new(source);
        // What has no path is the guide: its bytes are part of this program.
        Some(Self { is_known: template.is_known || gguf.path().is_none(), ..template })
    }

    /// Where a file carries none: the first whose turns its vocabulary has tokens for, else the text as it is.
    pub fn standing_in(tokenizer: &Tokenizer) -> Self {
        let fits = builtin::fitting(tokenizer).next().or_else(|| builtin::find(builtin::PLAIN));
        Self::builtin(fits.expect("a text can always be gone on with"))
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// SHA-256 of the source, hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The name it has among ingle's own; none where the file carried it.
    pub fn builtin_name(&self) -> Option<&'static str> {
        self.builtin
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
