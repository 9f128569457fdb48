//! Keeping what people write text: a control token's name in a message must not become that token.
//!
//! Control tokens are looked for in the rendered prompt as a whole, where a message's text cannot be told from the
//! template's. So names inside messages are broken by a character that stands nowhere else, the messages are rendered
//! again, tokens are cut out, and the character is dropped. Both renderings must be the same but for it.

use crate::protocol::{Message, Role};
use crate::tokenizer::Tokenizer;
use std::borrow::Cow;

/// Noncharacters (Unicode, section 23.7): no text has them that is meant to be exchanged.
fn noncharacters() -> impl Iterator<Item = char> {
    ('\u{FDD0}'..='\u{FDEF}').chain(['\u{1FFFE}', '\u{1FFFF}', '\u{2FFFE}', '\u{2FFFF}', '\u{3FFFE}', '\u{3FFFF}'])
}

/// Two characters that stand in none of the texts and no special token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    /// Put inside control tokens' names.
    pub(super) sentinel: char,
    /// Put at the end of a message that is gone on with.
    pub(super) tail: char,
}

impl Marks {
    pub(super) fn choose<'t>(texts: impl Iterator<Item = &'t str>, tokenizer: &Tokenizer) -> Option<Self> {
        let mut free: Vec<char> = noncharacters().filter(|c| !tokenizer.special_has(*c)).collect();
        for text in texts {
            // All of them lie beyond U+FDCF: most texts have no such lead byte.
            if text.bytes().any(|byte| byte >= 0xEF) {
                free.retain(|c| !text.contains(*c));
            }
        }
        match *free.as_slice() {
            [sentinel, tail, ..] => Some(Self { sentinel, tail }),
            _ => None,
        }
    }

    /// Rendered text without the sentinels.
    pub(super) fn without<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.contains(self.sentinel) { text.replace(self.sentinel, "").into() } else { text.into() }
    }
}

/// The text with every control token's name broken; `None` if it holds none.
fn broken(text: &str, tokenizer: &Tokenizer, sentinel: char) -> Option<String> {
    let starts = tokenizer.control_starts(text);
    if starts.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(text.len() + starts.len() * sentinel.len_utf8());
    let mut starts = starts.into_iter().peekable();
    for (at, c) in text.char_indices() {
        out.push(c);
        if starts.next_if_eq(&at).is_some() {
            out.push(sentinel);
        }
    }
    Some(out)
}

/// The messages with every control token's name in them broken, the assistant's own included if `and_answers`;
/// `None` if there are none.
pub(super) fn break_names(messages: &[Message], tokenizer: &Tokenizer, marks: Marks, and_answers: bool) -> Option<Vec<Message>> {
    let mut changed = false;
    let mut fix = |text: &str| {
        let fixed = broken(text, tokenizer, marks.sentinel);
        changed |= fixed.is_some();
        fixed.unwrap_or_else(|| text.to_owned())
    };
    let message = |m: &Message| match m.role {
        Role::Assistant if !and_answers => m.clone(),
        _ => Message { role: m.role, content: fix(&m.content), thinking: m.thinking.as_deref().map(&mut fix) },
    };
    let messages: Vec<Message> = messages.iter().map(message).collect();
    changed.then_some(messages)
}
