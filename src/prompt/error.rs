//! Why there is no prompt.

use super::jinja::Fault;
use crate::protocol::{Offer, Report};
use crate::tokenizer::TokenizerError;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PromptError {
    #[error("{file}: {source}")]
    Vocabulary { file: String, source: TokenizerError },
    #[error("the chat template failed: {0}")]
    Template(Fault),
    #[error("the chat template was stopped: {reason}")]
    Stopped { reason: String },
    #[error("the process that renders chat templates did not start: {reason}")]
    NotStarted { reason: String },
    #[error("a message holds a control token's name ({name}), and the chat template does not keep messages as they are")]
    Unstable { name: String },
    #[error("the chat template does not keep the last message, so that it could be gone on with")]
    NoContinuation,
}

impl PromptError {
    fn remedy(&self) -> &'static str {
        match self {
            PromptError::Vocabulary { .. } => "",
            PromptError::Template(Fault::Raised { .. }) => "Change the conversation as it asks",
            PromptError::Template(Fault::Time { .. }) => "Write the time that way",
            PromptError::Template(_) | PromptError::Stopped { .. } => {
                "The template in the file is at fault; another file of the same model may carry a sound one"
            }
            PromptError::NotStarted { .. } => "Start ingle again; its own program file may have been replaced",
            PromptError::Unstable { .. } => "Write that name another way",
            PromptError::NoContinuation => "Ask for a new answer instead",
        }
    }

    pub fn report(&self) -> Report {
        let of_template = |what: String| Report::new(what, self.remedy()).offender("tokenizer.chat_template").offer(Offer::Template);
        match self {
            PromptError::Vocabulary { source, .. } => Report { what: self.to_string(), ..source.report() },
            PromptError::Template(Fault::Raised { reason }) => {
                of_template(format!("the chat template refuses this conversation: {reason}"))
            }
            PromptError::NotStarted { .. } | PromptError::Template(Fault::Time { .. }) => Report::new(self.to_string(), self.remedy()),
            PromptError::Template(_) | PromptError::Stopped { .. } | PromptError::Unstable { .. } | PromptError::NoContinuation => {
                of_template(self.to_string())
            }
        }
    }
}

impl From<PromptError> for Report {
    fn from(error: PromptError) -> Self {
        error.report()
    }
}
