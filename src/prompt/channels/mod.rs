//! What a model thinks, apart from what it answers.
//!
//! Begin with [`Channels`]: from a template, the prompt it rendered and the vocabulary it says how this answer's thinking
//! will be marked, and whether the prompt has begun it already. Its [`Splitter`] takes the text as it comes. The marks
//! are a table (`families`). Two machines read them: `pairs` for thinking that comes first, between two marks, and
//! `messages` for answers of several messages with headers. Text that neither knows is answer: nothing is lost.

mod families;
mod flow;
mod lexer;
mod messages;
mod pairs;
mod splitter;
#[cfg(test)]
mod tests;

pub use splitter::{Pieces, Splitter};

use families::{FORMATS, Format, Kind, PAIRS, Pair, WRAPS, Wrap};

/// Where an answer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// Nothing is said yet; a mark may come first.
    Fresh,
    /// The prompt has closed an empty thinking.
    Closed,
    /// The prompt ends inside thinking.
    Thinking(&'static Pair),
    /// The prompt ends inside what was answered before.
    Answer,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Marking {
    Pairs {
        pairs: Vec<&'static Pair>,
        wraps: Vec<&'static Wrap>,
    },
    Messages {
        format: &'static Format,
        /// The prompt from where its last message's header begins.
        tail: String,
        /// The vocabulary has no tokens for the marks: they come as text.
        spelled: bool,
    },
}

/// How one answer's channels are marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channels {
    marking: Marking,
    opening: Opening,
}

/// Where control tokens' names of people's texts were broken, a prompt's end is surely the template's. So much of it is
/// looked at for marks that a template puts together and does not spell.
const END_BYTES: usize = 256;

impl Channels {
    /// `prompt` is as rendered; `goes_on`: it ends inside an answer. `is_token`: whether the vocabulary has such a token.
    pub fn find(template: &str, prompt: &str, goes_on: bool, is_token: impl Fn(&str) -> bool) -> Self {
        let spells = |text: &str| template.contains(text);
        if let Some(format) = FORMATS.iter().find(|format| format.evidence.iter().all(|e| spells(e))) {
            let headers = format.marks.iter().filter(|(_, kind)| *kind == Kind::Header);
            let begins = headers.filter_map(|(mark, _)| prompt.rfind(mark)).max();
            let tail = begins.filter(|_| !goes_on).map_or("", |at| &prompt[at..]).to_owned();
            let spelled = !format.marks.iter().any(|(mark, _)| is_token(mark));
            let opening = if goes_on { Opening::Answer } else { Opening::Fresh };
            return Self { marking: Marking::Messages { format, tail, spelled }, opening };
        }
        let end = &prompt[prompt.ceil_char_boundary(prompt.len().saturating_sub(END_BYTES))..];
        let is_there = |mark: &str| !mark.is_empty() && (spells(mark) || end.contains(mark) || is_token(mark));
        let known = |(at, pair): (usize, &'static Pair)| (at == 0 || is_there(pair.open) || is_there(pair.close)).then_some(pair);
        let pairs: Vec<&'static Pair> = PAIRS.iter().enumerate().filter_map(known).collect();
        let wraps = WRAPS.iter().filter(|wrap| is_there(wrap.open) || is_there(wrap.close)).collect();
        let last = end.trim_end();
        let opening = match (pairs.iter().find(|p| last.ends_with(p.open)), pairs.iter().any(|p| last.ends_with(p.close))) {
            _ if goes_on => Opening::Answer,
            (Some(pair), _) => Opening::Thinking(pair),
            (None, true) => Opening::Closed,
            (None, false) => Opening::Fresh,
        };
        Self { marking: Marking::Pairs { pairs, wraps }, opening }
    }

    pub fn splitter(&self) -> Splitter {
        Splitter::new(self)
    }
}
