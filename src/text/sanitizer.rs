//! The six rules of RELIABILITY.md 2c, one character at a time.
//!
//! Character by character rather than over whole strings, so that a streaming answer can be printed as it comes: only
//! what cannot be judged yet (a carriage return, a joiner, the tags of a flag) is held back, and how the text was cut
//! into pieces never shows. What comes out goes through a second time unchanged.

use super::classes::{
    BLACK_FLAG, CANCEL_TAG, Class, DOTTED_CIRCLE, REPLACEMENT, SUBDIVISION_FLAGS, ZERO_WIDTH_JOINER, class, counts_as_mark,
    has_presentations, is_pictograph, is_simple, joins_letters,
};
use super::width;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

/// More marks than this on one base serve no language; a tower of 500 stalls layout.
const BASE_MARKS_MAX: usize = 8;
/// A joined emoji family with skin tones has 41 bytes.
const CLUSTER_BYTES_MAX: usize = 64;
/// Columns from tab stop to tab stop.
pub const TAB_COLUMNS: usize = 4;
/// Letters in the longest flag spelt in tags.
const FLAG_TAGS_MAX: usize = 5;

/// What becomes of line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaks {
    /// `\n`, for text of many lines.
    Keep,
    /// A space, for what must stay on one line.
    Join,
}

/// What was read and cannot be judged before the next character.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Pending {
    #[default]
    Nothing,
    CarriageReturn,
    Joiner(char),
    /// Tags after a black flag, which is already out: the ASCII they spell.
    Flag(String),
}

/// Turns hostile text into text that may be shown, piece by piece.
#[derive(Debug, Clone)]
pub struct Sanitizer {
    breaks: Breaks,
    /// A cell's symbol may end in a joiner, since the letter it joins with is the next cell's.
    open_end: bool,
    /// The grapheme being written, as it went out; empty at the start of a line.
    cluster: String,
    /// Marks on the last base of `cluster`.
    n_marks: usize,
    /// Columns of the line before `cluster`, for tabs.
    column: usize,
    pending: Pending,
    /// Hidden characters dropped and not yet spoken of.
    n_hidden: usize,
    /// Whether this line already says that text was hidden; the rest is counted at its end, so that marks cannot flood it.
    hidden_said: bool,
}

impl Sanitizer {
    pub fn new(breaks: Breaks) -> Self {
        Self {
            breaks,
            open_end: false,
            cluster: String::new(),
            n_marks: 0,
            column: 0,
            pending: Pending::Nothing,
            n_hidden: 0,
            hidden_said: false,
        }
    }

    /// Appends what `text` becomes to `out`.
    pub fn push(&mut self, text: &str, out: &mut String) {
        out.reserve(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            self.step(c, out);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            rest = self.copy_ascii(rest, out);
        }
    }

    /// The end of the text: what was held back is judged now.
    pub fn finish(&mut self, out: &mut String) {
        self.settle(None, out);
        self.say_hidden(true, out);
    }

