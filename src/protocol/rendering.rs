//! How messages become a prompt, as far as a person may choose.

use serde::{Deserialize, Serialize};

/// How much a model is to think before it answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reasoning {
    /// As the template has it when nothing is said.
    #[default]
    Auto,
    Off,
    On,
    Low,
    Medium,
    High,
}

impl Reasoning {
    pub const ALL: [Self; 6] = [Self::Auto, Self::Off, Self::On, Self::Low, Self::Medium, Self::High];
    /// In the order of `ALL`.
    pub const NAMES: &'static [&'static str] = &["auto", "off", "on", "low", "medium", "high"];

    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// The word for the template that a file brings with it.
pub const TEMPLATE_OWN: &str = "file";

/// Names of the chat templates that ingle has itself, after the file's own. What they are stands in `prompt`.
pub const TEMPLATE_NAMES: &[&str] = &[
    TEMPLATE_OWN,
    "chatml",
    "llama2",
    "llama3",
    "gemma",
    "mistral",
    "phi3",
    "deepseek",
    "command-r",
    "granite",
    "harmony",
    "vicuna",
    "alpaca",
    "plain",
];

/// How a conversation is rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rendering {
    pub reasoning: Reasoning,
    /// One of `TEMPLATE_NAMES` in place of the file's own.
    pub template: Option<String>,
    /// System text is written into the message after it, for templates that know no system.
    pub merges_system: bool,
}
