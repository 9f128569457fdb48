//! The settings table: one row makes a flag, a slash command's name, a config key, its completion and its help.
//!
//! A [`Settings`] is one layer (what a person, a conversation, a file says); [`resolve`] lays layers over each other
//! and says of each value where it comes from.

use super::{Limits, LoadOptions};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The type of a half of the KV cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheType {
    F32,
    F16,
}

impl CacheType {
    pub const NAMES: &'static [&'static str] = &["f32", "f16"];

    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "f32" => Some(CacheType::F32),
            "f16" => Some(CacheType::F16),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            CacheType::F32 => "f32",
            CacheType::F16 => "f16",
        }
    }
}

/// When a setting takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// With the next answer.
    Sampling,
    /// With the next answer; says when it ends or what stands before it.
    Answer,
    /// When the model is loaded again.
    Load,
}

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Float {
        min: f64,
        max: f64,
    },
    Int {
        min: i64,
        max: i64,
    },
    Choice(&'static [&'static str]),
    Text,
    /// Texts, each set adds one; an empty one clears them.
    Texts,
}

/// One value of a setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Int(i64),
    Float(f64),
    Text(String),
    Texts(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(v) => write!(f, "{v}"),
            Value::Float(v) => write!(f, "{v}"),
            Value::Text(v) => f.write_str(v),
            Value::Texts(v) => write!(f, "{}", v.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>().join(" ")),
        }
    }
}

/// A default as a constant can hold it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Preset {
    Int(i64),
    Float(f64),
    Text(&'static str),
    NoTexts,
}

impl Preset {
    pub fn value(self) -> Value {
        match self {
            Preset::Int(v) => Value::Int(v),
            Preset::Float(v) => Value::Float(v),
            Preset::Text(v) => Value::Text(v.to_owned()),
            Preset::NoTexts => Value::Texts(Vec::new()),
        }
    }
}

/// One row of the table. `name` is llama.cpp's, in snake case; flags are made from it in kebab case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    pub name: &'static str,
    /// Other names that people's hands know (Ollama's among them); one letter makes a short flag.
    pub aliases: &'static [&'static str],
    pub scope: Scope,
    pub kind: Kind,
    pub default: Preset,
    /// The value that switches it off, as text; empty where there is none.
    pub off: &'static str,
    pub help: &'static str,
    /// The file's own recommendation lies under this key; empty where there is none.
    pub gguf_key: &'static str,
}

const fn float(
    name: &'static str,
    min: f64,
    max: f64,
    default: f64,
    off: &'static str,
    gguf_key: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        name,
        aliases: &[],
        scope: Scope::Sampling,
        kind: Kind::Float { min, max },
        default: Preset::Float(default),
        off,
        help,
        gguf_key,
    }
}

const fn int(
    name: &'static str,
    min: i64,
    max: i64,
    default: i64,
    off: &'static str,
    gguf_key: &'static str,
    help: &'static str,
) -> Setting {
    Setting { name, aliases: &[], scope: Scope::Sampling, kind: Kind::Int { min, max }, default: Preset::Int(default), off, help, gguf_key }
}

