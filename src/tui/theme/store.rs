//! The themes there are: those in the binary, and those in the user's folder, which come before them.

use super::meaning::N_MEANINGS;
use super::source::{self, Source};
use super::{Ink, MEANINGS, Theme, ThemeError};
use crate::text::nearest;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

pub const DEFAULT_THEME: &str = "ember";
/// Takes the terminal's own sixteen colours and its ground.
pub const TERMINAL_THEME: &str = "terminal";
/// A theme has about 2 KiB.
const FILE_BYTES_MAX: u64 = 1 << 20;
const NAME_BYTES_MAX: usize = 64;
/// Themes read from the user's folder: more would be some other folder.
const FILES_MAX: usize = 500;
/// Longest chain of `inherits`.
const CHAIN_MAX: usize = 8;

/// The files of themes/.
const BUILT_IN: &[(&str, &str)] = &[
    ("ash", include_str!("../../../themes/ash.toml")),
    ("aurora", include_str!("../../../themes/aurora.toml")),
    ("bright", include_str!("../../../themes/bright.toml")),
    ("daylight", include_str!("../../../themes/daylight.toml")),
    ("dusk", include_str!("../../../themes/dusk.toml")),
    ("ember", include_str!("../../../themes/ember.toml")),
    ("frost", include_str!("../../../themes/frost.toml")),
    ("harbour", include_str!("../../../themes/harbour.toml")),
    ("linen", include_str!("../../../themes/linen.toml")),
    ("moss", include_str!("../../../themes/moss.toml")),
    ("plum", include_str!("../../../themes/plum.toml")),
    ("stark", include_str!("../../../themes/stark.toml")),
    ("terminal", include_str!("../../../themes/terminal.toml")),
];

/// What a theme is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Appearance {
    Dark,
    Light,
    /// Takes the terminal's own ground.
    Either,
}

/// A theme as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeEntry {
    pub name: String,
    pub summary: String,
    pub appearance: Appearance,
    /// `None`: in the binary.
    pub file: Option<PathBuf>,
}

#[derive(Debug, Clone)]
struct Stored {
    source: Source,
    problems: Vec<ThemeError>,
    file: Option<PathBuf>,
}

/// All themes by name.
#[derive(Debug, Clone)]
pub struct Themes {
    built_in: BTreeMap<String, Stored>,
    own: BTreeMap<String, Stored>,
}

impl Themes {
    /// Those in the binary.
    pub fn built_in() -> Self {
        let stored = |(name, text): &(&str, &str)| {
            let (source, problems) = source::parse(&format!("themes/{name}.toml"), text);
            ((*name).to_owned(), Stored { source, problems, file: None })
        };
        Self { built_in: BUILT_IN.iter().map(stored).collect(), own: BTreeMap::new() }
    }

