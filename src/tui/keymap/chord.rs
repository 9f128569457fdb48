//! A key with its modifiers, as this program tells keys apart, and how chords are written.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    Char(char),
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F(u8),
}

/// One key press. Only made by [`Chord::new`], so that two presses a terminal cannot tell apart are one chord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Chord {
    pub key: Key,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
}

/// Names of keys that are no single character, as written in keymap.toml and as shown.
const NAMES: &[(&str, &str, Key)] = &[
    ("enter", "Enter", Key::Enter),
    ("esc", "Esc", Key::Esc),
    ("tab", "Tab", Key::Tab),
    ("backspace", "Backspace", Key::Backspace),
    ("delete", "Delete", Key::Delete),
    ("up", "Up", Key::Up),
    ("down", "Down", Key::Down),
    ("left", "Left", Key::Left),
    ("right", "Right", Key::Right),
    ("home", "Home", Key::Home),
    ("end", "End", Key::End),
    ("pgup", "PgUp", Key::PageUp),
    ("pgdn", "PgDn", Key::PageDown),
    ("space", "Space", Key::Char(' ')),
    ("comma", ",", Key::Char(',')),
];

impl Chord {
    /// Control with I, M, H and [ are Tab, Enter, Backspace and Esc on the wire; the byte 0x1F is Ctrl+7, Ctrl+/ and
    /// Ctrl+_. Shift says nothing beside a character that already is the shifted one.
    pub fn new(key: Key, ctrl: bool, alt: bool, shift: bool) -> Self {
        let (key, ctrl) = match (key, ctrl) {
            (Key::Char('i' | 'I'), true) => (Key::Tab, false),
            (Key::Char('m' | 'M'), true) => (Key::Enter, false),
            (Key::Char('h' | 'H'), true) => (Key::Backspace, false),
            (Key::Char('['), true) => (Key::Esc, false),
            (Key::Char('7' | '/' | '-'), true) => (Key::Char('_'), true),
            (Key::Char(c), true) => (Key::Char(c.to_ascii_lowercase()), true),
            (Key::Char(c), false) if shift => (Key::Char(c.to_uppercase().next().unwrap_or(c)), false),
            other => other,
        };
        Self { key, ctrl, alt, shift: shift && !matches!(key, Key::Char(_)) }
    }

    pub const fn plain(key: Key) -> Self {
        Self { key, ctrl: false, alt: false, shift: false }
    }

    /// The character this chord types, if it types one.
    pub fn typed(self) -> Option<char> {
        match self {
            Chord { key: Key::Char(c), ctrl: false, alt: false, .. } => Some(c),
            _ => None,
        }
    }

    /// As shown to a person: "Ctrl+X", "Shift+Tab", "PgUp", "?".
    pub fn shown(self) -> String {
        let mut out = String::new();
        for (on, word) in [(self.ctrl, "Ctrl+"), (self.alt, "Alt+"), (self.shift, "Shift+")] {
            if on {
                out.push_str(word);
            }
        }
        match self.key {
            Key::Char(c) if self.ctrl && c != ' ' => out.push(c.to_ascii_uppercase()),
            Key::F(n) => out.push_str(&format!("F{n}")),
            key => match (NAMES.iter().find(|(_, _, k)| *k == key), key) {
                (Some((_, shown, _)), _) => out.push_str(shown),
                (None, Key::Char(c)) => out.push(c),
                (None, _) => {}
            },
        }
        out
    }
}

impl fmt::Display for Chord {
    /// As keymap.toml writes it: "ctrl-x", "shift-tab", "?".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (on, word) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if on {
                f.write_str(word)?;
            }
        }
        match (NAMES.iter().find(|(_, _, k)| *k == self.key), self.key) {
            (Some((name, _, _)), _) => f.write_str(name),
            (None, Key::Char(c)) => write!(f, "{c}"),
            (None, Key::F(n)) => write!(f, "f{n}"),
            (None, _) => Ok(()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no key; keys are written like ctrl-x, alt-enter, f2, shift-tab, ?")]
pub struct ChordError(pub String);

impl FromStr for Chord {
    type Err = ChordError;

    fn from_str(text: &str) -> Result<Self, ChordError> {
        let (mut ctrl, mut alt, mut shift) = (false, false, false);
        let mut rest = text;
        loop {
            if let Some(r) = rest.strip_prefix("ctrl-").filter(|r| !r.is_empty()) {
                (ctrl, rest) = (true, r);
            } else if let Some(r) = rest.strip_prefix("alt-").filter(|r| !r.is_empty()) {
                (alt, rest) = (true, r);
            } else if let Some(r) = rest.strip_prefix("shift-").filter(|r| !r.is_empty()) {
                (shift, rest) = (true, r);
            } else {
                break;
            }
        }
        let mut chars = rest.chars();
        let key = match (chars.next(), chars.next()) {
            (Some(c), None) => Key::Char(c),
            _ => match NAMES.iter().find(|(name, _, _)| *name == rest) {
                Some((_, _, key)) => *key,
                None => {
                    let number = rest.strip_prefix('f').and_then(|n| n.parse().ok()).filter(|n| (1..=12).contains(n));
                    Key::F(number.ok_or_else(|| ChordError(text.to_owned()))?)
                }
            },
        };
        Ok(Chord::new(key, ctrl, alt, shift))
    }
}

/// What a person presses for one action: a chord, or the leader and then a chord.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sequence {
    pub leader: bool,
    pub chord: Chord,
}

/// Starts every two-key sequence. The prompt has no "cut", so nothing is lost to it.
pub const LEADER: Chord = Chord { key: Key::Char('x'), ctrl: true, alt: false, shift: false };

impl FromStr for Sequence {
    type Err = ChordError;

    fn from_str(text: &str) -> Result<Self, ChordError> {
        let text = text.trim();
        match text.split_once(char::is_whitespace) {
            None => Ok(Sequence { leader: false, chord: text.parse()? }),
            Some((first, second)) if first.parse() == Ok(LEADER) => Ok(Sequence { leader: true, chord: second.trim().parse()? }),
            Some(_) => Err(ChordError(text.to_owned())),
        }
    }
}

impl Sequence {
    /// As shown to a person: "Ctrl+X m".
    pub fn shown(self) -> String {
        if self.leader { format!("{} {}", LEADER.shown(), self.chord.shown()) } else { self.chord.shown() }
    }
}
