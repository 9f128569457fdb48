//! The table of what config.toml may say, besides the settings of `protocol::SETTINGS`. One row makes the entry's
//! parser, its line in the file's template, and its line in `ingle config show`.

use super::choices::{ColorDepth, ColorWhen, Editing, GaugesShown, Graphs, Notify, SendWith};
use crate::protocol::Settings;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Value;

/// A conversation of 8,000 tokens takes 250 MiB of a model of a billion weights and 1 GiB of one of eight: the last dozen of
/// the one, the last few of the other.
const STATES_GIB: u32 = 4;
/// No disk is larger.
const STATES_GIB_MAX: u32 = 1 << 20;

/// What config.toml says, or the defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The model to open with; absent: the last one used, else the guide.
    pub model: Option<String>,
    /// Absent: the screen's own default.
    pub theme: Option<String>,
    pub send: SendWith,
    pub editing: Editing,
    pub motion: bool,
    pub mouse: bool,
    pub hyperlinks: bool,
    pub notify: Notify,
    /// What copies instead of the terminal: a command whose standard input is the text.
    pub copy_command: Option<String>,
    pub color: ColorWhen,
    pub color_depth: ColorDepth,
    pub graphs: Graphs,
    pub gauges: GaugesShown,
    /// Items of the status line, the most important first; absent: all.
    pub status: Option<Vec<String>>,
    /// GiB of disk for what models have read of conversations; 0: nothing is kept.
    pub states_gib: u32,
    /// Folders with models, besides those that other programs use.
    pub folders: Vec<PathBuf>,
    /// The config's own layer of settings.
    pub settings: Settings,
    /// The layer of each model, by its name.
    pub models: BTreeMap<String, Settings>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: None,
            theme: None,
            send: SendWith::default(),
            editing: Editing::default(),
            motion: true,
            mouse: false,
            hyperlinks: true,
            notify: Notify::default(),
            copy_command: None,
            color: ColorWhen::default(),
            color_depth: ColorDepth::default(),
            graphs: Graphs::default(),
            gauges: GaugesShown::default(),
            status: None,
            states_gib: STATES_GIB,
            folders: Vec::new(),
            settings: Settings::default(),
            models: BTreeMap::new(),
        }
    }
}

impl Config {
    /// The layer of a model that goes by any of these names. Case does not matter.
    pub fn for_model<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<&Settings> {
        let lower: Vec<String> = names.into_iter().map(str::to_lowercase).collect();
        self.models.iter().find(|(name, _)| lower.contains(&name.to_lowercase())).map(|(_, settings)| settings)
    }
}

/// What values an entry takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    Flag,
    Text,
    Choice(&'static [&'static str]),
    Texts,
    /// Absolute or below `~/`.
    Folders,
    /// From 0 to this.
    Whole(u32),
}

/// A value of an entry's kind, checked.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    Flag(bool),
    /// Empty: as if the entry were absent.
    Text(String),
    Texts(Vec<String>),
    Folders(Vec<PathBuf>),
    Whole(u32),
}

pub struct Entry {
    /// Empty: before the first `[section]`.
    pub section: &'static str,
    pub name: &'static str,
    pub kind: EntryKind,
    pub help: &'static str,
    pub(super) set: fn(&mut Config, Taken),
    pub get: fn(&Config) -> Value,
}

/// Makes a row for each shape of field; the kind has made sure that the value is of that shape.
macro_rules! entry {
    ($section:literal, $name:literal, $help:literal, flag $field:ident) => {
        Entry {
            section: $section,
            name: $name,
            kind: EntryKind::Flag,
            help: $help,
            set: |config, taken| {
                if let Taken::Flag(on) = taken {
                    config.$field = on;
                }
            },
            get: |config| Value::Boolean(config.$field),
        }
    };
    ($section:literal, $name:literal, $help:literal, text $field:ident) => {
        Entry {
            section: $section,
            name: $name,
            kind: EntryKind::Text,
            help: $help,
            set: |config, taken| {
                if let Taken::Text(text) = taken {
                    config.$field = Some(text).filter(|t| !t.is_empty());
                }
            },
            get: |config| Value::String(config.$field.clone().unwrap_or_default()),
        }
    };
    ($section:literal, $name:literal, $help:literal, $choice:ident $field:ident) => {
        Entry {
            section: $section,
            name: $name,
            kind: EntryKind::Choice($choice::NAMES),
            help: $help,
            set: |config, taken| {
                if let Taken::Text(text) = taken
                    && let Some(choice) = $choice::from_name(&text)
                {
                    config.$field = choice;
                }
            },
            get: |config| Value::String(config.$field.name().to_owned()),
        }
    };
}

pub const ENTRIES: &[Entry] = &[
    entry!("", "model", "The model to open with: a name, a part of one or a path; empty: the last one used", text model),
    entry!("", "theme", "Colours: a name that `ingle themes` lists; empty: the default", text theme),
    entry!("", "send", "What sends the prompt; the other one begins a new line", SendWith send),
    entry!("", "editing", "Whose keys the prompt knows; with vi, Esc leaves inserting and Enter sends", Editing editing),
    entry!("", "motion", "Whether answers appear word by word; false: by whole paragraphs", flag motion),
    entry!("", "mouse", "Whether the mouse scrolls and focuses; Shift then selects text", flag mouse),
    entry!("", "hyperlinks", "Whether http links can be clicked, where the terminal can do that", flag hyperlinks),
    entry!("", "notify", "How the end of a long answer is told while you look elsewhere", Notify notify),
    entry!("", "copy_command", "A command that takes what is copied on its standard input; empty: the terminal's own way", text copy_command),
    entry!("", "color", "Whether the output of commands is coloured", ColorWhen color),
    entry!("", "color_depth", "How many colours the terminal has; SSH often loses it", ColorDepth color_depth),
    entry!("", "graphs", "What sparklines are drawn with", Graphs graphs),
    entry!("", "gauges", "How much of the gauges is shown at the start", GaugesShown gauges),
    Entry {
        section: "",
        name: "status",
        kind: EntryKind::Texts,
        help: "Items of the status line, the most important first; empty: all",
        set: |config, taken| {
            if let Taken::Texts(items) = taken {
                config.status = Some(items).filter(|i| !i.is_empty());
            }
        },
        get: |config| Value::Array(config.status.iter().flatten().cloned().map(Value::String).collect()),
    },
    Entry {
        section: "shelf",
        name: "folders",
        kind: EntryKind::Folders,
        help: "Folders with models, besides those of other programs, which are found by themselves",
        set: |config, taken| {
            if let Taken::Folders(folders) = taken {
                config.folders = folders;
            }
        },
        get: |config| Value::Array(config.folders.iter().map(|f| Value::String(f.display().to_string())).collect()),
    },
    Entry {
        section: "states",
        name: "disk_gib",
        kind: EntryKind::Whole(STATES_GIB_MAX),
        help: "GiB of disk for what models have read of conversations, so that these go on at once when opened again; 0: none",
        set: |config, taken| {
            if let Taken::Whole(gib) = taken {
                config.states_gib = gib;
            }
        },
        get: |config| Value::Integer(i64::from(config.states_gib)),
    },
];
