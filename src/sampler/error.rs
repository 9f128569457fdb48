//! What can be wrong with logits.

use crate::protocol::Report;

/// Why no token can be chosen.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SamplerError {
    #[error("the model computed {value} for {}, which is no weight to choose by", tokens(*.n, *.n_vocab, *.first))]
    NotANumber { value: f32, n: usize, n_vocab: usize, first: usize },
    #[error("the penalties make {value} of the logit of token {id}, which is no weight to choose by")]
    Changed { id: u32, value: f32 },
    #[error("the model ruled out every token")]
    Nothing,
    #[error("the grammar leaves the model no way on: {what}")]
    Grammar { what: String },
    #[error("logit_bias names token {id}, and the vocabulary has {n_vocab}")]
    NoSuchToken { id: u32, n_vocab: usize },
}

fn tokens(n: usize, n_vocab: usize, first: usize) -> String {
    match n {
        _ if n == n_vocab => format!("all {n} tokens"),
        1 => format!("token {first}"),
        _ => format!("{n} of {n_vocab} tokens, the first of them {first}"),
    }
}

impl SamplerError {
    pub fn report(&self) -> Report {
        let remedy = match self {
            Self::NotANumber { .. } | Self::Nothing => "The file is probably damaged: pull it again, or try it with --exact",
            Self::Changed { .. } => "Choose a repeat_penalty nearer to 1",
            Self::Grammar { .. } => "Answer without it, or write it wider",
            Self::NoSuchToken { .. } => "`ingle tokenize` tells the ids of a text",
        };
        Report::new(self.to_string(), remedy).because(self)
    }
}

impl From<SamplerError> for Report {
    fn from(error: SamplerError) -> Self {
        error.report()
    }
}
