//! Parses what was written to a terminal and reports everything that ingle may not write.
//!
//! Tests wrap every read of a pseudo-terminal in an [`Auditor`]. Its law is the table in [`super::sequences`] for
//! controls and [`super::is_allowed_symbol`] for text. It knows no more of terminals than where a sequence ends.

use super::sequences::{ALLOWED, Form, Numbers, When};
use super::{Shown, is_allowed_symbol};
use unicode_segmentation::UnicodeSegmentation;

/// A string sequence longer than this never ends; the clipboard's are the longest.
const SEQUENCE_BYTES_MAX: usize = 256 * 1024;
/// Text without any control is judged in pieces of this size.
const RUN_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an offence that a report quotes.
const QUOTE_BYTES: usize = 60;

/// Something written that is off the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Byte offset in all that was fed.
    pub offset: usize,
    pub what: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.what)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    Escape,
    Csi,
    Osc,
    /// An ESC inside an OSC: its end, or an offence.
    OscEscape,
}

/// The parser. Feed it bytes as they come, in pieces of any size.
#[derive(Debug, Clone)]
pub struct Auditor {
    state: State,
    /// The run of text or the sequence being read.
    held: Vec<u8>,
    held_offset: usize,
    offset: usize,
    notifying: bool,
    copying: bool,
    violations: Vec<Violation>,
}

impl Default for Auditor {
    fn default() -> Self {
        Self { state: State::Text, held: Vec::new(), held_offset: 0, offset: 0, notifying: false, copying: false, violations: Vec::new() }
    }
}

/// What is off the list in `bytes`, written as a whole.
pub fn audit(bytes: &[u8]) -> Vec<Violation> {
    let mut auditor = Auditor::default();
    auditor.feed(bytes);
    auditor.finish()
}

impl Auditor {
    /// Bells and notifications are expected from here on, or no more.
    pub fn expect_notifications(&mut self, expected: bool) {
        self.notifying = expected;
    }

    /// A copy key was pressed: the clipboard may be written from here on, or no more.
    pub fn expect_copies(&mut self, expected: bool) {
        self.copying = expected;
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.step(byte);
            self.offset = self.offset.saturating_add(1);
        }
    }

    /// What was found so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The end of the output, which must not lie inside a sequence or a character.
    pub fn finish(mut self) -> Vec<Violation> {
        match self.state {
            State::Text => self.judge_text(),
            _ => self.report("a sequence that never ends"),
        }
        self.violations
    }

    fn step(&mut self, byte: u8) {
        match self.state {
            State::Text => self.step_text(byte),
            State::Escape => self.step_escape(byte),
            State::Csi => self.step_csi(byte),
            State::Osc => self.step_osc(byte),
            State::OscEscape if byte == b'\\' => self.end_osc(),
            State::OscEscape => {
                self.report("ESC inside an OSC");
                self.begin(State::Escape);
                self.step_escape(byte);
            }
        }
    }

    fn begin(&mut self, state: State) {
        self.held.clear();
        self.held_offset = self.offset;
        self.state = state;
    }

    fn step_text(&mut self, byte: u8) {
        match byte {
            0x1B => {
                self.judge_text();
                self.begin(State::Escape);
            }
            b'\r' | b'\n' => self.judge_text(),
            0x07 if self.notifying => self.judge_text(),
            0..=0x1F | 0x7F => {
                self.judge_text();
                self.held = vec![byte];
                self.report("a control character");
            }
            _ => {
                if self.held.is_empty() {
                    self.held_offset = self.offset;
                }
                self.held.push(byte);
                if self.held.len() >= RUN_BYTES_MAX && byte.is_ascii() {
                    self.judge_text();
                }
            }
        }
    }

    fn step_escape(&mut self, byte: u8) {
        match byte {
            b'[' => self.begin(State::Csi),
            b']' => self.begin(State::Osc),
            _ => {
                self.held = vec![0x1B, byte];
                self.report(match byte {
                    b'P' => "DCS",
                    b'_' => "APC",
                    b'^' => "PM",
                    b'X' => "SOS",
                    b'c' => "a reset of the terminal",
                    _ => "an escape sequence",
                });
            }
        }
    }

    fn step_csi(&mut self, byte: u8) {
        self.held.push(byte);
        match byte {
            0x20..=0x3F if self.held.len() < SEQUENCE_BYTES_MAX => {}
            0x40..=0x7E => {
                if !self.is_csi_allowed() {
                    self.report("CSI");
                }
                self.begin(State::Text);
            }
            _ => self.report("a broken CSI"),
        }
    }

    fn is_csi_allowed(&self) -> bool {
        let text = String::from_utf8_lossy(&self.held);
        let body = text.trim_start_matches(['<', '=', '>', '?']);
        let (mark, body) = text.split_at_checked(text.len().saturating_sub(body.len())).unwrap_or(("", body));
        let tail = body.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';' || c == ':');
        let numbers = body.strip_suffix(tail).unwrap_or(body);
        ALLOWED.iter().any(|allowed| match allowed.form {
            Form::Csi { mark: m, numbers: n, tail: t } => {
                m == mark && t == tail && matches!(n, Numbers::Any) | matches!(n, Numbers::Only(list) if list.contains(&numbers))
            }
            Form::Osc { .. } => false,
        })
    }

    fn step_osc(&mut self, byte: u8) {
        match byte {
            0x07 => self.end_osc(),
            0x1B => self.state = State::OscEscape,
            _ if self.held.len() >= SEQUENCE_BYTES_MAX => self.report("an OSC that never ends"),
            _ => self.held.push(byte),
        }
    }

    fn end_osc(&mut self) {
        if !self.is_osc_allowed() {
            self.report("OSC");
        }
        self.begin(State::Text);
    }

    fn is_osc_allowed(&self) -> bool {
        let Ok(text) = std::str::from_utf8(&self.held) else { return false };
        let Some((number, rest)) = text.split_once(';') else { return false };
        ALLOWED.iter().any(|allowed| match allowed.form {
            Form::Osc { number: n, fits } => n == number && self.is_time_for(allowed.when) && fits(rest),
            Form::Csi { .. } => false,
        })
    }

    fn is_time_for(&self, when: When) -> bool {
        match when {
            When::Always => true,
            When::Notifying => self.notifying,
            When::Copying => self.copying,
        }
    }

    /// Each grapheme of a run of text must be one that a cell may hold.
    fn judge_text(&mut self) {
        let held = std::mem::take(&mut self.held);
        match std::str::from_utf8(&held) {
            Ok(text) => {
                for (at, symbol) in text.grapheme_indices(true) {
                    if !is_allowed_symbol(symbol) {
                        let offset = self.held_offset.saturating_add(at);
                        self.violations.push(Violation { offset, what: format!("text {symbol:?}") });
                    }
                }
            }
            Err(_) => {
                self.held = held;
                self.report("text that is not UTF-8");
            }
        }
        self.begin(State::Text);
    }

    /// Notes what is held as an offence and goes on as after it.
    fn report(&mut self, what: &str) {
        let quoted = self.held.get(..QUOTE_BYTES.min(self.held.len())).unwrap_or_default();
        let quoted = Shown::bytes(quoted);
        self.violations.push(Violation { offset: self.held_offset, what: format!("{what}: {quoted}") });
        self.begin(State::Text);
    }
}