    /// Those in the binary and those in `folder`, if there is one. What cannot be read is reported.
    pub fn read(folder: &Path) -> (Self, Vec<ThemeError>) {
        let mut themes = Self::built_in();
        let mut problems = Vec::new();
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return (themes, problems),
            Err(e) => {
                problems.push(ThemeError::Unreadable { path: folder.to_owned(), why: e.to_string() });
                return (themes, problems);
            }
        };
        for path in entries.flatten().map(|entry| entry.path()).take(FILES_MAX) {
            if path.extension().is_some_and(|e| e == "toml")
                && let Err(problem) = themes.add(path)
            {
                problems.push(problem);
            }
        }
        (themes, problems)
    }

    fn add(&mut self, path: PathBuf) -> Result<(), ThemeError> {
        let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        check_name(&name)?;
        let text = read_file(&path)?;
        let (source, problems) = source::parse(&path.to_string_lossy(), &text);
        self.own.insert(name, Stored { source, problems, file: Some(path) });
        Ok(())
    }

    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.own.keys().chain(self.built_in.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub fn entries(&self) -> Vec<ThemeEntry> {
        let entry = |name: &str| {
            let stored = self.own.get(name).or_else(|| self.built_in.get(name))?;
            let chain = self.chain(name).0;
            Some(ThemeEntry {
                name: name.to_owned(),
                summary: stored.source.summary.clone(),
                appearance: chain.iter().find_map(|s| s.source.appearance).unwrap_or(Appearance::Dark),
                file: stored.file.clone(),
            })
        };
        self.names().into_iter().filter_map(entry).collect()
    }

    /// The theme of that name, and what is wrong in its files. What is missing or wrong is as in the default theme.
    pub fn load(&self, name: &str) -> Result<(Theme, Vec<ThemeError>), ThemeError> {
        check_name(name)?;
        if !self.own.contains_key(name) && !self.built_in.contains_key(name) {
            let near = nearest(name, self.names()).map(str::to_owned);
            return Err(ThemeError::Unknown { name: name.to_owned(), nearest: near });
        }
        let (chain, broken) = self.chain(name);
        let mut problems: Vec<ThemeError> = chain.iter().flat_map(|stored| stored.problems.iter().cloned()).collect();
        problems.extend(broken);
        let appearance = chain.iter().find_map(|s| s.source.appearance).unwrap_or(Appearance::Dark);
        let inks = self.inks(name, &chain, &mut problems);
        Ok((Theme::new(name, appearance, inks), problems))
    }

    /// The default theme, which has no problems: a test loads it.
    pub fn default_theme() -> Theme {
        let themes = Self::built_in();
        let (chain, _) = themes.chain(DEFAULT_THEME);
        let inks = themes.inks(DEFAULT_THEME, &chain, &mut Vec::new());
        Theme::new(DEFAULT_THEME, Appearance::Dark, inks)
    }

    /// A theme's source and those it inherits from, nearest first. A user's theme that inherits its own name means the
    /// one in the binary.
    fn chain(&self, name: &str) -> (Vec<&Stored>, Option<ThemeError>) {
        let mut chain: Vec<&Stored> = Vec::new();
        let mut next = self.own.get(name).or_else(|| self.built_in.get(name));
        while let Some(stored) = next {
            chain.push(stored);
            let Some(parent) = &stored.source.inherits else { break };
            let parents = [self.own.get(&parent.text), self.built_in.get(&parent.text)];
            next = parents.into_iter().flatten().find(|candidate| !chain.iter().any(|seen| std::ptr::eq(*seen, *candidate)));
            let (place, name) = (parent.place.clone(), parent.text.clone());
            if next.is_none() && parents.iter().flatten().next().is_some() || chain.len() >= CHAIN_MAX {
                return (chain, Some(ThemeError::Cycle { place, name }));
            }
            if next.is_none() {
                let near = nearest(&name, self.names()).map(str::to_owned);
                let expected = "the name of a theme";
                let problem = ThemeError::Value { place, key: "inherits".into(), found: format!("\"{name}\""), expected, nearest: near };
                return (chain, Some(problem));
            }
        }
        (chain, None)
    }

    fn inks(&self, name: &str, chain: &[&Stored], problems: &mut Vec<ThemeError>) -> [Ink; N_MEANINGS] {
        let mut palette = BTreeMap::new();
        for stored in chain.iter().rev() {
            palette.extend(stored.source.palette.clone());
        }
        let mut inks = [Ink::default(); N_MEANINGS];
        let (mut broken, mut missing) = (Vec::new(), Vec::new());
        for row in MEANINGS {
            match chain.iter().find_map(|stored| stored.source.answers.get(&row.meaning)) {
                Some(answer) => match source::ink(answer, row.meaning, &palette) {
                    Ok(ink) => {
                        inks[row.meaning as usize] = ink;
                        continue;
                    }
                    Err(problem) => problems.push(problem),
                },
                None => missing.push(row.name),
            }
            broken.push(row.meaning);
        }
        if !missing.is_empty() {
            problems.push(ThemeError::Missing { name: name.to_owned(), meanings: missing });
        }
        if !broken.is_empty() && name != DEFAULT_THEME {
            let default = Self::default_theme();
            for meaning in broken {
                inks[meaning as usize] = default.ink(meaning);
            }
        }
        inks
    }
}

fn check_name(name: &str) -> Result<(), ThemeError> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(fits) {
        return Err(ThemeError::Name { name: name.to_owned(), max: NAME_BYTES_MAX });
    }
    Ok(())
}

/// Reads a file of bounded size: what the directory says of it may change between looking and reading.
fn read_file(path: &Path) -> Result<String, ThemeError> {
    let unreadable = |why: String| ThemeError::Unreadable { path: path.to_owned(), why };
    let metadata = std::fs::metadata(path).map_err(|e| unreadable(e.to_string()))?;
    if !metadata.is_file() {
        return Err(unreadable("not a file".to_owned()));
    }
    let file = std::fs::File::open(path).map_err(|e| unreadable(e.to_string()))?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| unreadable(e.to_string()))?;
    let n = bytes.len() as u64;
    if n > FILE_BYTES_MAX {
        return Err(ThemeError::Size { path: path.to_owned(), bytes: metadata.len().max(n), max: FILE_BYTES_MAX });
    }
    String::from_utf8(bytes).map_err(|e| unreadable(format!("not UTF-8 at byte {}", e.utf8_error().valid_up_to())))
}
