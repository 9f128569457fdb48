//! What of an answer is certain and not told yet: text by channels, and the tokens it came from.

use crate::prompt::{Channels, Pieces, Splitter};
use crate::protocol::{Channel, TokenOut};

#[cfg(test)]
mod tests;

pub struct Told {
    /// Absent where ids alone are known: all is answer.
    pub splitter: Option<Splitter>,
    pieces: Pieces,
    tokens: Vec<(Channel, TokenOut)>,
    n_thinking: u32,
    /// The newest token was one of thinking.
    thinks: bool,
}

/// One event's worth.
pub type Part = (Channel, String, Vec<TokenOut>);

impl Told {
    pub fn new(channels: Option<&Channels>) -> Self {
        let splitter = channels.map(Channels::splitter);
        Self { splitter, pieces: Pieces::default(), tokens: Vec::new(), n_thinking: 0, thinks: false }
    }

    /// Where the text goes that comes next.
    pub fn channel(&self) -> Channel {
        self.splitter.as_ref().map_or(Channel::Answer, Splitter::channel)
    }

    pub fn split(&mut self, text: &str) -> Pieces {
        let before = self.channel();
        let pieces = match &mut self.splitter {
            Some(splitter) => splitter.push(text),
            None => Pieces(Some((Channel::Answer, text.to_owned())).filter(|_| !text.is_empty()).into_iter().collect()),
        };
        self.thinks = [before, self.channel()].contains(&Channel::Thinking);
        pieces
    }

    pub fn split_at_mark(&mut self, before: &str, mark: &'static str, hidden: bool) -> Pieces {
        let mut pieces = self.split(before);
        let thought = self.thinks;
        pieces.extend(self.splitter.as_mut().map(|s| s.token(mark, hidden)).unwrap_or_default());
        self.thinks = thought || self.channel() == Channel::Thinking;
        pieces
    }

    /// A token, and the text that it made certain. One that touches thinking is thinking's.
    pub fn push(&mut self, token: TokenOut, pieces: Pieces) {
        let channel = if self.thinks { Channel::Thinking } else { Channel::Answer };
        self.n_thinking += u32::from(self.thinks);
        self.tokens.push((channel, token));
        self.pieces.extend(pieces);
    }

    pub fn thinks(&self) -> bool {
        self.thinks
    }

    pub fn n_thinking(&self) -> u32 {
        self.n_thinking
    }

    /// What can be told: text with the tokens up to it. `now`: tokens do not wait for text.
    pub fn take(&mut self, now: bool) -> Vec<Part> {
        let pieces = std::mem::take(&mut self.pieces).0;
        if pieces.is_empty() && !now {
            return Vec::new();
        }
        let mut tokens = std::mem::take(&mut self.tokens);
        let mut parts: Vec<Part> = Vec::new();
        for (channel, text) in pieces {
            // Tokens stay in their order: those of marks, which have no text of their own, go before.
            let is_own = |(of, _): &(Channel, TokenOut)| *of == channel;
            let before = tokens.iter().position(is_own).unwrap_or(0);
            append(&mut parts, tokens.drain(..before));
            let n_own = tokens.iter().take_while(|token| is_own(token)).count();
            let own = tokens.drain(..n_own).map(|(_, token)| token).collect();
            parts.push((channel, text, own));
        }
        append(&mut parts, tokens.drain(..));
        parts
    }

    /// The answer is over; `rest` is what was still held back.
    pub fn finish(&mut self, rest: &str) -> Vec<Part> {
        let mut pieces = self.split(rest);
        pieces.extend(self.splitter.as_mut().map(Splitter::finish).unwrap_or_default());
        self.pieces.extend(pieces);
        self.take(true)
    }
}

/// Tokens without text of their own, behind what came before.
fn append(parts: &mut Vec<Part>, tokens: impl Iterator<Item = (Channel, TokenOut)>) {
    for (channel, token) in tokens {
        match parts.last_mut() {
            Some((last, _, own)) if *last == channel => own.push(token),
            _ => parts.push((channel, String::new(), vec![token])),
        }
    }
}
