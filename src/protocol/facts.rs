//! What is known of a model without running it.

use super::{Reasoning, Settings};
use serde::{Deserialize, Serialize};

/// Hash of a file's size, header and tensor table, hex: instant at any size, equal only for equal models.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint(pub String);

/// What a file says of its model. Texts come from the file: hostile until they are `text::Shown`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelFacts {
    /// `general.name`, else the file's name without `.gguf`.
    pub name: String,
    /// `general.architecture`.
    pub architecture: String,
    /// "Q4_K_M": from `general.file_type`, else the type that most bytes have.
    pub quantization: String,
    /// All files of the model, bytes.
    pub file_bytes: u64,
    pub n_params: u64,
    pub n_layer: u32,
    pub n_embd: u32,
    pub n_vocab: u32,
    /// Context length the model was trained for.
    pub n_ctx_train: u32,
    /// Context length it is loaded with; 0 while it is not loaded.
    pub n_ctx: u32,
    /// Threads it computes with; 0 while it is not loaded.
    pub n_threads: u32,
    pub fingerprint: Option<Fingerprint>,
    pub licence: Option<String>,
    pub has_template: bool,
    /// How much thinking the template lets one choose; empty where it has no switch, or while that was not looked into.
    pub reasoning: Vec<Reasoning>,
    /// Chat templates of ingle's own whose marks this vocabulary has, likewise.
    pub fitting_templates: Vec<String>,
    /// Sampling values that the file itself recommends (`general.sampling.*`).
    pub recommended: Settings,
    /// Oddities a person should know: a guessed pre-tokenizer, a context beyond training.
    pub notes: Vec<String>,
}

/// What a file says besides its facts. Texts come from the file: hostile until they are `text::Shown`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Description {
    pub facts: ModelFacts,
    /// The chat template as it stands in the file.
    pub template: Option<String>,
    pub tensors: Vec<TensorFacts>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorFacts {
    pub name: String,
    /// The block type's name, or its number where ingle does not know it.
    pub quantization: String,
    /// Innermost dimension first.
    pub shape: Vec<u64>,
    /// Absent where the type's size is not known.
    pub bytes: Option<u64>,
}
