//! The one form in which anything that went wrong reaches a person.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An error as a person reads it: one sentence that names the offender, and what to do about it.
///
/// `what` and `offender` may hold text from files and models; whoever shows a report makes `text::Shown` of it first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What happened, without a full stop, naming the offender: "llama.gguf ends inside tensor blk.3.ffn_up.weight".
    pub what: String,
    /// The file, tensor, key or setting at fault, alone, for programs that read `--json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offender: Option<String>,
    /// What to do: "Pull it again". Empty where nothing helps.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// The chain of causes, for the log alone.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub cause: Box<str>,
    /// What can be chosen among instead of giving up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Box<Offer>>,
}

/// A way on that needs a person's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offer {
    /// The chat template did not take the conversation: another one may.
    Template,
    /// The prompt of so many tokens leaves too little of the context for an answer.
    Context { n_prompt: u32, n_ctx: u32 },
}

impl Report {
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), offender: None, remedy: remedy.into(), cause: Box::default(), offer: None }
    }

    pub fn offender(mut self, offender: impl Into<String>) -> Self {
        self.offender = Some(offender.into());
        self
    }

    pub fn offer(mut self, offer: Offer) -> Self {
        self.offer = Some(Box::new(offer));
        self
    }

    /// Keeps the chain of `error`'s causes for the log.
    pub fn because(mut self, error: &dyn std::error::Error) -> Self {
        let mut chain = error.to_string();
        let mut next = error.source();
        while let Some(e) = next {
            chain.push_str(": ");
            chain.push_str(&e.to_string());
            next = e.source();
        }
        self.cause = chain.into();
        self
    }
}

impl fmt::Display for Report {
    /// "what. remedy." on one line, as stderr and toasts print it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = |f: &mut fmt::Formatter<'_>, s: &str| match s.trim_end().trim_end_matches('.') {
            "" => Ok(()),
            s if s.ends_with(['?', '!']) => f.write_str(s),
            s => write!(f, "{s}."),
        };
        sentence(f, &self.what)?;
        if !self.remedy.is_empty() {
            f.write_str(" ")?;
            sentence(f, &self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}
