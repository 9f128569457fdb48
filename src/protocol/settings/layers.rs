//! Who said what: layers of settings, and which of them counts.

use super::{CacheType, SETTINGS, Setting, SettingError, Value, find};
use crate::protocol::{Grammar, Limits, LoadOptions, LogitBias, Reasoning, Rendering, SamplerStep, Sampling, TEMPLATE_OWN};
use crate::text::nearest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One layer of settings: only what it says, by the table's names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(pub BTreeMap<String, Value>);

impl Settings {
    /// Sets by any of a setting's names. The nearest name is offered for one that is unknown.
    pub fn set(&mut self, name: &str, text: &str) -> Result<&'static Setting, SettingError> {
        let known = || SETTINGS.iter().map(|s| s.name);
        let unknown = || SettingError::Unknown { name: name.to_owned(), nearest: nearest(&name.replace('-', "_"), known()) };
        let row = find(name).ok_or_else(unknown)?;
        let value = row.parse(text)?;
        match (self.0.get_mut(row.name), value) {
            (Some(Value::Texts(have)), Value::Texts(new)) if new.iter().any(|t| !t.is_empty()) => have.extend(new),
            (_, Value::Texts(new)) if !new.is_empty() && new.iter().all(String::is_empty) => drop(self.0.remove(row.name)),
            (_, value) => drop(self.0.insert(row.name.to_owned(), value)),
        }
        Ok(row)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
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
    /// The `params` that Ollama keeps beside a model.
    Ollama,
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
            Source::Ollama => "Ollama's params",
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

    fn texts(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            Some((Value::Texts(v), _)) => v.iter().filter(|s| !s.is_empty()).cloned().collect(),
            _ => Vec::new(),
        }
    }

    pub fn sampling(&self) -> Sampling {
        Sampling {
            temp: self.float("temp"),
            dynatemp_range: self.float("dynatemp_range"),
            dynatemp_exp: self.float("dynatemp_exp"),
            top_k: self.int("top_k").max(0) as u32,
            top_p: self.float("top_p"),
            min_p: self.float("min_p"),
            typical: self.float("typical"),
            top_n_sigma: self.float("top_n_sigma"),
            xtc_probability: self.float("xtc_probability"),
            xtc_threshold: self.float("xtc_threshold"),
            repeat_last_n: self.int("repeat_last_n") as i32,
            repeat_penalty: self.float("repeat_penalty"),
            presence_penalty: self.float("presence_penalty"),
            frequency_penalty: self.float("frequency_penalty"),
            dry_multiplier: self.float("dry_multiplier"),
            dry_base: self.float("dry_base"),
            dry_allowed_length: self.int("dry_allowed_length") as u32,
            dry_penalty_last_n: self.int("dry_penalty_last_n") as i32,
            dry_sequence_breakers: self.texts("dry_sequence_breaker"),
            mirostat: self.int("mirostat") as u8,
            mirostat_tau: self.float("mirostat_tau"),
            mirostat_eta: self.float("mirostat_eta"),
            logit_bias: self.texts("logit_bias").iter().filter_map(|text| LogitBias::parse(text)).collect(),
            samplers: SamplerStep::list(self.text("samplers")).unwrap_or_default(),
            seed: u32::try_from(self.int("seed")).ok(),
            grammar: self.grammar(),
        }
    }

    /// What constrains the answer: of `grammar`, `json_schema` and `format` the one that was said nearest to this answer.
    fn grammar(&self) -> Option<Grammar> {
        let said = |name| self.get(name).filter(|(_, source)| *source != Source::Default).map(|(_, source)| (source, name));
        let (_, nearest) = ["grammar", "json_schema", "format"].into_iter().filter_map(said).min_by_key(|(source, _)| *source)?;
        match (nearest, self.text(nearest)) {
            (_, "") | ("format", "none") => None,
            ("format", _) => Some(Grammar::Json),
            ("json_schema", schema) => Some(Grammar::JsonSchema(schema.to_owned())),
            (_, grammar) => Some(Grammar::Text(grammar.to_owned())),
        }
    }

    pub fn limits(&self) -> Limits {
        let n_draft = u32::try_from(self.int("draft_max")).unwrap_or(0);
        Limits { n_predict: u32::try_from(self.int("predict")).ok(), stop: self.texts("stop"), n_room: 0, n_draft }
    }

    pub fn rendering(&self) -> Rendering {
        Rendering {
            reasoning: Reasoning::from_name(self.text("reasoning")).unwrap_or_default(),
            template: Some(self.text("chat_template").to_owned()).filter(|name| !name.is_empty() && name != TEMPLATE_OWN),
            merges_system: self.text("merge_system") == "on",
        }
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
