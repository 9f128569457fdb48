//! What kind of character each one is, as the rules of [`super::sanitizer`] part them.

use unicode_properties::{EmojiStatus, GeneralCategory, GeneralCategoryGroup, UnicodeEmoji, UnicodeGeneralCategory};
use unicode_width::UnicodeWidthChar;

/// What the sanitizer does with a character depends on this alone, and for the last four on what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// `\n`, and the two Unicode separators that some terminals obey.
    LineBreak,
    CarriageReturn,
    Tab,
    /// C0 and DEL: shown as the picture given here.
    Control(char),
    /// Shown as U+FFFD: C1, noncharacters, unassigned, private use, and the bidi controls that reorder.
    Unfit,
    /// Dropped without a word: marks of direction, and what nobody can see.
    Invisible,
    /// Tags and supplementary selectors, which can spell whole sentences unseen: dropped, counted, said.
    Hidden,
    /// U+200C and U+200D.
    Joiner,
    /// U+FE0E and U+FE0F.
    Presentation,
    /// A character that sits on the one before it.
    Mark,
    Plain,
}

pub(super) const REPLACEMENT: char = '\u{FFFD}';
/// What a mark without a base is put on.
pub(super) const DOTTED_CIRCLE: char = '\u{25CC}';
pub(super) const ZERO_WIDTH_JOINER: char = '\u{200D}';
/// The last tag of every flag spelt in tags.
pub(super) const CANCEL_TAG: char = '\u{E007F}';
pub(super) const BLACK_FLAG: char = '\u{1F3F4}';
/// England, Scotland, Wales: the only flags spelt in tags that Unicode recommends.
pub(super) const SUBDIVISION_FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

pub(super) fn class(c: char) -> Class {
    match c {
        ' '..='~' => Class::Plain,
        '\n' | '\u{2028}' | '\u{2029}' => Class::LineBreak,
        '\r' => Class::CarriageReturn,
        '\t' => Class::Tab,
        '\0'..='\x1F' => Class::Control(picture(c)),
        '\x7F' => Class::Control('\u{2421}'),
        '\u{80}'..='\u{9F}' => Class::Unfit,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => Class::Unfit,
        '\u{200E}' | '\u{200F}' | '\u{61C}' => Class::Invisible,
        '\u{E0000}'..='\u{E0FFF}' => Class::Hidden,
        '\u{200C}' | ZERO_WIDTH_JOINER => Class::Joiner,
        '\u{FE0E}' | '\u{FE0F}' => Class::Presentation,
        c if is_invisible(c) => Class::Invisible,
        '\u{A0}'..='\u{2FF}' => Class::Plain,
        c => class_by_category(c),
    }
}

/// The picture of a C0 control, U+2400 and on.
fn picture(c: char) -> char {
    char::from_u32(u32::from(c).saturating_add(0x2400)).unwrap_or(REPLACEMENT)
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}'
        | '\u{2060}'..='\u{2064}' | '\u{206A}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
        // Selectors of variants no terminal draws: they would only carry unseen bits.
        | '\u{FE00}'..='\u{FE0D}')
}

fn class_by_category(c: char) -> Class {
    if matches!(c, '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FA}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
    {
        return Class::Plain;
    }
    match c.general_category() {
        GeneralCategory::Unassigned | GeneralCategory::PrivateUse | GeneralCategory::Surrogate | GeneralCategory::Control => Class::Unfit,
        _ if c.general_category_group() == GeneralCategoryGroup::Mark => match (joins_left(c), c.width()) {
            (true, _) => Class::Mark,
            // A mark newer than ratatui's tables: it would be cut from its base.
            (false, Some(0) | None) => Class::Unfit,
            // A vowel sign that takes a column of its own.
            (false, Some(_)) => Class::Plain,
        },
        // Egyptian layout, signs meant to stand before a number or letter: no column of their own, and drawn by nobody.
        // (Vowels and finals of decomposed Hangul are no columns either, but complete the syllable before them.)
        _ if c.width() == Some(0) && !matches!(c, '\u{1160}'..='\u{11FF}' | '\u{D7B0}'..='\u{D7FF}') => Class::Unfit,
        // The half-width sound marks and skin tones: letters and symbols by category, marks by use. They may stand alone.
        _ => Class::Plain,
    }
}

/// Whether a grapheme never ends before `c`.
fn joins_left(c: char) -> bool {
    use unicode_segmentation::UnicodeSegmentation;
    let mut pair = String::with_capacity(8);
    pair.push(DOTTED_CIRCLE);
    pair.push(c);
    pair.graphemes(true).nth(1).is_none()
}

/// Marks by use, which may stand alone but count towards the marks of a base where they follow one.
pub(super) fn counts_as_mark(c: char) -> bool {
    matches!(c, '\u{FF9E}' | '\u{FF9F}' | '\u{1F3FB}'..='\u{1F3FF}') || class(c) == Class::Mark
}

/// Whether no grapheme continues between two characters that are both simple. Spares the exact test for most text.
pub(super) fn is_simple(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{A0}'..='\u{2FF}' | '\u{400}'..='\u{482}' | '\u{48A}'..='\u{52F}' | '\u{370}'..='\u{373}'
        | '\u{386}'..='\u{3CE}' | '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FA}' | '\u{3001}'..='\u{3020}'
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{FF01}'..='\u{FF60}')
}

/// What a joined emoji may be made of: not digits, `#` and `*`, which are emoji only with a keycap, nor letters of flags.
pub(super) fn is_pictograph(c: char) -> bool {
    c > '\u{A8}'
        && !matches!(c, '\u{1F1E6}'..='\u{1F1FF}')
        && !matches!(c.emoji_status(), EmojiStatus::NonEmoji | EmojiStatus::NonEmojiButEmojiComponent)
}

/// Whether U+FE0E or U+FE0F may follow: what has both an emoji and a text form.
pub(super) fn has_presentations(c: char) -> bool {
    c.is_emoji_char() && !matches!(c, '\u{1F1E6}'..='\u{1F1FF}' | '\u{1F3FB}'..='\u{1F3FF}')
}

/// Scripts whose letters change their form with joiners: Hebrew to Thaana and NKo, Arabic, the Brahmic scripts, Mongolian,
/// Tifinagh, and their presentation forms.
pub(super) fn joins_letters(c: char) -> bool {
    matches!(c,
        '\u{5D0}'..='\u{8FF}' | '\u{900}'..='\u{DFF}' | '\u{F00}'..='\u{109F}' | '\u{1700}'..='\u{18AF}' | '\u{1A00}'..='\u{1C4F}'
        | '\u{2D30}'..='\u{2D7F}' | '\u{A800}'..='\u{A8FF}' | '\u{A930}'..='\u{AAFF}' | '\u{ABC0}'..='\u{ABFF}'
        | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' | '\u{10A00}'..='\u{10AFF}' | '\u{10C00}'..='\u{10C4F}'
        | '\u{11000}'..='\u{11FFF}' | '\u{1E900}'..='\u{1E95F}')
}
