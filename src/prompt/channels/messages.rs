//! Answers made of messages, each with a header that says which channel it belongs to.

use super::families::{Format, Kind};
use super::flow::Flow;
use super::lexer::Item;
use super::splitter::{Form, Pieces};
use crate::protocol::Channel;

/// A longer header is none: it is what the model says.
const HEADER_CHARS_MAX: usize = 128;

#[derive(Debug, Clone)]
struct Header {
    text: String,
    /// Where the answer's part of it begins, behind the prompt's.
    begins: usize,
    /// Of a message that ends.
    ends: bool,
}

#[derive(Debug, Clone)]
pub struct Messages {
    format: &'static Format,
    /// Marks count as such where they are spelled, too.
    spelled: bool,
    header: Option<Header>,
    flow: Flow,
}

impl Messages {
    /// Takes the prompt's end first, in which marks are spelled.
    pub fn new(format: &'static Format, goes_on: bool) -> Self {
        let flow = if goes_on { Flow::going_on() } else { Flow::new() };
        Self { format, spelled: true, header: None, flow }
    }

    /// The prompt ends here. What its last message said is not part of the answer.
    pub fn begin_answer(&mut self, spelled: bool) {
        self.spelled = spelled;
        let thinks = self.flow.channel() == Channel::Thinking && self.header.is_none();
        if thinks || !self.flow.is_fresh() {
            self.flow = Flow::new();
        }
        if thinks {
            self.flow.begin(Channel::Thinking);
        }
        self.header.iter_mut().for_each(|header| header.begins = header.text.len());
    }

    pub fn channel(&self) -> Channel {
        // A header is the marks', and those count as thinking.
        if self.header.is_some() { Channel::Thinking } else { self.flow.channel() }
    }

    pub fn take(&mut self, item: Item, form: Form, out: &mut Pieces) {
        match item {
            Item::Char(c) => self.text(c, out),
            Item::Mark(mark) if form == Form::Spelled && !self.spelled => mark.chars().for_each(|c| self.text(c, out)),
            Item::Mark(mark) => {
                let kind = self.format.marks.iter().find(|(text, _)| *text == mark).map(|(_, kind)| *kind);
                kind.into_iter().for_each(|kind| self.mark(kind, out));
            }
        }
    }

    fn text(&mut self, c: char, out: &mut Pieces) {
        let Some(header) = &mut self.header else { return self.flow.put(c, out) };
        if c == '\n' && self.format.ends_with_line {
            return self.mark(Kind::Body, out);
        }
        header.text.push(c);
        if c == '\n' || header.text.chars().count() > HEADER_CHARS_MAX {
            self.no_header(out);
        }
    }

    /// What looked like a header is text.
    fn no_header(&mut self, out: &mut Pieces) {
        if let Some(header) = self.header.take() {
            self.flow.begin(Channel::Answer);
            self.flow.put_str(&header.text[header.begins..], out);
        }
    }

    /// A header without a body may have been all that was said.
    fn end_header(&mut self, out: &mut Pieces) {
        let is_part = |word: &str, known: &str| known.starts_with(word) || known.ends_with('=') && word.starts_with(known);
        let known = |word: &str| self.format.words.iter().any(|known| is_part(word, known));
        if self.header.as_ref().is_some_and(|h| !h.text[h.begins..].split_whitespace().all(known)) {
            self.no_header(out);
        }
    }

    fn mark(&mut self, kind: Kind, out: &mut Pieces) {
        if kind == Kind::End {
            self.end_header(out);
        }
        let before = self.header.take();
        let channel = match kind {
            Kind::Header | Kind::Footer => {
                let before = before.unwrap_or_else(|| Header { text: String::new(), begins: 0, ends: false });
                self.header = Some(Header { text: before.text + " ", begins: before.begins, ends: kind == Kind::Footer });
                return;
            }
            Kind::ThinkingBody => Channel::Thinking,
            Kind::AnswerBody | Kind::End => Channel::Answer,
            Kind::Body => match before {
                Some(header) if !header.ends && header.text.contains(self.format.thinks) => Channel::Thinking,
                _ => Channel::Answer,
            },
        };
        self.flow.begin(channel);
    }

    pub fn finish(&mut self, out: &mut Pieces) {
        self.end_header(out);
        self.flow.finish(out);
    }
}
