//! Messages to token ids.

mod vocabulary;

pub use vocabulary::read_vocab;

use crate::gguf::Gguf;
use crate::protocol::{Message, Report};
use crate::tokenizer::Tokenizer;
use std::path::PathBuf;

/// A prompt as text and as ids.
pub struct Prompt {
    pub text: String,
    pub ids: Vec<u32>,
}

/// What turns text into a model's ids.
pub struct Prompter {
    tokenizer: Tokenizer,
}

impl Prompter {
    pub fn new(file: &Gguf, _sandbox: Option<PathBuf>) -> Result<Self, Report> {
        let fault = |e: crate::tokenizer::TokenizerError| Report::new(format!("{}: {e}", file.name()), "Get the file again");
        Ok(Self { tokenizer: Tokenizer::new(read_vocab(file).map_err(fault)?).map_err(fault)? })
    }

    pub fn prompt(&self, _messages: &[Message], _add_generation_prompt: bool) -> Result<Prompt, Report> {
        Err(Report::new("templates are not rendered yet", ""))
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    pub fn template_hash(&self) -> &str {
        ""
    }

    pub fn notes(&self) -> &[String] {
        self.tokenizer.notes()
    }
}
