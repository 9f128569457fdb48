//! Tokens' bytes to whole characters, with an eye on stop strings.

/// What a piece completed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assembled {
    /// Newly certain text.
    pub text: String,
    /// The stop string that was met, as its place in the list; it and all after it are not part of any text.
    pub stop: Option<usize>,
}

/// Makes text of pieces as they are generated, whatever way characters and stop strings are spread over them: bytes
/// that may still become a character and text that may still become a stop string are held back. What comes out does
/// not depend on how the bytes were cut.
#[derive(Debug, Clone)]
pub struct Assembler {
    stops: Vec<Stop>,
    /// Bytes of a character that is not whole yet, three at most.
    partial: Vec<u8>,
    /// Text that a stop string may begin in.
    held: String,
    ended: bool,
}

/// A stop string and how much of it the text so far ends with (Knuth, Morris, Pratt 1977).
#[derive(Debug, Clone)]
struct Stop {
    bytes: Vec<u8>,
    /// For each length matched, the next shorter length that the same text matches.
    fallback: Vec<usize>,
    n_matched: usize,
}

impl Stop {
    fn new(stop: &str) -> Self {
        let bytes = stop.as_bytes().to_vec();
        let mut fallback = vec![0; bytes.len() + 1];
        let mut n = 0;
        for i in 1..bytes.len() {
            while n > 0 && bytes[i] != bytes[n] {
                n = fallback[n];
            }
            n += usize::from(bytes[i] == bytes[n]);
            fallback[i + 1] = n;
        }
        Self { bytes, fallback, n_matched: 0 }
    }

    /// Takes the next byte; true once the whole stop string was met. An empty one never is.
    fn step(&mut self, byte: u8) -> bool {
        if self.bytes.is_empty() {
            return false;
        }
        while self.n_matched > 0 && self.bytes[self.n_matched] != byte {
            self.n_matched = self.fallback[self.n_matched];
        }
        self.n_matched += usize::from(self.bytes[self.n_matched] == byte);
        self.n_matched == self.bytes.len()
    }
}

impl Assembler {
    /// Empty stop strings stop nothing.
    pub fn new(stops: &[String]) -> Self {
        let stops = stops.iter().map(|s| Stop::new(s)).collect();
        Self { stops, partial: Vec::new(), held: String::new(), ended: false }
    }

    /// Takes a piece's bytes. After a stop string nothing comes any more.
    pub fn push(&mut self, bytes: &[u8]) -> Assembled {
        if self.ended {
            return Assembled::default();
        }
        self.partial.extend_from_slice(bytes);
        let text = self.whole_characters();
        self.watch(&text)
    }

    /// Lets go of what is held back: what comes next is no text that could go on with it.
    pub fn release(&mut self) -> String {
        self.stops.iter_mut().for_each(|stop| stop.n_matched = 0);
        let rest = std::mem::take(&mut self.partial);
        std::mem::take(&mut self.held) + &String::from_utf8_lossy(&rest)
    }

    /// What is still held back, once no more bytes come: bytes that became no character show as U+FFFD.
    pub fn finish(&mut self) -> Assembled {
        if self.ended {
            return Assembled::default();
        }
        let rest = std::mem::take(&mut self.partial);
        let mut last = self.watch(&String::from_utf8_lossy(&rest));
        if last.stop.is_none() {
            last.text.push_str(&std::mem::take(&mut self.held));
        }
        self.ended = true;
        last
    }

    /// Takes the characters out of `partial`; what can never become one is U+FFFD.
    fn whole_characters(&mut self) -> String {
        let mut text = String::new();
        let mut rest = self.partial.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(whole) => {
                    text.push_str(whole);
                    rest = &[];
                    break;
                }
                Err(e) => {
                    let (whole, after) = rest.split_at(e.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(whole));
                    rest = after;
                    let Some(n_bad) = e.error_len() else { break };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = &rest[n_bad..];
                }
            }
        }
        self.partial = rest.to_vec();
        text
    }

    /// Adds text to what is held and lets go of all that no stop string can begin in.
    fn watch(&mut self, text: &str) -> Assembled {
        let already = self.held.len();
        self.held.push_str(text);
        // A byte at a time, so that the first stop string to be complete wins wherever the pieces were cut.
        for (i, byte) in self.held.bytes().enumerate().skip(already) {
            let met = |(place, stop): (usize, &mut Stop)| stop.step(byte).then_some((stop.bytes.len(), place));
            if let Some((n_bytes, place)) = self.stops.iter_mut().enumerate().filter_map(met).max() {
                self.ended = true;
                self.held.truncate((i + 1).saturating_sub(n_bytes));
                return Assembled { text: std::mem::take(&mut self.held), stop: Some(place) };
            }
        }
        let n_kept = self.stops.iter().map(|s| s.n_matched).max().unwrap_or(0);
        let kept = self.held.split_off(self.held.len() - n_kept);
        Assembled { text: std::mem::replace(&mut self.held, kept), stop: None }
    }
}
