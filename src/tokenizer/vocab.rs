//! A vocabulary as its file says it, and the checks on it.

use super::{Strings, TokenizerError};

/// Ids are `u32`, and a few values above them have meanings of their own.
pub(super) const TOKENS_MAX: usize = 1 << 26;

/// Longest excerpt of a token in an error, characters.
const EXCERPT_MAX: usize = 64;

/// `tokenizer.ggml.token_type`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    Undefined,
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

impl TokenType {
    /// From the number in the file (llama.h, `llama_token_type`); an unknown one is as undefined.
    pub fn from_number(n: i64) -> Self {
        match n {
            1 => TokenType::Normal,
            2 => TokenType::Unknown,
            3 => TokenType::Control,
            4 => TokenType::UserDefined,
            5 => TokenType::Unused,
            6 => TokenType::Byte,
            _ => TokenType::Undefined,
        }
    }
}

/// The ids that `tokenizer.ggml.*_token_id` name, as the file says them: they may lie outside the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialIds {
    pub bos: Option<u32>,
    pub eos: Option<u32>,
    pub eot: Option<u32>,
    pub eom: Option<u32>,
    pub unk: Option<u32>,
    pub pad: Option<u32>,
    pub fim_pre: Option<u32>,
    pub fim_suf: Option<u32>,
    pub fim_mid: Option<u32>,
    pub fim_pad: Option<u32>,
    pub fim_rep: Option<u32>,
    pub fim_sep: Option<u32>,
}

impl SpecialIds {
    pub const NONE: Self = Self {
        bos: None,
        eos: None,
        eot: None,
        eom: None,
        unk: None,
        pad: None,
        fim_pre: None,
        fim_suf: None,
        fim_mid: None,
        fim_pad: None,
        fim_rep: None,
        fim_sep: None,
    };
}

impl Default for SpecialIds {
    fn default() -> Self {
        Self::NONE
    }
}

/// What a file says of its tokenizer. Plain data, nothing of it checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vocab {
    /// `tokenizer.ggml.model`
    pub model: String,
    /// `tokenizer.ggml.pre`
    pub pre: Option<String>,
    /// `general.name`: some models are known by it alone.
    pub name: String,
    pub tokens: Strings,
    /// Absent: all 0.
    pub scores: Option<Vec<f32>>,
    /// Absent: all normal.
    pub types: Option<Vec<TokenType>>,
    /// Each "LEFT RIGHT", lowest rank first.
    pub merges: Option<Strings>,
    pub ids: SpecialIds,
    pub add_bos: Option<bool>,
    pub add_eos: Option<bool>,
    pub add_space_prefix: Option<bool>,
    /// Unigram: blanks side by side, at the start and at the end are one or none.
    pub remove_extra_whitespaces: Option<bool>,
    /// Unigram: SentencePiece's map of characters.
    pub charsmap: Option<Vec<u8>>,
    /// White-space vocabularies: text is put into lower case.
    pub lowercase: Option<bool>,
}

impl Vocab {
    /// A token's text; an empty one gets a name, since an empty text would match everywhere.
    pub(super) fn text(&self, id: usize) -> std::borrow::Cow<'_, [u8]> {
        match self.tokens.get(id) {
            [] => format!("[EMPTY_{id}]").into_bytes().into(),
            text => text.into(),
        }
    }

    pub(super) fn type_of(&self, id: usize) -> TokenType {
        self.types.as_ref().map_or(TokenType::Normal, |t| t.get(id).copied().unwrap_or(TokenType::Undefined))
    }

    pub(super) fn score(&self, id: usize) -> f32 {
        self.scores.as_ref().and_then(|s| s.get(id)).copied().unwrap_or(0.0)
    }

    /// Whatever must hold for each kind of vocabulary.
    pub(super) fn check(&self) -> Result<(), TokenizerError> {
        let n_tokens = self.tokens.len();
        if n_tokens == 0 || n_tokens > TOKENS_MAX {
            return Err(TokenizerError::TokenCount { found: n_tokens, max: TOKENS_MAX });
        }
        let length = |key, found| if found == n_tokens { Ok(()) } else { Err(TokenizerError::Length { key, found, n_tokens }) };
        length("tokenizer.ggml.scores", self.scores.as_ref().map_or(n_tokens, Vec::len))?;
        length("tokenizer.ggml.token_type", self.types.as_ref().map_or(n_tokens, Vec::len))?;
        let no_byte = |&id: &usize| self.type_of(id) == TokenType::Byte && byte_of(self.tokens.get(id)).is_none();
        match (0..n_tokens).find(no_byte) {
            Some(id) => Err(TokenizerError::ByteToken { id, text: excerpt(self.tokens.get(id)) }),
            None => Ok(()),
        }
    }
}

/// The byte of a token written `<0xHH>`.
pub(super) fn byte_of(text: &[u8]) -> Option<u8> {
    let hex = text.strip_prefix(b"<0x")?.strip_suffix(b">")?;
    let digit = |b: &u8| char::from(*b).to_digit(16);
    match hex {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    }
}

/// A token's text as an error shows it.
pub(super) fn excerpt(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut short: String = text.chars().take(EXCERPT_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
