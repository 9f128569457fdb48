//! config.toml to a [`Config`]. What is wrong is left at its default and named with its line and column.

use super::entries::{Config, ENTRIES, Entry, EntryKind, Taken};
use super::error::{ConfigError, Place};
use super::folders::Folders;
use crate::protocol::{self, Settings, Value};
use crate::text::nearest;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A config is written by hand; more than this is some other file.
const BYTES_MAX: u64 = 1 << 20;
const SETTINGS: &str = "settings";
const MODELS: &str = "models";

impl Config {
    /// What this user's config.toml says; a missing one says nothing.
    pub fn load(folders: &Folders) -> (Self, Vec<ConfigError>) {
        let path = folders.config_file();
        match read(&path) {
            Ok(text) => Self::parse(&text, home().as_deref()),
            Err(ConfigError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => (Self::default(), Vec::new()),
            Err(error) => (Self::default(), vec![error]),
        }
    }

    /// `home` is what `~/` stands for.
    pub fn parse(text: &str, home: Option<&Path>) -> (Self, Vec<ConfigError>) {
        let mut reader = Reader { text, home, config: Self::default(), problems: Vec::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let place = reader.place(&error.span().unwrap_or(0..0));
            reader.problems.push(ConfigError::Syntax { place, what: error.message().replace('\n', ", ") });
        }
        reader.top(table.get_ref());
        reader.problems.sort_by_key(ConfigError::place);
        // A value that is no TOML is also not what its entry expects: the first says enough.
        reader.problems.dedup_by_key(|problem| problem.place());
        (reader.config, reader.problems)
    }
}

fn home() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned())
}

pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let n = file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)? as u64;
    if n > BYTES_MAX {
        let n_bytes = std::fs::metadata(path).map_or(n, |m| m.len());
        return Err(ConfigError::TooLong { n_bytes, max: BYTES_MAX });
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or(&[]);
        let before = String::from_utf8_lossy(good);
        ConfigError::Syntax { place: Place::of(&before, &(before.len()..before.len())), what: "not UTF-8 from here on".to_owned() }
    })
}

struct Reader<'a> {
    text: &'a str,
    home: Option<&'a Path>,
    config: Config,
    problems: Vec<ConfigError>,
}

