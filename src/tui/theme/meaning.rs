//! The table of meanings: what views may ask a theme for.

use ratatui::style::Modifier;

/// What something on the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Meaning {
    Background,
    Text,
    User,
    Dim,
    Faint,
    Rule,
    Accent,
    Good,
    Warn,
    Bad,
    Raised,
    Pick,
    Selection,
    Code,
    Keyword,
    String,
    Number,
    Comment,
    Link,
    Thinking,
    Heat0,
    Heat1,
    Heat2,
    Heat3,
    Heat4,
    Part1,
    Part2,
    Part3,
    Part4,
    Part5,
    Part6,
}

pub(super) const N_MEANINGS: usize = Meaning::Part6 as usize + 1;

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct MeaningRow {
    pub meaning: Meaning,
    /// The key in a theme's file.
    pub name: &'static str,
    pub help: &'static str,
    /// Lies under text rather than being text.
    pub surface: bool,
    /// A surface that must differ from the background whatever the depth.
    pub stands_out: bool,
    /// What stands for it where there are no colours.
    pub without_colour: Modifier,
    /// Least contrast with the surfaces it is drawn on.
    pub contrast: f64,
}

const fn ink(meaning: Meaning, name: &'static str, contrast: f64, help: &'static str) -> MeaningRow {
    MeaningRow { meaning, name, help, surface: false, stands_out: false, without_colour: Modifier::empty(), contrast }
}

const fn surface(meaning: Meaning, name: &'static str, help: &'static str) -> MeaningRow {
    MeaningRow { meaning, name, help, surface: true, stands_out: false, without_colour: Modifier::empty(), contrast: 0.0 }
}

impl MeaningRow {
    const fn without_colour(mut self, modifier: Modifier) -> Self {
        self.without_colour = modifier;
        self
    }

    const fn standing_out(mut self) -> Self {
        self.stands_out = true;
        self.without_colour = Modifier::REVERSED;
        self
    }
}

/// All meanings, in the order of their numbers.
pub const MEANINGS: &[MeaningRow] = &[
    surface(Meaning::Background, "background", "what everything lies on"),
    ink(Meaning::Text, "text", 7.0, "what is said"),
    ink(Meaning::User, "user", 7.0, "what you said: a shade stronger").without_colour(Modifier::BOLD),
    ink(Meaning::Dim, "dim", 4.5, "labels and names"),
    ink(Meaning::Faint, "faint", 3.0, "times, hints, footers"),
    ink(Meaning::Rule, "rule", 1.2, "thin lines, the unused part of a gauge"),
    ink(Meaning::Accent, "accent", 4.5, "where you are and what is alive").without_colour(Modifier::BOLD),
    ink(Meaning::Good, "good", 4.5, "well"),
    ink(Meaning::Warn, "warn", 4.5, "careful"),
    ink(Meaning::Bad, "bad", 4.5, "wrong").without_colour(Modifier::BOLD),
    surface(Meaning::Raised, "raised", "overlays and code"),
    surface(Meaning::Pick, "pick", "the chosen row").standing_out(),
    surface(Meaning::Selection, "selection", "selected text").standing_out(),
    ink(Meaning::Code, "code", 7.0, "code and names in code"),
    ink(Meaning::Keyword, "keyword", 4.5, "keywords in code"),
    ink(Meaning::String, "string", 4.5, "strings in code"),
    ink(Meaning::Number, "number", 4.5, "numbers and constants in code"),
    ink(Meaning::Comment, "comment", 3.0, "comments in code"),
    ink(Meaning::Link, "link", 4.5, "links").without_colour(Modifier::UNDERLINED),
    ink(Meaning::Thinking, "thinking", 4.5, "what a model thinks before it answers"),
    ink(Meaning::Heat0, "heat0", 3.0, "a token the model was sure of"),
    ink(Meaning::Heat1, "heat1", 3.0, "a likely token"),
    ink(Meaning::Heat2, "heat2", 3.0, "one of several"),
    ink(Meaning::Heat3, "heat3", 3.0, "an unlikely token"),
    ink(Meaning::Heat4, "heat4", 3.0, "a surprise").without_colour(Modifier::UNDERLINED),
    ink(Meaning::Part1, "part1", 3.0, "first part of a stacked gauge"),
    ink(Meaning::Part2, "part2", 3.0, "second part of a stacked gauge"),
    ink(Meaning::Part3, "part3", 3.0, "third part of a stacked gauge"),
    ink(Meaning::Part4, "part4", 3.0, "fourth part of a stacked gauge"),
    ink(Meaning::Part5, "part5", 3.0, "fifth part of a stacked gauge"),
    ink(Meaning::Part6, "part6", 3.0, "sixth part of a stacked gauge"),
];

impl Meaning {
    /// By its name in a theme's file.
    pub fn named(name: &str) -> Option<Self> {
        MEANINGS.iter().find(|row| row.name == name).map(|row| row.meaning)
    }

    pub fn name(self) -> &'static str {
        MEANINGS[self as usize].name
    }

    /// The colour of the `i`th part of a stacked gauge; they repeat after six.
    pub fn part(i: usize) -> Self {
        [Self::Part1, Self::Part2, Self::Part3, Self::Part4, Self::Part5, Self::Part6][i % 6]
    }

    /// How surprising a token was, from 0 to 1.
    pub fn heat(surprise: f64) -> Self {
        let step = (surprise.clamp(0.0, 1.0) * 5.0) as usize;
        [Self::Heat0, Self::Heat1, Self::Heat2, Self::Heat3, Self::Heat4][step.min(4)]
    }
}
