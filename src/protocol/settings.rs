//! The settings table: one row makes a flag, a slash command's name, a config key, its completion and its help.
//!
//! A [`Settings`] is one layer (what a person, a conversation, a file says); [`resolve`] lays layers over each other
//! and says of each value where it comes from.

mod layers;
mod table;

use super::sampling::{LogitBias, SamplerStep};
use serde::{Deserialize, Serialize};
use std::fmt;

pub use layers::{Effective, Settings, Source, resolve};
pub use table::{N_DRAFT_MAX, SETTINGS};

/// The names of a switch; a flag alone means on.
pub const ON_OFF: &[&str] = &["off", "on"];

/// Longest excerpt of a wrong value in an error, characters.
const FOUND_CHARS_MAX: usize = 60;

/// The type of a half of the KV cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheType {
    F32,
    #[default]
    F16,
    /// 34 bytes for 32 values.
    #[serde(rename = "q8_0")]
    Q8_0,
}

impl CacheType {
    pub const NAMES: &'static [&'static str] = &["f32", "f16", "q8_0"];

    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "f32" => Some(CacheType::F32),
            "f16" => Some(CacheType::F16),
            "q8_0" => Some(CacheType::Q8_0),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            CacheType::F32 => "f32",
            CacheType::F16 => "f16",
            CacheType::Q8_0 => "q8_0",
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
    /// A path to a model, or a name of one on this machine.
    Model,
    /// Texts, each set adds one; an empty one clears them.
    Texts,
    /// `ID+BIAS` or `ID-BIAS`, each set adds one; an empty one clears them.
    Biases,
    /// Names of sampler steps, parted by `;`.
    Steps,
    /// A JSON schema.
    Schema,
    /// A grammar for answers.
    Grammar,
}

impl Kind {
    /// Whether each value said adds to those before it.
    pub fn is_list(self) -> bool {
        matches!(self, Kind::Texts | Kind::Biases)
    }
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
    Texts(&'static [&'static str]),
}

impl Preset {
    pub fn value(self) -> Value {
        match self {
            Preset::Int(v) => Value::Int(v),
            Preset::Float(v) => Value::Float(v),
            Preset::Text(v) => Value::Text(v.to_owned()),
            Preset::Texts(v) => Value::Texts(v.iter().map(|text| (*text).to_owned()).collect()),
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
            Kind::Model => "a model: its name or its file's path".to_owned(),
            Kind::Text | Kind::Texts | Kind::Grammar => "a text".to_owned(),
            Kind::Biases => "a token's id, a sign and a number, as 15043+1.5 or 15043-inf".to_owned(),
            Kind::Steps => format!("names out of {}", SamplerStep::names()),
            Kind::Schema => "a JSON schema: an object in braces".to_owned(),
        }
    }

    /// Whether what was typed names a file that holds the value: a schema begins with a brace, a grammar has rules.
    pub fn names_file(&self, text: &str) -> bool {
        let text = text.trim();
        let is_value = match self.kind {
            Kind::Schema => text.starts_with('{'),
            Kind::Grammar => text.contains(':'),
            _ => true,
        };
        !is_value && !text.is_empty() && text != "\"\""
    }

    /// A value as typed on a command line or after `/set`. There `""` is the empty text, and in a list of texts `\n` and
    /// its like stand for what cannot be typed, as in llama.cpp.
    pub fn parse(&self, text: &str) -> Result<Value, SettingError> {
        let trimmed = text.trim();
        let text = if trimmed == "\"\"" { "" } else { text };
        let value = match self.kind {
            Kind::Float { .. } => trimmed.parse().ok().map(Value::Float),
            Kind::Int { .. } => trimmed.parse().ok().map(Value::Int),
            Kind::Model => Some(Value::Text(trimmed.trim_matches('"').to_owned())),
            Kind::Choice(_) | Kind::Text | Kind::Steps | Kind::Schema | Kind::Grammar => Some(Value::Text(text.to_owned())),
            Kind::Texts | Kind::Biases if !self.off.is_empty() && trimmed == self.off => Some(Value::Texts(Vec::new())),
            Kind::Texts => Some(Value::Texts(vec![unescaped(text)])),
            Kind::Biases => Some(Value::Texts(vec![trimmed.to_owned()])),
        };
        self.check(value.unwrap_or_else(|| Value::Text(text.to_owned())))
    }

    /// The value in the setting's own type, if it is one the setting takes.
    pub fn check(&self, value: Value) -> Result<Value, SettingError> {
        let wrong = |v: &Value| SettingError::Value { name: self.name, found: excerpt(&v.to_string()), expected: self.expected() };
        match (self.kind, value) {
            (Kind::Float { min, max }, Value::Float(v)) if v >= min && v <= max => Ok(Value::Float(v)),
            (Kind::Float { min, max }, Value::Int(v)) if v as f64 >= min && v as f64 <= max => Ok(Value::Float(v as f64)),
            (Kind::Int { min, max }, Value::Int(v)) if v >= min && v <= max => Ok(Value::Int(v)),
            (Kind::Choice(names), Value::Text(v)) if names.contains(&v.trim().to_ascii_lowercase().as_str()) => {
                Ok(Value::Text(v.trim().to_ascii_lowercase()))
            }
            (Kind::Text | Kind::Model | Kind::Grammar, Value::Text(v)) => Ok(Value::Text(v)),
            (Kind::Texts, Value::Texts(v)) => Ok(Value::Texts(v)),
            (Kind::Texts, Value::Text(v)) => Ok(Value::Texts(vec![v])),
            (Kind::Biases, Value::Text(v)) => self.check(Value::Texts(vec![v])),
            (Kind::Biases, Value::Texts(v)) if v.iter().all(|b| b.is_empty() || LogitBias::parse(b).is_some()) => Ok(Value::Texts(v)),
            (Kind::Steps, Value::Text(v)) => match SamplerStep::list(&v) {
                Some(steps) => Ok(Value::Text(steps.iter().map(|s| s.name()).collect::<Vec<_>>().join(";"))),
                None => Err(wrong(&Value::Text(v))),
            },
            (Kind::Schema, Value::Text(v)) if v.trim().is_empty() || is_json_object(&v) => Ok(Value::Text(v.trim().to_owned())),
            (_, v) => Err(wrong(&v)),
        }
    }
}

fn is_json_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| value.is_object())
}

fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(FOUND_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// `\n`, `\r`, `\t`, `\"`, `\'` and `\\` as what they stand for; any other backslash is one.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let meant = match (c, rest.as_str().chars().next()) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('r')) => '\r',
            ('\\', Some('t')) => '\t',
            ('\\', Some(same @ ('\\' | '"' | '\''))) => same,
            _ => {
                out.push(c);
                continue;
            }
        };
        rest.next();
        out.push(meant);
    }
    out
}
