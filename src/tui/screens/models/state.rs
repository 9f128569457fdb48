//! What the screen knows of models.

use crate::history::ModelLabel;
use crate::protocol::{Fingerprint, JobId, ModelFacts, ModelId, ModelRef, NodeId, Report, Settings};
use crate::shelf::ModelEntry;
use std::collections::BTreeMap;

/// The model that answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    pub id: ModelId,
    pub reference: ModelRef,
    pub facts: Box<ModelFacts>,
    pub load_ms: f64,
}

impl Current {
    pub fn label(&self) -> ModelLabel {
        ModelLabel {
            fingerprint: self.facts.fingerprint.clone().unwrap_or(Fingerprint(String::new())),
            name: self.facts.name.clone(),
            quantization: self.facts.quantization.clone(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Loading {
    pub job: JobId,
    pub reference: ModelRef,
    pub fraction: Option<f32>,
    /// Answer this turn once more when it is there.
    pub then_regenerate: Option<NodeId>,
}

#[derive(Debug, Clone)]
pub struct State {
    /// What was found on this machine; absent until the first look ended.
    pub entries: Option<Vec<ModelEntry>>,
    pub current: Option<Current>,
    pub loading: Option<Loading>,
    /// What is loaded when something is to be answered and nothing is loaded.
    pub wanted: ModelRef,
    /// `wanted` was named on the command line or in the config: what answered last does not count.
    pub chosen_at_start: bool,
    /// Why the last load failed.
    pub failed: Option<Report>,
    /// Settings of the command line, of the config, and of the config for one model (by its name).
    pub command: Settings,
    pub config: Settings,
    pub per_model: BTreeMap<String, Settings>,
    none: Settings,
}

impl Default for State {
    fn default() -> Self {
        Self {
            entries: None,
            current: None,
            loading: None,
            wanted: ModelRef::Guide,
            chosen_at_start: false,
            failed: None,
            command: Settings::default(),
            config: Settings::default(),
            per_model: BTreeMap::new(),
            none: Settings::default(),
        }
    }
}

impl State {
    /// The config's own layer for the model that answers, by any of its names.
    pub fn for_current(&self) -> &Settings {
        let Some(current) = &self.current else { return &self.none };
        let entry = self.entry_of_current();
        let mut names = vec![current.facts.name.to_lowercase()];
        names.extend(entry.iter().flat_map(|e| [e.name.to_lowercase(), e.full_name().to_lowercase()]));
        let found = self.per_model.iter().find(|(name, _)| names.contains(&name.to_lowercase()));
        found.map_or(&self.none, |(_, settings)| settings)
    }

    /// What the program that keeps the model which answers recommends for it.
    pub fn params_of_current(&self) -> &Settings {
        self.entry_of_current().map_or(&self.none, |entry| &entry.params)
    }

    fn entry_of_current(&self) -> Option<&ModelEntry> {
        let current = self.current.as_ref()?;
        self.entries.iter().flatten().find(|e| e.reference == current.reference)
    }

    /// Models on this machine besides the guide.
    pub fn n_found(&self) -> usize {
        self.entries.iter().flatten().filter(|e| e.reference != ModelRef::Guide && e.problem.is_none()).count()
    }
}
