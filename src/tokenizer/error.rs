//! What can be wrong with a vocabulary.

use crate::protocol::Report;

/// Why a file's vocabulary cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TokenizerError {
    #[error("tokenizer.ggml.model is {model}, a kind of tokenizer that ingle does not know yet")]
    UnknownModel { model: String },
    #[error("tokenizer.ggml.pre is {pre}, a pre-tokenizer that ingle does not know yet")]
    UnknownPre { pre: String },
    #[error("the key {key} is missing")]
    Missing { key: &'static str },
    #[error("{key} holds {found}, expected {expected}")]
    KeyType { key: String, found: String, expected: &'static str },
    #[error("{key} has {found} entries for {n_tokens} tokens")]
    Length { key: &'static str, found: usize, n_tokens: usize },
    #[error("the vocabulary has {found} tokens, expected 1 to {max}")]
    TokenCount { found: usize, max: usize },
    #[error("token {id} is typed as a byte, but is {text}, expected <0x00> to <0xFF>")]
    ByteToken { id: usize, text: String },
    #[error("tokenizer.ggml.merges holds {text} at {index}, expected two parts with a blank between them")]
    Merge { index: usize, text: String },
    #[error("token {id} is {text}, which has a broken escape, expected \\t, \\n, \\r, \\\\, or \\x with two digits")]
    Escape { id: usize, text: String },
    #[error("no token is typed as the byte <0x{byte:02X}>, which this kind of vocabulary falls back to")]
    MissingByte { byte: u8 },
    #[error("tokenizer.ggml.precompiled_charsmap {what}")]
    Charsmap { what: &'static str },
    #[error("{switch} is true, but {id_key} names no token")]
    NoSuchSpecial { switch: &'static str, id_key: &'static str },
}

impl TokenizerError {
    /// What to do about it.
    fn remedy(&self) -> &'static str {
        match self {
            TokenizerError::UnknownModel { .. } | TokenizerError::UnknownPre { .. } => {
                "Update ingle, or use a file of another model; guessing here would give wrong answers"
            }
            _ => "Pull or convert the file again",
        }
    }

    /// The key, token or value at fault, alone.
    fn offender(&self) -> String {
        match self {
            TokenizerError::UnknownModel { model } => model.clone(),
            TokenizerError::UnknownPre { pre } => pre.clone(),
            TokenizerError::KeyType { key, .. } => key.clone(),
            TokenizerError::Missing { key } | TokenizerError::Length { key, .. } => (*key).to_owned(),
            TokenizerError::TokenCount { .. } => "tokenizer.ggml.tokens".to_owned(),
            TokenizerError::ByteToken { text, .. } | TokenizerError::Escape { text, .. } => text.clone(),
            TokenizerError::MissingByte { byte } => format!("<0x{byte:02X}>"),
            TokenizerError::Charsmap { .. } => "tokenizer.ggml.precompiled_charsmap".to_owned(),
            TokenizerError::Merge { .. } => "tokenizer.ggml.merges".to_owned(),
            TokenizerError::NoSuchSpecial { id_key, .. } => (*id_key).to_owned(),
        }
    }

    pub fn report(&self) -> Report {
        Report::new(self.to_string(), self.remedy()).offender(self.offender())
    }
}

impl From<TokenizerError> for Report {
    fn from(error: TokenizerError) -> Self {
        error.report()
    }
}
