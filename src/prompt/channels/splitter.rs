//! An answer's text into its channels, as it comes.

use super::lexer::{Item, Lexer};
use super::messages::Messages;
use super::pairs::Pairs;
use super::{Channels, Marking, Opening};
use crate::protocol::Channel;

/// Text with the channel it belongs to, neighbours of one channel as one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pieces(pub Vec<(Channel, String)>);

impl Pieces {
    pub(super) fn put(&mut self, channel: Channel, c: char) {
        self.put_str(channel, c.encode_utf8(&mut [0; 4]));
    }

    pub(super) fn put_str(&mut self, channel: Channel, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some((last, before)) if *last == channel => before.push_str(text),
            _ => self.0.push((channel, text.to_owned())),
        }
    }

    pub fn extend(&mut self, more: Pieces) {
        more.0.iter().for_each(|(channel, text)| self.put_str(*channel, text));
    }
}

/// How a mark came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As text, perhaps over several tokens.
    Spelled,
    /// As a token that shows.
    Token,
    /// As a control token, whose text is never shown.
    Hidden,
}

#[derive(Debug, Clone)]
enum Machine {
    Pairs(Pairs),
    Messages(Messages),
}

/// Takes an answer's text and gives it back by channels. What comes out does not depend on how the text was cut.
#[derive(Debug, Clone)]
pub struct Splitter {
    lexer: Lexer,
    machine: Machine,
}

impl Splitter {
    pub(super) fn new(channels: &Channels) -> Self {
        let goes_on = channels.opening == Opening::Answer;
        match &channels.marking {
            Marking::Pairs { pairs, wraps } => {
                let marks = pairs.iter().flat_map(|p| [p.open, p.close]).chain(wraps.iter().flat_map(|w| [w.open, w.close]));
                Self { lexer: Lexer::new(marks), machine: Machine::Pairs(Pairs::new(pairs.clone(), wraps.clone(), channels.opening)) }
            }
            Marking::Messages { format, tail, spelled } => {
                let lexer = Lexer::new(format.marks.iter().map(|(mark, _)| *mark));
                let mut splitter = Self { lexer, machine: Machine::Messages(Messages::new(format, goes_on)) };
                splitter.push(tail);
                if let Machine::Messages(messages) = &mut splitter.machine {
                    messages.begin_answer(*spelled);
                }
                splitter
            }
        }
    }

    /// The mark that a token of these bytes is.
    pub fn mark(&self, token: &[u8]) -> Option<&'static str> {
        self.lexer.find(token)
    }

    /// Where the text goes that comes next.
    pub fn channel(&self) -> Channel {
        match &self.machine {
            Machine::Pairs(pairs) => pairs.channel(),
            Machine::Messages(messages) => messages.channel(),
        }
    }

    pub fn push(&mut self, text: &str) -> Pieces {
        let (mut out, machine) = (Pieces::default(), &mut self.machine);
        self.lexer.push(text, &mut |item| machine.take(item, Form::Spelled, &mut out));
        out
    }

    /// A mark that came as one token. `hidden`: a control token.
    pub fn token(&mut self, mark: &'static str, hidden: bool) -> Pieces {
        let (mut out, machine) = (Pieces::default(), &mut self.machine);
        self.lexer.flush(&mut |item| machine.take(item, Form::Spelled, &mut out));
        machine.take(Item::Mark(mark), if hidden { Form::Hidden } else { Form::Token }, &mut out);
        out
    }

    /// No text comes any more.
    pub fn finish(&mut self) -> Pieces {
        let (mut out, machine) = (Pieces::default(), &mut self.machine);
        self.lexer.flush(&mut |item| machine.take(item, Form::Spelled, &mut out));
        match machine {
            Machine::Pairs(pairs) => pairs.finish(&mut out),
            Machine::Messages(messages) => messages.finish(&mut out),
        }
        out
    }
}

impl Machine {
    fn take(&mut self, item: Item, form: Form, out: &mut Pieces) {
        match self {
            Machine::Pairs(pairs) => pairs.take(item, form, out),
            Machine::Messages(messages) => messages.take(item, form, out),
        }
    }
}
