//! What can be wrong with a grammar.

use crate::protocol::Report;

/// Longest text of what llguidance says, characters.
const CAUSE_CHARS_MAX: usize = 240;

/// llguidance's mark that it was told to say no more.
const NO_DETAILS: &str = "<non-verbose/>";

/// Why a grammar cannot constrain an answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GrammarError {
    #[error("the {kind} is {found} bytes long, at most {max} are taken")]
    Long { kind: &'static str, found: usize, max: usize },
    #[error("the {kind} has {found} {what}, at most {max} are taken")]
    Many { kind: &'static str, what: &'static str, found: usize, max: usize },
    #[error("the JSON schema is no JSON: {what}")]
    NoJson { what: String },
    #[error("the JSON schema is refused at {path}: {what}")]
    Schema { path: String, what: String },
    #[error("the grammar is refused: {what}")]
    Grammar { what: String },
    #[error("the GBNF grammar is refused in line {line}: {what}")]
    Gbnf { line: usize, what: String },
    #[error("this model's vocabulary cannot be constrained: {what}")]
    Vocabulary { what: String },
}

impl GrammarError {
    pub fn report(&self) -> Report {
        let remedy = match self {
            Self::Long { .. } | Self::Many { .. } => "Say less of it",
            Self::NoJson { .. } | Self::Schema { .. } => "Change the schema; only references into itself (#/...) are followed",
            Self::Grammar { .. } | Self::Gbnf { .. } => "Write it in llguidance's Lark (start: ...) or in GBNF (root ::= ...)",
            Self::Vocabulary { .. } => "Answer without a grammar, or take another model",
        };
        Report::new(self.to_string(), remedy).because(self)
    }
}

impl From<GrammarError> for Report {
    fn from(error: GrammarError) -> Self {
        error.report()
    }
}

/// What a library says over several lines, as a part of a sentence.
pub(super) fn cause(error: &impl std::fmt::Display) -> String {
    let text = error.to_string().replace(NO_DETAILS, "");
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(CAUSE_CHARS_MAX).collect()
}
