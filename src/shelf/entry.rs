//! One model on the shelf.

use crate::protocol::{ModelFacts, ModelRef, Report, Settings};
use serde::Serialize;

/// What is known of a model that may be loaded. Names come from files and folders: hostile until they are `text::Shown`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelEntry {
    pub reference: ModelRef,
    /// "guide", "Llama-3.2-1B-Instruct-Q4_K_M", "llama3.2:1b".
    pub name: String,
    /// What it belongs to where it lies: "ORG/NAME", or the folder below its root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The row of `PLACES`, or "ingle itself".
    pub place: &'static str,
    /// "Q4_K_M"; empty where the file could not be read.
    pub quantization: String,
    /// All files of the model.
    pub bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<ModelFacts>,
    /// Settings that the program which keeps it here recommends for it.
    #[serde(skip_serializing_if = "Settings::is_empty")]
    pub params: Settings,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Report>,
}

impl ModelEntry {
    /// The name with what it belongs to, as lists of candidates show it.
    pub fn full_name(&self) -> String {
        match &self.origin {
            Some(origin) => format!("{origin}/{}", self.name),
            None => self.name.clone(),
        }
    }

    /// Every name that means this model alone, lower case.
    pub(super) fn exact_names(&self) -> Vec<String> {
        let mut names = vec![self.name.clone(), self.full_name(), format!("{}:{}", self.name, self.quantization)];
        names.extend(self.origin.iter().map(|origin| format!("{origin}:{}", self.quantization)));
        names.iter().map(|name| name.to_lowercase()).collect()
    }
}
