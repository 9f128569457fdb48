//! A theme's file as it is written: keys and values with their places, nothing resolved yet.

use super::colour::ANSI_NAMES;
use super::error::Place;
use super::{Appearance, Colour, Ink, MEANINGS, Meaning, Rgb, ThemeError};
use crate::text::nearest;
use ratatui::style::Modifier;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value that names a colour: hex, one of the sixteen, `default`, or a name of the palette.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub text: String,
    pub place: Place,
}

#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub colour: Option<Reference>,
    pub modifier: Modifier,
}

/// What one file says.
#[derive(Debug, Clone, Default)]
pub(super) struct Source {
    pub summary: String,
    pub appearance: Option<Appearance>,
    pub inherits: Option<Reference>,
    pub palette: BTreeMap<String, Reference>,
    pub answers: BTreeMap<Meaning, Answer>,
}

const KEYS: [&str; 5] = ["summary", "appearance", "inherits", "palette", "meanings"];
const MODIFIERS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];
const COLOUR_EXPECTED: &str = "a colour: \"#rrggbb\", a name of the palette, \"default\" or one of the sixteen such as \"bright-red\"";

/// Reads a file. What is wrong in it is left out and reported; the rest stands.
pub(super) fn parse(file: &str, text: &str) -> (Source, Vec<ThemeError>) {
    let mut reader = Reader { file: file.into(), text, source: Source::default(), problems: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = reader.place(error.span().unwrap_or(0..0));
        reader.problems.push(ThemeError::Syntax { place, what: error.message().replace('\n', ", ") });
    }
    reader.top(table.get_ref());
    (reader.source, reader.problems)
}

struct Reader<'a> {
    file: Arc<str>,
    text: &'a str,
    source: Source,
    problems: Vec<ThemeError>,
}

impl Reader<'_> {
    fn top(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            match name {
                "summary" => self.source.summary = self.text(name, value).unwrap_or_default(),
                "appearance" => {
                    self.source.appearance = match value.get_ref().as_str() {
                        Some("dark") => Some(Appearance::Dark),
                        Some("light") => Some(Appearance::Light),
                        Some("either") => Some(Appearance::Either),
                        _ => self.wrong(name, value, "\"dark\", \"light\" or \"either\""),
                    };
                }
                "inherits" => {
                    let place = self.place(value.span());
                    self.source.inherits = self.text(name, value).map(|text| Reference { text, place });
                }
                "palette" => self.palette(name, value),
                "meanings" => self.meanings(name, value),
                _ => self.unknown(key.span(), name, &KEYS),
            }
        }
    }

    fn palette(&mut self, name: &str, value: &Spanned<DeValue<'_>>) {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong::<()>(name, value, "a table of colours");
            return;
        };
        for (key, value) in table {
            let place = self.place(value.span());
            if let Some(text) = self.text(key.get_ref(), value) {
                self.source.palette.insert(key.get_ref().to_string(), Reference { text, place });
            }
        }
    }

    fn meanings(&mut self, name: &str, value: &Spanned<DeValue<'_>>) {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong::<()>(name, value, "a table of meanings");
            return;
        };
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let Some(meaning) = Meaning::named(name) else {
                let known: Vec<&str> = MEANINGS.iter().map(|row| row.name).collect();
                self.unknown(key.span(), name, &known);
                continue;
            };
            if let Some(answer) = self.answer(name, value) {
                self.source.answers.insert(meaning, answer);
            }
        }
    }

    /// `"#rrggbb"`, or `{ colour = "#rrggbb", bold = true }`.
    fn answer(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<Answer> {
        let place = self.place(value.span());
        if let Some(text) = value.get_ref().as_str() {
            return Some(Answer { colour: Some(Reference { text: text.to_owned(), place }), modifier: Modifier::empty() });
        }
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong(name, value, COLOUR_EXPECTED);
        };
        let mut answer = Answer { colour: None, modifier: Modifier::empty() };
        for (key, value) in table {
            let key_name = key.get_ref().as_ref();
            if key_name == "colour" || key_name == "color" {
                let place = self.place(value.span());
                answer.colour = self.text(key_name, value).map(|text| Reference { text, place });
            } else if let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == key_name) {
                match value.get_ref().as_bool() {
                    Some(on) => answer.modifier.set(*modifier, on),
                    None => drop(self.wrong::<()>(key_name, value, "true or false")),
                }
            } else {
                self.unknown(key.span(), key_name, &["colour", "bold", "dim", "italic", "underline", "reverse"]);
            }
        }
        Some(answer)
    }

    fn text(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        match value.get_ref().as_str() {
            Some(text) => Some(text.to_owned()),
            None => self.wrong(key, value, "text in quotes"),
        }
    }

    fn wrong<T>(&mut self, key: &str, value: &Spanned<DeValue<'_>>, expected: &'static str) -> Option<T> {
        let found = match value.get_ref().as_str() {
            Some(text) => format!("\"{text}\""),
            None => format!("of type {}", value.get_ref().type_str()),
        };
        let place = self.place(value.span());
        self.problems.push(ThemeError::Value { place, key: key.to_owned(), found, expected, nearest: None });
        None
    }

    fn unknown(&mut self, span: Range<usize>, key: &str, known: &[&str]) {
        let near = nearest(key, known.iter().copied()).map(str::to_owned);
        let place = self.place(span);
        self.problems.push(ThemeError::Key { place, key: key.to_owned(), nearest: near });
    }

    /// Line and column, from 1, columns in characters.
    fn place(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Place { file: self.file.clone(), line, column }
    }
}

/// The colour that `reference` names. A palette's entry must be a colour itself, not another entry.
fn resolve(reference: &Reference, key: &str, palette: &BTreeMap<String, Reference>) -> Result<Colour, ThemeError> {
    // The palette comes first: its `green` is the theme's, not the terminal's.
    let entry = palette.get(&reference.text);
    if let Some(colour) = plain_colour(&entry.unwrap_or(reference).text) {
        return Ok(colour);
    }
    let known = palette.keys().map(String::as_str).chain(ANSI_NAMES).chain(["default"]);
    Err(ThemeError::Value {
        place: entry.unwrap_or(reference).place.clone(),
        key: if entry.is_some() { reference.text.clone() } else { key.to_owned() },
        found: format!("\"{}\"", entry.unwrap_or(reference).text),
        expected: COLOUR_EXPECTED,
        nearest: nearest(&entry.unwrap_or(reference).text, known).map(str::to_owned),
    })
}

fn plain_colour(text: &str) -> Option<Colour> {
    if text == "default" {
        return Some(Colour::Default);
    }
    if let Some(n) = ANSI_NAMES.iter().position(|name| *name == text) {
        return u8::try_from(n).ok().map(Colour::Ansi);
    }
    Rgb::parse(text).map(Colour::Rgb)
}

/// An answer with its colour found.
pub(super) fn ink(answer: &Answer, meaning: Meaning, palette: &BTreeMap<String, Reference>) -> Result<Ink, ThemeError> {
    let colour = answer.colour.as_ref().map(|reference| resolve(reference, meaning.name(), palette)).transpose()?;
    Ok(Ink { colour, modifier: answer.modifier })
}
