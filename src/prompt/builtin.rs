//! Chat templates that ingle has itself: for files that carry none, and for conversations that a file's own refuses.
//! They know turns and nothing else: no tools, no dates, no thinking of earlier turns.

use crate::tokenizer::{Part, Tokenizer};

#[cfg(test)]
mod tests;

pub struct Builtin {
    pub name: &'static str,
    pub source: &'static str,
    /// Tokens of this template's turns: a vocabulary that has all of them was made for it. Empty: none is made for it alone.
    tokens: &'static [&'static str],
}

macro_rules! builtin {
    ($name:literal, $tokens:expr) => {
        Builtin { name: $name, source: include_str!(concat!("templates/", $name, ".jinja")), tokens: $tokens }
    };
}

/// By name as in `protocol::TEMPLATE_NAMES`; the first that fits stands in for a template that is missing.
const BUILTINS: &[Builtin] = &[
    builtin!("chatml", &["<|im_start|>", "<|im_end|>"]),
    builtin!("llama2", &[]),
    builtin!("llama3", &["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]),
    builtin!("gemma", &["<start_of_turn>", "<end_of_turn>"]),
    builtin!("mistral", &["[INST]", "[/INST]"]),
    builtin!("phi3", &["<|user|>", "<|assistant|>", "<|end|>"]),
    builtin!("deepseek", &["<｜User｜>", "<｜Assistant｜>"]),
    builtin!("command-r", &["<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>"]),
    builtin!("granite", &["<|start_of_role|>", "<|end_of_role|>"]),
    builtin!("harmony", &["<|start|>", "<|channel|>", "<|message|>"]),
    builtin!("vicuna", &[]),
    builtin!("alpaca", &[]),
    builtin!("plain", &[]),
];

/// What a file without a template and without any template's tokens is: text to be gone on with.
pub const PLAIN: &str = "plain";

pub fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}

/// Those whose marks the vocabulary has as tokens.
pub fn fitting(tokenizer: &Tokenizer) -> impl Iterator<Item = &'static Builtin> {
    let fits = |builtin: &&Builtin| !builtin.tokens.is_empty() && builtin.tokens.iter().all(|token| is_token(tokenizer, token));
    BUILTINS.iter().filter(fits)
}

/// Whether a text is one special token of the vocabulary.
pub fn is_token(tokenizer: &Tokenizer, text: &str) -> bool {
    matches!(tokenizer.cut(text)[..], [Part::Token(_)])
}