/// Order and defaults of sampling are llama.cpp's (common/common.h).
pub const SETTINGS: &[Setting] = &[
    Setting {
        aliases: &["temperature"],
        ..float(
            "temp",
            0.0,
            100.0,
            0.8,
            "0",
            "general.sampling.temp",
            "How much chance decides: 0 always takes the likeliest token, higher values wander",
        )
    },
    int("top_k", -1, 1_000_000, 40, "0", "general.sampling.top_k", "Choose among this many likeliest tokens; 0 takes all"),
    float("top_p", 0.0, 1.0, 0.95, "1", "general.sampling.top_p", "Choose among the likeliest tokens that together have this probability"),
    float("min_p", 0.0, 1.0, 0.05, "0", "general.sampling.min_p", "Drop tokens less likely than this share of the likeliest one"),
    int(
        "repeat_last_n",
        -1,
        1_000_000,
        64,
        "0",
        "general.sampling.penalty_last_n",
        "How many last tokens the penalties look at; -1: the whole context",
    ),
    float("repeat_penalty", 0.0, 100.0, 1.0, "1", "general.sampling.penalty_repeat", "Makes tokens that occurred lately less likely"),
    float("presence_penalty", -100.0, 100.0, 0.0, "0", "", "Taken once from each token that occurred lately"),
    float("frequency_penalty", -100.0, 100.0, 0.0, "0", "", "Taken from a token for each time it occurred lately"),
    Setting {
        aliases: &["s"],
        ..int("seed", -1, u32::MAX as i64, -1, "", "", "The start of the random numbers; -1: a new one each time, shown with the answer")
    },
    Setting {
        aliases: &["n", "num_predict", "max_tokens", "n_predict"],
        scope: Scope::Answer,
        ..int("predict", -1, i32::MAX as i64, -1, "-1", "", "Tokens of an answer at most; -1: until it ends by itself")
    },
    Setting {
        name: "stop",
        aliases: &[],
        scope: Scope::Answer,
        kind: Kind::Texts,
        default: Preset::NoTexts,
        off: "",
        help: "A text that ends the answer and is not part of it",
        gguf_key: "",
    },
    Setting {
        name: "system_prompt",
        aliases: &["system", "sys"],
        scope: Scope::Answer,
        kind: Kind::Text,
        default: Preset::Text(""),
        off: "",
        help: "What the model is told before the conversation begins",
        gguf_key: "",
    },
    Setting {
        aliases: &["c", "num_ctx", "n_ctx"],
        scope: Scope::Load,
        ..int(
            "ctx_size",
            0,
            i32::MAX as i64,
            0,
            "0",
            "",
            "Context length in tokens; 0: what the model was trained for and fits, 16,384 at most",
        )
    },
    Setting {
        aliases: &["t", "num_thread"],
        scope: Scope::Load,
        ..int("threads", 0, 1024, 0, "0", "", "Compute threads; 0: as many as this machine has to give")
    },
    Setting {
        name: "cache_type_k",
        aliases: &["ctk"],
        scope: Scope::Load,
        kind: Kind::Choice(CacheType::NAMES),
        default: Preset::Text("f16"),
        off: "",
        help: "Type of the keys in the KV cache",
        gguf_key: "",
    },
    Setting {
        name: "cache_type_v",
        aliases: &["ctv"],
        scope: Scope::Load,
        kind: Kind::Choice(CacheType::NAMES),
        default: Preset::Text("f16"),
        off: "",
        help: "Type of the values in the KV cache",
        gguf_key: "",
    },
];

