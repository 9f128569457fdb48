//! Character classes as the splitters' rules name them.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// What the rules ask of a character. White space comes from the property, which overlaps no letter or number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// `\p{L}`
    Letter,
    /// `\p{N}`
    Number,
    /// `\s`
    Space,
    /// `\p{P}`
    Punctuation,
    /// Symbols, marks, controls, private use, unassigned.
    Other,
}

impl Class {
    pub(super) fn of(c: char) -> Self {
        if c.is_ascii() {
            return match c {
                'a'..='z' | 'A'..='Z' => Class::Letter,
                '0'..='9' => Class::Number,
                '\t'..='\r' | ' ' => Class::Space,
                '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~' => Class::Other,
                _ if c.is_ascii_punctuation() => Class::Punctuation,
                _ => Class::Other,
            };
        }
        if c.is_whitespace() {
            return Class::Space;
        }
        match c.general_category_group() {
            GeneralCategoryGroup::Letter => Class::Letter,
            GeneralCategoryGroup::Number => Class::Number,
            GeneralCategoryGroup::Punctuation => Class::Punctuation,
            _ => Class::Other,
        }
    }

    /// `[^\s\p{L}\p{N}]`
    pub(super) fn is_mark(self) -> bool {
        matches!(self, Class::Punctuation | Class::Other)
    }
}
