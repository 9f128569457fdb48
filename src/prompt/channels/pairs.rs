//! Thinking that comes before the answer, between two marks.

use super::Opening;
use super::families::{Pair, Wrap};
use super::flow::Flow;
use super::lexer::Item;
use super::splitter::{Form, Pieces};
use crate::protocol::Channel;

#[derive(Debug, Clone)]
pub struct Pairs {
    pairs: Vec<&'static Pair>,
    wraps: Vec<&'static Wrap>,
    /// The pair inside which text is thought.
    inside: Option<&'static Pair>,
    code: Code,
    /// A mark that ends the answer if nothing follows it, with the white space behind it.
    last: String,
    flow: Flow,
}

impl Pairs {
    pub fn new(pairs: Vec<&'static Pair>, wraps: Vec<&'static Wrap>, opening: Opening) -> Self {
        let flow = if opening == Opening::Answer { Flow::going_on() } else { Flow::new() };
        let mut machine = Self { pairs, wraps, inside: None, code: Code::default(), last: String::new(), flow };
        match opening {
            Opening::Fresh | Opening::Answer => {}
            Opening::Closed => machine.flow.begin(Channel::Answer),
            Opening::Thinking(pair) => machine.think(pair),
        }
        machine
    }

    pub fn channel(&self) -> Channel {
        self.flow.channel()
    }

    fn think(&mut self, pair: &'static Pair) {
        (self.inside, self.code) = (Some(pair), Code::default());
        self.flow.begin(Channel::Thinking);
    }

    pub fn take(&mut self, item: Item, form: Form, out: &mut Pieces) {
        match item {
            Item::Char(c) => self.text(c, out),
            Item::Mark(mark) => {
                if !self.mark(mark, form) && form != Form::Hidden {
                    mark.chars().for_each(|c| self.text(c, out));
                }
            }
        }
    }

    fn text(&mut self, c: char, out: &mut Pieces) {
        if self.inside.is_some() {
            self.code.see(c);
        } else if !self.last.is_empty() {
            self.last.push(c);
            if !c.is_whitespace() {
                self.flow.put_str(&std::mem::take(&mut self.last), out);
            }
            return;
        }
        self.flow.put(c, out);
    }

    /// Whether it is a mark here, and not text.
    fn mark(&mut self, mark: &'static str, form: Form) -> bool {
        if let Some(pair) = self.inside {
            let closes = mark == pair.close && (form != Form::Spelled || !self.code.is_inside());
            if closes {
                self.inside = None;
                self.flow.begin(Channel::Answer);
            }
            return closes;
        }
        if !self.flow.is_fresh() {
            let ends = form != Form::Hidden && self.last.is_empty() && self.wraps.iter().any(|wrap| wrap.close == mark);
            if ends {
                self.last.push_str(mark);
            }
            return ends;
        }
        match self.pairs.iter().find(|pair| pair.open == mark) {
            Some(pair) => self.think(pair),
            // What closes or wraps before anything was said is no text either.
            None => self.flow.begin(Channel::Answer),
        }
        true
    }

    pub fn finish(&mut self, out: &mut Pieces) {
        self.flow.finish(out);
    }
}

/// Whether thinking is inside of code: a mark that is quoted there ends nothing.
#[derive(Debug, Clone, Default)]
struct Code {
    fenced: bool,
    /// Backticks at the line's beginning; none once anything else stood there.
    ticks: Option<u8>,
    quoted: bool,
}

/// Backticks that begin and end a block of code.
const FENCE: u8 = 3;

impl Code {
    fn see(&mut self, c: char) {
        self.quoted = c == '`';
        self.ticks = match (c, self.ticks) {
            ('\n', _) => Some(0),
            (' ' | '\t', Some(0)) => Some(0),
            ('`', Some(n)) if n + 1 < FENCE => Some(n + 1),
            ('`', Some(_)) => {
                self.fenced = !self.fenced;
                None
            }
            _ => None,
        };
    }

    /// In a fenced block, or right behind a backtick.
    fn is_inside(&self) -> bool {
        self.fenced || self.quoted
    }
}
