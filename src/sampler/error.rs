//! What can be wrong with logits.

use crate::protocol::Report;

/// Why no token can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum SamplerError {
    #[error("the model computed {value} for token {id}, which is no weight to choose by")]
    NotANumber { id: usize, value: f32 },
    #[error("the model ruled out every token")]
    Nothing,
}

impl SamplerError {
    pub fn report(&self) -> Report {
        Report::new(self.to_string(), "The file is probably damaged: pull it again, or try it with --exact").because(self)
    }
}

impl From<SamplerError> for Report {
    fn from(error: SamplerError) -> Self {
        error.report()
    }
}