/// The row of a name or alias, as typed: case and `-` for `_` do not matter.
pub fn find(name: &str) -> Option<&'static Setting> {
    let name = name.trim().to_ascii_lowercase().replace('-', "_");
    SETTINGS.iter().find(|s| s.name == name || s.aliases.contains(&name.as_str()))
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettingError {
    #[error("there is no setting {name}{}", .nearest.map(|n| format!(", did you mean {n}?")).unwrap_or_default())]
    Unknown { name: String, nearest: Option<&'static str> },
    #[error("{name} is {found}, expected {expected}")]
    Value { name: &'static str, found: String, expected: String },
}

impl Setting {
    /// What a person may write, in words.
    pub fn expected(&self) -> String {
        match self.kind {
            Kind::Float { min, max } => format!("a number from {min} to {max}"),
            Kind::Int { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Choice(names) => format!("one of {}", names.join(", ")),
            Kind::Text | Kind::Texts => "a text".to_owned(),
        }
    }

    /// A value as typed on a command line or after `/set`.
    pub fn parse(&self, text: &str) -> Result<Value, SettingError> {
        let text_trimmed = text.trim();
        let value = match self.kind {
            Kind::Float { .. } => text_trimmed.parse().ok().map(Value::Float),
            Kind::Int { .. } => text_trimmed.parse().ok().map(Value::Int),
            Kind::Choice(_) | Kind::Text => Some(Value::Text(text.to_owned())),
            Kind::Texts => Some(Value::Texts(vec![text.to_owned()])),
        };
        self.check(value.unwrap_or_else(|| Value::Text(text.to_owned())))
    }

    /// The value in the setting's own type, if it is one the setting takes.
    pub fn check(&self, value: Value) -> Result<Value, SettingError> {
        let wrong = |v: &Value| SettingError::Value { name: self.name, found: v.to_string(), expected: self.expected() };
        match (self.kind, value) {
            (Kind::Float { min, max }, Value::Float(v)) if v >= min && v <= max => Ok(Value::Float(v)),
            (Kind::Float { min, max }, Value::Int(v)) if v as f64 >= min && v as f64 <= max => Ok(Value::Float(v as f64)),
            (Kind::Int { min, max }, Value::Int(v)) if v >= min && v <= max => Ok(Value::Int(v)),
            (Kind::Choice(names), Value::Text(v)) if names.contains(&v.trim().to_ascii_lowercase().as_str()) => {
                Ok(Value::Text(v.trim().to_ascii_lowercase()))
            }
            (Kind::Text, Value::Text(v)) => Ok(Value::Text(v)),
            (Kind::Texts, Value::Texts(v)) => Ok(Value::Texts(v)),
            (Kind::Texts, Value::Text(v)) => Ok(Value::Texts(vec![v])),
            (_, v) => Err(wrong(&v)),
        }
    }
}

/// One layer of settings: only what it says, by the table's names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(pub BTreeMap<String, Value>);

impl Settings {
    /// Sets by any of a setting's names. The nearest name is offered for one that is unknown.
    pub fn set(&mut self, name: &str, text: &str) -> Result<&'static Setting, SettingError> {
        let row = find(name).ok_or_else(|| SettingError::Unknown { name: name.to_owned(), nearest: nearest(name) })?;
        let value = row.parse(text)?;
        match (self.0.get_mut(row.name), value) {
            (Some(Value::Texts(have)), Value::Texts(new)) if new.iter().any(|t| !t.is_empty()) => have.extend(new),
            (_, Value::Texts(new)) if new.iter().all(String::is_empty) => drop(self.0.remove(row.name)),
            (_, value) => drop(self.0.insert(row.name.to_owned(), value)),
        }
        Ok(row)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The table's name that is nearest to a mistyped one: at most a third of its letters differ.
fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SETTINGS.iter().map(|s| (distance(&name, s.name), s.name)).min().filter(|(d, n)| *d * 3 <= n.len().max(3)).map(|(_, n)| n)
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Who said a value. The first of these that says one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Command,
    Conversation,
    Persona,
    Model,
    Config,
    File,
    Default,
}

impl Source {
    /// As shown beside a value.
    pub fn name(self) -> &'static str {
        match self {
            Source::Command => "this command",
            Source::Conversation => "this conversation",
            Source::Persona => "the persona",
            Source::Model => "the config, for this model",
            Source::Config => "the config",
            Source::File => "the model's file",
            Source::Default => "the default",
        }
    }
}

/// Every setting's value with its source, in the table's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective(pub Vec<(&'static Setting, Value, Source)>);

/// Lays the layers over the defaults; for each setting the first source in `Source`'s order that says a valid value wins.
pub fn resolve(layers: &[(Source, &Settings)]) -> Effective {
    let mut layers: Vec<_> = layers.to_vec();
    layers.sort_by_key(|(source, _)| *source);
    Effective(
        SETTINGS
            .iter()
            .map(|row| {
                let said = layers.iter().find_map(|(source, s)| {
                    let value = s.0.get(row.name)?;
                    Some((row.check(value.clone()).ok()?, *source))
                });
                let (value, source) = said.unwrap_or((row.default.value(), Source::Default));
                (row, value, source)
            })
            .collect(),
    )
}

impl Effective {
    pub fn get(&self, name: &str) -> Option<(&Value, Source)> {
        self.0.iter().find(|(row, ..)| row.name == name).map(|(_, v, s)| (v, *s))
    }

    fn float(&self, name: &str) -> f32 {
        match self.get(name) {
            Some((Value::Float(v), _)) => *v as f32,
            _ => 0.0,
        }
    }

    fn int(&self, name: &str) -> i64 {
        match self.get(name) {
            Some((Value::Int(v), _)) => *v,
            _ => 0,
        }
    }

    pub fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Some((Value::Text(v), _)) => v,
            _ => "",
        }
    }

    pub fn sampling(&self) -> Sampling {
        Sampling {
            temp: self.float("temp"),
            top_k: self.int("top_k").max(0) as u32,
            top_p: self.float("top_p"),
            min_p: self.float("min_p"),
            repeat_last_n: self.int("repeat_last_n") as i32,
            repeat_penalty: self.float("repeat_penalty"),
            presence_penalty: self.float("presence_penalty"),
            frequency_penalty: self.float("frequency_penalty"),
            seed: u32::try_from(self.int("seed")).ok(),
        }
    }

    pub fn limits(&self) -> Limits {
        let stop = match self.get("stop") {
            Some((Value::Texts(v), _)) => v.iter().filter(|s| !s.is_empty()).cloned().collect(),
            _ => Vec::new(),
        };
        Limits { n_predict: u32::try_from(self.int("predict")).ok(), stop }
    }

    pub fn load_options(&self) -> LoadOptions {
        LoadOptions {
            n_ctx: self.int("ctx_size").max(0) as u32,
            n_threads: self.int("threads").max(0) as u32,
            cache_type_k: CacheType::from_name(self.text("cache_type_k")).unwrap_or(CacheType::F16),
            cache_type_v: CacheType::from_name(self.text("cache_type_v")).unwrap_or(CacheType::F16),
            exact: false,
            ids_only: false,
        }
    }
}

/// The sampler chain's settings, ready to use.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    pub temp: f32,
    /// 0: all.
    pub top_k: u32,
    pub top_p: f32,
    pub min_p: f32,
    /// -1: the whole context.
    pub repeat_last_n: i32,
    pub repeat_penalty: f32,
    pub presence_penalty: f32,
    pub frequency_penalty: f32,
    /// Absent: the engine draws one and says it in the statistics.
    pub seed: Option<u32>,
}

impl Default for Sampling {
    fn default() -> Self {
        resolve(&[]).sampling()
    }
}