impl Reader<'_> {
    fn place(&self, span: &Range<usize>) -> Place {
        Place::of(self.text, span)
    }

    fn top(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            match value.get_ref().as_table() {
                Some(inside) if name == SETTINGS => self.config.settings = self.settings(inside),
                Some(inside) if name == MODELS => self.models(inside),
                Some(inside) if sections().any(|s| s == name) => {
                    for (key, value) in inside {
                        self.entry(name, key, value);
                    }
                }
                None if name == SETTINGS || name == MODELS || sections().any(|s| s == name) => {
                    self.wrong(name, value, "a table: a line [name] and entries below it");
                }
                _ => self.entry("", key, value),
            }
        }
    }

    fn entry(&mut self, section: &str, key: &Spanned<toml::de::DeString<'_>>, value: &Spanned<DeValue<'_>>) {
        let name = key.get_ref().as_ref();
        let Some(entry) = ENTRIES.iter().find(|e| e.section == section && e.name == name) else {
            let known = ENTRIES.iter().filter(|e| e.section == section).map(|e| e.name);
            let tables = sections().chain([SETTINGS, MODELS]).filter(|_| section.is_empty());
            let nearest = nearest(name, known.chain(tables));
            let place = self.place(&key.span());
            return self.problems.push(ConfigError::Unknown { place, name: name.to_owned(), nearest });
        };
        match self.take(entry, value.get_ref()) {
            Some(taken) => (entry.set)(&mut self.config, taken),
            None => self.wrong(name, value, &expected(entry.kind)),
        }
    }

    fn take(&self, entry: &Entry, value: &DeValue<'_>) -> Option<Taken> {
        match entry.kind {
            EntryKind::Flag => value.as_bool().map(Taken::Flag),
            EntryKind::Text => value.as_str().map(|text| Taken::Text(text.to_owned())),
            EntryKind::Choice(names) => {
                // 256 colours may well be written as a number.
                let text = value.as_str().or_else(|| value.as_integer().map(|i| i.as_str()))?;
                names.contains(&text).then(|| Taken::Text(text.to_owned()))
            }
            EntryKind::Texts => texts(value).map(Taken::Texts),
            EntryKind::Folders => {
                let folders = texts(value)?.into_iter().map(|text| self.folder(&text));
                folders.collect::<Option<Vec<_>>>().map(Taken::Folders)
            }
            EntryKind::Whole(most) => whole(value).and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= most).map(Taken::Whole),
        }
    }

    fn folder(&self, text: &str) -> Option<PathBuf> {
        let path = match text.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => self.home?.join(rest.trim_start_matches('/')),
            _ => PathBuf::from(text),
        };
        path.is_absolute().then_some(path)
    }

    fn models(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match value.get_ref().as_table() {
                Some(inside) => {
                    let settings = self.settings(inside);
                    self.config.models.insert(key.get_ref().to_string(), settings);
                }
                None => self.wrong(key.get_ref(), value, "a table: a line [models.\"NAME\"] and settings below it"),
            }
        }
    }

    fn settings(&mut self, table: &DeTable<'_>) -> Settings {
        let mut settings = Settings::default();
        for (key, value) in table {
            match setting(key.get_ref(), value.get_ref()) {
                Ok((name, value)) => drop(settings.0.insert(name.to_owned(), value)),
                Err(error) => {
                    let span = if matches!(error, protocol::SettingError::Unknown { .. }) { key.span() } else { value.span() };
                    let place = self.place(&span);
                    self.problems.push(ConfigError::Setting { place, error });
                }
            }
        }
        settings
    }

    fn wrong(&mut self, name: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        // As it stands in the file, but for what would fill the screen.
        const FOUND_CHARS_MAX: usize = 60;
        let found = self.text.get(value.span()).unwrap_or("").lines().next().unwrap_or("");
        let found = match value.get_ref().as_table() {
            Some(_) => "a table".to_owned(),
            None => found.chars().take(FOUND_CHARS_MAX).collect(),
        };
        let place = self.place(&value.span());
        self.problems.push(ConfigError::Value { place, name: name.to_owned(), found, expected: expected.to_owned() });
    }
}

fn sections() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|e| e.section).filter(|s| !s.is_empty())
}

fn setting(name: &str, value: &DeValue<'_>) -> Result<(&'static str, Value), protocol::SettingError> {
    let Some(row) = protocol::find_setting(name) else {
        // The settings' own sentence, with their nearest name.
        return Settings::default().set(name, "").map(|row| (row.name, Value::Text(String::new())));
    };
    let taken = match value {
        DeValue::Integer(_) => whole(value).map(Value::Int),
        DeValue::Float(f) => f.as_str().replace('_', "").parse().ok().map(Value::Float),
        DeValue::String(text) => Some(Value::Text(text.to_string())),
        DeValue::Array(_) => texts(value).map(Value::Texts),
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
    };
    let taken = taken.unwrap_or_else(|| Value::Text(format!("a {}", value.type_str())));
    Ok((row.name, row.check(taken)?))
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
}

fn texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
}

fn expected(kind: EntryKind) -> String {
    match kind {
        EntryKind::Flag => "true or false".to_owned(),
        EntryKind::Text => "a text in quotes".to_owned(),
        EntryKind::Choice(names) => format!("one of \"{}\"", names.join("\", \"")),
        EntryKind::Texts => "a list of texts: [\"one\", \"two\"]".to_owned(),
        EntryKind::Folders => "a list of absolute paths, or of paths that begin with ~/".to_owned(),
        EntryKind::Whole(most) => format!("a whole number from 0 to {most}"),
    }
}
