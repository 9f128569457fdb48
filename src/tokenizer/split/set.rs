//! Sets of characters, as the brackets of an expression name them.

use super::newer::is_newer;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Groups of characters, one bit each.
pub(super) const LETTER: u8 = 1;
pub(super) const NUMBER: u8 = 2;
/// White space comes from the property of that name, which no letter or number has.
pub(super) const SPACE: u8 = 4;
pub(super) const PUNCTUATION: u8 = 8;
pub(super) const SYMBOL: u8 = 16;
pub(super) const MARK: u8 = 32;
/// Controls, format characters, private use, unassigned.
pub(super) const OTHER: u8 = 64;
const ALL: u8 = 127;

/// The group of a character.
fn group(c: char) -> u8 {
    if c.is_ascii() {
        return match c {
            'a'..='z' | 'A'..='Z' => LETTER,
            '0'..='9' => NUMBER,
            '\t'..='\r' | ' ' => SPACE,
            '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~' => SYMBOL,
            _ if c.is_ascii_punctuation() => PUNCTUATION,
            _ => OTHER,
        };
    }
    if c.is_whitespace() {
        return SPACE;
    }
    if is_newer(c) {
        return OTHER;
    }
    match c.general_category_group() {
        GeneralCategoryGroup::Letter => LETTER,
        GeneralCategoryGroup::Number => NUMBER,
        GeneralCategoryGroup::Punctuation => PUNCTUATION,
        GeneralCategoryGroup::Symbol => SYMBOL,
        GeneralCategoryGroup::Mark => MARK,
        _ => OTHER,
    }
}

pub(super) type Ranges = &'static [(char, char)];

fn within(ranges: Ranges, c: char) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// Groups of characters, with single ranges added or taken away.
#[derive(Debug, Clone, Copy)]
pub(in crate::tokenizer) struct Set {
    groups: u8,
    also: Ranges,
    but: Ranges,
}

impl Set {
    pub(super) const fn of(groups: u8) -> Self {
        Self { groups, also: &[], but: &[] }
    }

    /// All characters but those of `groups`.
    pub(super) const fn not(groups: u8) -> Self {
        Self::of(ALL & !groups)
    }

    pub(super) const fn ranges(also: Ranges) -> Self {
        Self { groups: 0, also, but: &[] }
    }

    pub(super) const fn also(self, also: Ranges) -> Self {
        Self { also, ..self }
    }

    pub(super) const fn but(self, but: Ranges) -> Self {
        Self { but, ..self }
    }

    pub(super) fn has(&self, c: char) -> bool {
        if self.groups != 0 && self.groups & group(c) != 0 {
            return !within(self.but, c);
        }
        // llama.cpp puts a vertical tab for white space beyond ASCII before it looks at ranges, which then miss it.
        within(self.also, c) && (c.is_ascii() || !c.is_whitespace())
    }
}
