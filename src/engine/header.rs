//! What a file's header alone can answer: tokenizing and rendering, for files that are loaded or not.

use super::grammar::Compiler;
use crate::gguf::{self, Gguf};
use crate::prompt::{Prompt, Prompter};
use crate::protocol::{
    Description, DetokenizedPiece, Grammar, Message, ModelRef, Rendering, Report, Role, TensorFacts, TokenizeAnswer, TokenizeRequest,
};
use crate::sampler::Constraint;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Headers kept open: a script tokenizes thousands of lines with one file.
const KEPT_MAX: usize = 4;

#[derive(Clone)]
struct Open {
    reference: ModelRef,
    file: Arc<Gguf>,
    prompter: Arc<Prompter>,
    compiler: Compiler,
}

pub struct Headers {
    sandbox: Option<PathBuf>,
    kept: Mutex<Vec<Open>>,
}

impl Headers {
    pub fn new(sandbox: Option<PathBuf>) -> Self {
        Self { sandbox, kept: Mutex::default() }
    }

    /// The file behind a reference, and what turns text into its ids unless only ids are wanted.
    pub fn open(&self, reference: &ModelRef, ids_only: bool) -> Result<(Arc<Gguf>, Option<Arc<Prompter>>), Report> {
        if ids_only {
            return Ok((Arc::new(read(reference)?), None));
        }
        let open = self.get(reference)?;
        Ok((open.file, Some(open.prompter)))
    }

    fn get(&self, reference: &ModelRef) -> Result<Open, Report> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that was replaced on disk is read anew.
        kept.retain(|open| open.file.unchanged().is_ok());
        if let Some(at) = kept.iter().position(|open| open.reference == *reference) {
            let open = kept.remove(at);
            kept.push(open.clone());
            return Ok(open);
        }
        let file = Arc::new(read(reference)?);
        let prompter = Arc::new(Prompter::new(&file, self.sandbox.clone())?);
        let open = Open { reference: reference.clone(), file, prompter, compiler: Compiler::default() };
        if kept.len() == KEPT_MAX {
            kept.remove(0);
        }
        kept.push(open.clone());
        Ok(open)
    }

    pub fn prompt(
        &self,
        reference: &ModelRef,
        messages: &[Message],
        rendering: &Rendering,
        add_generation_prompt: bool,
    ) -> Result<Prompt, Report> {
        let open = self.get(reference)?;
        Ok(open.prompter.prompt(messages, rendering, add_generation_prompt, now())?)
    }

    /// The prompt to generate from. An assistant's message at the end is gone on with.
    pub fn answerable(&self, reference: &ModelRef, messages: &[Message], rendering: &Rendering) -> Result<Prompt, Report> {
        let open = self.get(reference)?;
        let goes_on = messages.last().is_some_and(|m| m.role == Role::Assistant);
        Ok(match goes_on {
            true => open.prompter.continue_last(messages, rendering, now())?,
            false => open.prompter.prompt(messages, rendering, true, now())?,
        })
    }

    /// What holds an answer to a grammar.
    pub fn constraint(&self, reference: &ModelRef, grammar: &Grammar) -> Result<Constraint, Report> {
        let open = self.get(reference)?;
        open.compiler.compile(open.prompter.tokenizer(), grammar)
    }

    /// Also of a file whose tokenizer or template ingle does not know.
    pub fn describe(&self, reference: &ModelRef) -> Result<Description, Report> {
        let file = read(reference)?;
        let tensor = |t: &gguf::TensorInfo| TensorFacts {
            name: t.name.clone(),
            quantization: t.type_name(),
            shape: t.shape.to_vec(),
            bytes: t.n_bytes,
        };
        Ok(Description {
            facts: gguf::facts(&file),
            template: file.str("tokenizer.chat_template").map(|text| text.into_owned()),
            tensors: file.tensors().iter().map(tensor).collect(),
        })
    }

    pub fn tokenize(&self, reference: &ModelRef, request: &TokenizeRequest) -> Result<TokenizeAnswer, Report> {
        let open = self.get(reference)?;
        let tokenizer = open.prompter.tokenizer();
        let check = |ids: &[u32]| match ids.iter().find(|id| **id as usize >= tokenizer.n_tokens()) {
            None => Ok(()),
            Some(id) => {
                Err(Report::new(format!("id {id} is outside the vocabulary of {} tokens", tokenizer.n_tokens()), "Give ids of this model"))
            }
        };
        match request {
            TokenizeRequest::Encode { text, add_special, parse_special } => {
                let ids = tokenizer.encode(text, *add_special, *parse_special);
                let pieces = ids.iter().map(|id| tokenizer.piece(*id, true).to_vec()).collect();
                Ok(TokenizeAnswer::Ids { ids, pieces })
            }
            TokenizeRequest::Decode { ids, remove_special, unparse_special } => {
                check(ids)?;
                Ok(TokenizeAnswer::Bytes(tokenizer.decode(ids, *remove_special, *unparse_special)))
            }
            TokenizeRequest::Pieces { ids } => {
                check(ids)?;
                let piece = |&id: &u32| DetokenizedPiece {
                    id,
                    bytes: tokenizer.piece(id, false).to_vec(),
                    bytes_special: tokenizer.piece(id, true).to_vec(),
                };
                Ok(TokenizeAnswer::Pieces(ids.iter().map(piece).collect()))
            }
            TokenizeRequest::Count { texts } => {
                let count = |text: &String| u32::try_from(tokenizer.encode(text, false, false).len()).unwrap_or(u32::MAX);
                Ok(TokenizeAnswer::Counts(texts.iter().map(count).collect()))
            }
        }
    }
}

/// What a template's `strftime_now` tells.
fn now() -> jiff::civil::DateTime {
    jiff::Zoned::now().datetime()
}

fn read(reference: &ModelRef) -> Result<Gguf, Report> {
    Ok(match reference {
        ModelRef::Guide => gguf::guide()?,
        ModelRef::File(path) => Gguf::open(path)?,
    })
}