    /// Copies the printable ASCII that `text` begins with, and gives the rest. Most text is this.
    fn copy_ascii<'a>(&mut self, text: &'a str, out: &mut String) -> &'a str {
        if self.pending != Pending::Nothing || self.n_hidden > 0 || !self.cluster.chars().all(is_simple) {
            return text;
        }
        let n = text.bytes().take_while(|b| matches!(b, b' '..=b'~')).count();
        let (run, rest) = text.split_at_checked(n).unwrap_or(("", text));
        if let Some(last) = run.chars().next_back() {
            out.push_str(run);
            self.column = self.column.saturating_add(width(&self.cluster)).saturating_add(n.saturating_sub(1));
            self.start_cluster(last);
        }
        rest
    }

    fn step(&mut self, c: char, out: &mut String) {
        if self.settle(Some(c), out) {
            return;
        }
        let class = class(c);
        if !matches!(class, Class::Hidden | Class::Invisible | Class::LineBreak) {
            self.say_hidden(false, out);
        }
        match class {
            Class::LineBreak => self.end_line(out),
            Class::CarriageReturn => self.pending = Pending::CarriageReturn,
            Class::Tab => self.tab(out),
            Class::Control(picture) => self.emit(picture, out),
            Class::Unfit => self.emit(REPLACEMENT, out),
            Class::Invisible => {}
            Class::Hidden if self.cluster.chars().eq([BLACK_FLAG]) && tag_letter(c).is_some() => {
                self.pending = Pending::Flag(tag_letter(c).into_iter().collect());
            }
            Class::Hidden => self.n_hidden = self.n_hidden.saturating_add(1),
            Class::Joiner => self.pending = Pending::Joiner(c),
            Class::Presentation => {
                if self.last().is_some_and(has_presentations) {
                    self.emit(c, out);
                }
            }
            Class::Mark if self.starts_cluster(c) => {
                self.emit(DOTTED_CIRCLE, out);
                self.emit(c, out);
            }
            Class::Mark | Class::Plain => self.emit(c, out),
        }
    }

    /// Judges what was held back, now that `next` (or the end) is known. True if `next` was used up by it.
    fn settle(&mut self, next: Option<char>, out: &mut String) -> bool {
        match std::mem::take(&mut self.pending) {
            Pending::Nothing => false,
            Pending::CarriageReturn if next == Some('\n') => false,
            Pending::CarriageReturn => {
                self.emit('\u{240D}', out);
                false
            }
            Pending::Joiner(joiner) => {
                // What is dropped anyway says nothing about what the joiner joins.
                if next.is_some_and(|c| matches!(class(c), Class::Joiner | Class::Invisible)) {
                    self.pending = Pending::Joiner(joiner);
                    return true;
                }
                if self.may_join(joiner, next) {
                    self.emit(joiner, out);
                }
                false
            }
            Pending::Flag(letters) => self.settle_flag(letters, next, out),
        }
    }

    fn settle_flag(&mut self, mut letters: String, next: Option<char>, out: &mut String) -> bool {
        if next == Some(CANCEL_TAG) && SUBDIVISION_FLAGS.contains(&letters.as_str()) {
            let tags = letters.chars().filter_map(|c| char::from_u32(u32::from(c).saturating_add(0xE0000)));
            for tag in tags.chain([CANCEL_TAG]) {
                out.push(tag);
                self.cluster.push(tag);
            }
            return true;
        }
        if let Some(letter) = next.and_then(tag_letter)
            && letters.len() < FLAG_TAGS_MAX
        {
            letters.push(letter);
            self.pending = Pending::Flag(letters);
            return true;
        }
        self.n_hidden = self.n_hidden.saturating_add(letters.chars().count());
        false
    }

    /// Rule 4: joiners only inside a script that needs them or an emoji sequence.
    fn may_join(&mut self, joiner: char, next: Option<char>) -> bool {
        let Some(last) = self.last() else { return false };
        let bytes = joiner.len_utf8().saturating_add(next.map_or(0, char::len_utf8));
        if self.cluster.len().saturating_add(bytes) > CLUSTER_BYTES_MAX {
            return false;
        }
        let emoji = joiner == ZERO_WIDTH_JOINER && (is_pictograph(last) || last == '\u{FE0F}');
        let letters = joins_letters(last);
        match next {
            Some(next) if emoji => is_pictograph(next) && self.is_one_cluster(&[joiner, next]),
            // A vowel killer and a joiner make a half form even at a word's end.
            Some(next) if letters => {
                class(last) == Class::Mark || (joins_letters(next) && matches!(class(next), Class::Mark | Class::Plain))
            }
            Some(_) => false,
            None => letters && (self.open_end || class(last) == Class::Mark),
        }
    }

    fn last(&self) -> Option<char> {
        self.cluster.chars().next_back()
    }

    /// Writes `c`, which is fit to be shown, unless its grapheme has had enough.
    fn emit(&mut self, c: char, out: &mut String) {
        if self.starts_cluster(c) {
            // The end of a syllable without its start: nothing would be drawn, and columns would shift.
            let c = if c.width() == Some(0) && !counts_as_mark(c) { REPLACEMENT } else { c };
            self.column = self.column.saturating_add(width(&self.cluster));
            self.start_cluster(c);
            out.push(c);
            return;
        }
        let mark = counts_as_mark(c);
        let too_long = self.cluster.len().saturating_add(c.len_utf8()) > CLUSTER_BYTES_MAX;
        if mark && (self.n_marks >= BASE_MARKS_MAX || too_long) {
            return;
        }
        if too_long {
            self.column = self.column.saturating_add(width(&self.cluster));
            self.start_cluster(REPLACEMENT);
            out.push(REPLACEMENT);
            if !matches!(class(c), Class::Joiner | Class::Presentation) {
                self.emit(c, out);
            }
            return;
        }
        match (mark, class(c)) {
            (true, _) => self.n_marks = self.n_marks.saturating_add(1),
            (false, Class::Joiner | Class::Presentation) => {}
            _ => self.n_marks = 0,
        }
        self.cluster.push(c);
        out.push(c);
    }

    fn start_cluster(&mut self, c: char) {
        self.cluster.clear();
        self.cluster.push(c);
        // A mark that may stand alone joins whatever another text put before it.
        self.n_marks = usize::from(counts_as_mark(c));
    }

    fn starts_cluster(&mut self, c: char) -> bool {
        if self.cluster.is_empty() || (is_simple(c) && self.cluster.chars().all(is_simple)) {
            return true;
        }
        !self.is_one_cluster(&[c])
    }

    /// Whether the grapheme being written goes on over `more`.
    fn is_one_cluster(&mut self, more: &[char]) -> bool {
        // Boundaries depend on what stands before only back to the start of the grapheme.
        let n = self.cluster.len();
        self.cluster.extend(more);
        let one = self.cluster.graphemes(true).nth(1).is_none();
        self.cluster.truncate(n);
        one
    }

    fn tab(&mut self, out: &mut String) {
        let column = self.column.saturating_add(width(&self.cluster));
        let n = TAB_COLUMNS.saturating_sub(column.checked_rem(TAB_COLUMNS).unwrap_or_default());
        for _ in 0..n {
            self.emit(' ', out);
        }
    }

    fn end_line(&mut self, out: &mut String) {
        self.say_hidden(true, out);
        match self.breaks {
            Breaks::Keep => {
                out.push('\n');
                self.cluster.clear();
                self.column = 0;
                self.hidden_said = false;
            }
            Breaks::Join => self.emit(' ', out),
        }
    }

    /// Says how much hidden text was dropped: where it stood the first time on a line, then once at the line's end.
    fn say_hidden(&mut self, end: bool, out: &mut String) {
        if self.n_hidden == 0 || (self.hidden_said && !end) {
            return;
        }
        let n = std::mem::take(&mut self.n_hidden);
        self.hidden_said = true;
        let plural = if n == 1 { "" } else { "s" };
        for c in format!("[hidden text, {n} character{plural}]").chars() {
            self.emit(c, out);
        }
    }
}

/// The letter a tag stands for, if it may be part of a flag.
fn tag_letter(c: char) -> Option<char> {
    matches!(c, '\u{E0061}'..='\u{E007A}').then(|| char::from_u32(u32::from(c).saturating_sub(0xE0000)))?
}

/// Whether a cell of a finished frame may hold `symbol`: one grapheme that the rules leave as it is.
pub fn is_allowed_symbol(symbol: &str) -> bool {
    if let [b] = symbol.as_bytes() {
        return matches!(b, b' '..=b'~');
    }
    if symbol.is_empty() || symbol.len() > CLUSTER_BYTES_MAX || symbol.graphemes(true).nth(1).is_some() {
        return false;
    }
    let mut sanitizer = Sanitizer::new(Breaks::Join);
    sanitizer.open_end = true;
    let mut out = String::new();
    sanitizer.push(symbol, &mut out);
    sanitizer.finish(&mut out);
    out == symbol
}
