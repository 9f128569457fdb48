//! Chat templates that ingle has itself: for files that carry none, and for conversations that a file's own refuses.
//! They know turns and nothing else: no tools, no dates, no thinking of earlier turns.

use crate::tokenizer::{Part, Tokenizer};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{RenderInput, Template};
    use crate::protocol::{Message, Role, TEMPLATE_NAMES, TEMPLATE_OWN};

    #[test]
    fn every_name_has_its_template() {
        let names: Vec<&str> = std::iter::once(TEMPLATE_OWN).chain(BUILTINS.iter().map(|b| b.name)).collect();
        assert_eq!(names, TEMPLATE_NAMES);
    }

    #[test]
    fn all_of_them_render_a_conversation_with_a_system_text() {
        let says = [(Role::System, "Be brief."), (Role::User, "2+2?"), (Role::Assistant, "4."), (Role::User, "And 3+3?")];
        let messages = says.map(|(role, text)| Message::new(role, text));
        let now = jiff::civil::date(2026, 1, 2).at(3, 4, 5, 0);
        let input =
            RenderInput { bos_token: Some("<s>".to_owned()), eos_token: Some("</s>".to_owned()), ..RenderInput::of(&messages, true, now) };
        for builtin in BUILTINS {
            let text = Template::builtin(builtin).render(&input, None).unwrap();
            let places: Vec<Option<usize>> = says.iter().map(|(_, said)| text.find(said)).collect();
            assert!(places.is_sorted() && places.iter().all(Option::is_some), "{}: {text}", builtin.name);
            for (_, said) in says {
                assert_eq!(text.matches(said).count(), 1, "{}: {text}", builtin.name);
            }
        }
    }
}
