//! Characters on their way into a channel: white space at the edges of thinking is the marks', not the text's.

use super::splitter::Pieces;
use crate::protocol::Channel;

/// Between two parts of one channel.
const GAP: &str = "\n\n";

/// The part that is being written.
#[derive(Debug, Clone)]
pub struct Flow {
    channel: Channel,
    /// Nothing stands in this part yet.
    fresh: bool,
    /// White space at the part's beginning is dropped.
    trims: bool,
    /// White space that counts only if text follows.
    held: String,
    thought: bool,
    answered: bool,
}

impl Flow {
    /// An answer from its first character on, as it is.
    pub fn new() -> Self {
        Self { channel: Channel::Answer, fresh: true, trims: false, held: String::new(), thought: false, answered: false }
    }

    /// An answer that is gone on with.
    pub fn going_on() -> Self {
        Self { fresh: false, answered: true, ..Self::new() }
    }

    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// Nothing was said in this part yet.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Another part begins behind a mark.
    pub fn begin(&mut self, channel: Channel) {
        self.held.clear();
        (self.channel, self.fresh, self.trims) = (channel, true, true);
    }

    pub fn put(&mut self, c: char, out: &mut Pieces) {
        if c.is_whitespace() && (self.fresh || self.channel == Channel::Thinking) {
            if !(self.fresh && self.trims) {
                self.held.push(c);
            }
            return;
        }
        let before = match self.channel {
            Channel::Thinking => &mut self.thought,
            Channel::Answer => &mut self.answered,
        };
        if self.fresh && *before {
            out.put_str(self.channel, GAP);
        }
        (self.fresh, *before) = (false, true);
        out.put_str(self.channel, &std::mem::take(&mut self.held));
        out.put(self.channel, c);
    }

    pub fn put_str(&mut self, text: &str, out: &mut Pieces) {
        text.chars().for_each(|c| self.put(c, out));
    }

    /// An answer of white space alone is one.
    pub fn finish(&mut self, out: &mut Pieces) {
        let held = std::mem::take(&mut self.held);
        if self.channel == Channel::Answer {
            out.put_str(Channel::Answer, &held);
        }
    }
}
