//! The only type that becomes text on screen, on stderr and in logs.

use super::sanitizer::{Breaks, Sanitizer};
use ratatui::buffer::CellWidth;
use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use unicode_segmentation::UnicodeSegmentation;

/// What stands for the rest of a text that was cut.
const ELLIPSIS: char = '…';

/// Text that passed the sanitizer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Shown(String);

impl Shown {
    /// One line: line breaks become spaces.
    pub fn line(text: &str) -> Self {
        Self::of(text, Breaks::Join)
    }

    /// Many lines, parted by `\n`.
    pub fn block(text: &str) -> Self {
        Self::of(text, Breaks::Keep)
    }

    /// One line of what should be UTF-8 and may not be.
    pub fn bytes(bytes: &[u8]) -> Self {
        Self::line(&String::from_utf8_lossy(bytes))
    }

    pub fn path(path: &Path) -> Self {
        Self::line(&path.to_string_lossy())
    }

    fn of(text: &str, breaks: Breaks) -> Self {
        let mut out = String::new();
        let mut sanitizer = Sanitizer::new(breaks);
        sanitizer.push(text, &mut out);
        sanitizer.finish(&mut out);
        Self(out)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Columns of the widest line.
    pub fn width(&self) -> usize {
        self.0.split('\n').map(width).max().unwrap_or(0)
    }

    /// At most `columns` wide: what is cut off at the end is shown by an ellipsis.
    pub fn cut(&self, columns: usize) -> Self {
        if self.width() <= columns {
            return self.clone();
        }
        let Some(room) = columns.checked_sub(1) else { return Self::default() };
        let mut kept = self.prefix(room).trim_end().to_owned();
        kept.push(ELLIPSIS);
        Self(kept)
    }

    /// At most `columns` wide, the end kept: for paths, whose last parts say most.
    pub fn cut_start(&self, columns: usize) -> Self {
        if self.width() <= columns {
            return self.clone();
        }
        let Some(room) = columns.checked_sub(1) else { return Self::default() };
        let mut used = 0usize;
        let mut start = self.0.len();
        for (at, grapheme) in self.0.grapheme_indices(true).rev() {
            used = used.saturating_add(width(grapheme));
            if used > room {
                break;
            }
            start = at;
        }
        Self(format!("{ELLIPSIS}{}", self.0.get(start..).unwrap_or_default()))
    }

    /// The longest start of whole graphemes that fits into `columns`.
    fn prefix(&self, columns: usize) -> &str {
        let mut used = 0usize;
        for (at, grapheme) in self.0.grapheme_indices(true) {
            used = used.saturating_add(width(grapheme));
            if used > columns || grapheme == "\n" {
                return self.0.get(..at).unwrap_or_default();
            }
        }
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Shown {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Shown> for String {
    fn from(shown: Shown) -> Self {
        shown.0
    }
}

impl From<Shown> for Cow<'_, str> {
    fn from(shown: Shown) -> Self {
        Cow::Owned(shown.0)
    }
}

impl<'a> From<&'a Shown> for Cow<'a, str> {
    fn from(shown: &'a Shown) -> Self {
        Cow::Borrowed(&shown.0)
    }
}

/// Columns that ratatui gives to a line of clean text: the sum over its graphemes, by ratatui's own measure, so that
/// cells and columns agree. (The width of a whole string can be less: Arabic lam and alef are one column together.)
pub fn width(text: &str) -> usize {
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return text.len();
    }
    let columns = |g: &str| if g.contains(char::is_control) { 0 } else { usize::from(g.cell_width()) };
    text.graphemes(true).map(columns).fold(0, usize::saturating_add)
}
