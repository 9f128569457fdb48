//! The question that waits for its answer.

use crate::protocol::{JobId, NodeId};
use crate::tui::screens::conversation::ways::Full;
use std::path::PathBuf;

/// What of a model's file is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Info,
    Template,
    License,
    Tensors,
}

/// One part of the conversation, whose tokens are to be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Absent: the system prompt, or a summary.
    pub node: Option<NodeId>,
    pub who: &'static str,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    File(Part),
    /// The whole prompt is rendered first: its tokens are what the parts must add up to.
    Context(Vec<Turn>),
    /// Then each part is counted alone.
    Counts {
        turns: Vec<Turn>,
        n_prompt: u64,
    },
    /// On the screen, or to a file.
    Prompt(Option<PathBuf>),
    /// What the ids belong to, as the list's title says it.
    Tokens(String),
    /// How much each turn takes of a context that is full.
    Measure(Full),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub waiting: Option<(JobId, Question)>,
}

impl State {
    /// The question that this job answers.
    pub fn take(&mut self, job: JobId) -> Option<Question> {
        self.waiting.take_if(|(asked, _)| *asked == job).map(|(_, question)| question)
    }
}
