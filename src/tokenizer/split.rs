//! The pre-tokenizers: text cut into words that merges never cross.
//!
//! Each is its regular expression (llama.cpp `llm_tokenizer_bpe`) written out as a loop, since engines for the
//! expressions fail, stop splitting or overflow the stack on long runs of white space. Every character is looked at a
//! bounded number of times. Rules of several expressions are applied one after the other, each to the pieces that the
//! one before left; what an expression does not match stays as a piece.

use super::classes::Class;

/// A splitter. The names are those of the type that made each known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Split {
    /// Four expressions: punctuation runs, then GPT-2's, then runs of numbers, then ASCII digits by threes.
    Default,
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)`
    Gpt2,
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    Llama3,
    /// As `Llama3`, but each number for itself: `\p{N}`.
    Qwen2,
}

impl Split {
    /// Hands each word of `text` to `word`, in order; together they are the text.
    pub(super) fn each<'t>(self, text: &'t str, word: &mut impl FnMut(&'t str)) {
        match self {
            Split::Gpt2 => gpt2(text, word),
            Split::Llama3 => llama3(text, 3, word),
            Split::Qwen2 => llama3(text, 1, word),
            Split::Default => runs(text, is_default_mark, &mut |piece| {
                gpt2(piece, &mut |piece| runs(piece, |c| Class::of(c) == Class::Number, &mut |piece| thirds(piece, word)))
            }),
        }
    }
}

/// `[\p{P}\$\+<=>\^~\|]`: of the ASCII symbols, all but the grave accent.
fn is_default_mark(c: char) -> bool {
    matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '~' | '|') || Class::of(c) == Class::Punctuation
}

/// A place in a text, moved forward character by character.
#[derive(Clone, Copy)]
struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn class(&self) -> Option<Class> {
        self.peek().map(Class::of)
    }

    fn step(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn step_while(&mut self, mut wanted: impl FnMut(char) -> bool) {
        while self.peek().is_some_and(&mut wanted) {
            self.step();
        }
    }

    /// The cursor one character on.
    fn next(mut self) -> Self {
        self.step();
        self
    }

    /// The text from `start` to here.
    fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or("")
    }
}

/// Cuts where `wanted` changes its answer.
fn runs<'t>(text: &'t str, wanted: impl Fn(char) -> bool, word: &mut impl FnMut(&'t str)) {
    let mut cursor = Cursor { text, at: 0 };
    while let Some(first) = cursor.peek() {
        let start = cursor.at;
        let kind = wanted(first);
        cursor.step_while(|c| wanted(c) == kind);
        word(cursor.since(start));
    }
}

/// `[0-9][0-9][0-9]`, leftmost first; what lies between stays whole.
fn thirds<'t>(text: &'t str, word: &mut impl FnMut(&'t str)) {
    let (mut start, mut at) = (0, 0);
    while let Some(three) = text.as_bytes().get(at..at + 3) {
        if three.iter().all(u8::is_ascii_digit) {
            if start < at {
                word(&text[start..at]);
            }
            word(&text[at..at + 3]);
            at += 3;
            start = at;
        } else {
            at += 1;
        }
    }
    if start < text.len() {
        word(&text[start..]);
    }
}

/// Length of an English contraction's tail at an apostrophe: `'s`, `'t`, `'m`, `'d`, `'re`, `'ve`, `'ll`.
fn contraction(text: &str, any_case: bool) -> Option<usize> {
    let tail = text.as_bytes().strip_prefix(b"'")?;
    let letter = |i: usize| tail.get(i).map(|b| if any_case { b.to_ascii_lowercase() } else { *b });
    match (letter(0)?, letter(1)) {
        (b's' | b't' | b'm' | b'd', _) => Some(2),
        (b'r', Some(b'e')) | (b'v', Some(b'e')) | (b'l', Some(b'l')) => Some(3),
        _ => None,
    }
}

fn gpt2<'t>(text: &'t str, word: &mut impl FnMut(&'t str)) {
    let mut cursor = Cursor { text, at: 0 };
    while let Some(first) = cursor.peek() {
        let start = cursor.at;
        if let Some(n) = contraction(&text[start..], false) {
            cursor.at += n;
        } else {
            // A blank belongs to the run behind it, if that is not white space itself.
            let body = if first == ' ' { cursor.next() } else { cursor };
            match body.class() {
                Some(class) if class != Class::Space => {
                    cursor = body;
                    match class {
                        Class::Letter | Class::Number => cursor.step_while(|c| Class::of(c) == class),
                        _ => cursor.step_while(|c| Class::of(c).is_mark()),
                    }
                }
                _ => cursor.at = space_end(cursor),
            }
        }
        word(cursor.since(start));
    }
}

/// `\s+(?!\S)|\s+` from white space at the cursor: all of it, but its last character where something follows and it is
/// not the only one.
fn space_end(mut cursor: Cursor<'_>) -> usize {
    let start = cursor.at;
    cursor.step_while(|c| Class::of(c) == Class::Space);
    let last_len = cursor.since(start).chars().next_back().map_or(0, char::len_utf8);
    if cursor.peek().is_some() && cursor.at - last_len > start { cursor.at - last_len } else { cursor.at }
}

fn llama3<'t>(text: &'t str, n_digits: usize, word: &mut impl FnMut(&'t str)) {
    let mut cursor = Cursor { text, at: 0 };
    while let Some(first) = cursor.peek() {
        let start = cursor.at;
        let class = Class::of(first);
        let is_break = matches!(first, '\r' | '\n');
        if let Some(n) = contraction(&text[start..], true) {
            cursor.at += n;
        } else if class == Class::Letter || (!is_break && class != Class::Number && cursor.next().class() == Some(Class::Letter)) {
            cursor.step();
            cursor.step_while(|c| Class::of(c) == Class::Letter);
        } else if class == Class::Number {
            let mut left = n_digits;
            cursor.step_while(|c| {
                let wanted = left > 0 && Class::of(c) == Class::Number;
                left -= usize::from(wanted);
                wanted
            });
        } else if class.is_mark() || (first == ' ' && cursor.next().class().is_some_and(Class::is_mark)) {
            cursor.step();
            cursor.step_while(|c| Class::of(c).is_mark());
            cursor.step_while(|c| matches!(c, '\r' | '\n'));
        } else {
            cursor.at = line_end(cursor).unwrap_or_else(|| space_end(cursor));
        }
        word(cursor.since(start));
    }
}

/// `\s*[\r\n]+` from white space at the cursor: up to its last line break, if it has one.
fn line_end(mut cursor: Cursor<'_>) -> Option<usize> {
    let start = cursor.at;
    cursor.step_while(|c| Class::of(c) == Class::Space);
    cursor.since(start).rfind(['\r', '\n']).map(|i| start + i + 1)
}
