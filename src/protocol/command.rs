//! What can be asked of the engine.

use super::settings::resolve;
use super::{CacheType, ConversationId, JobId, Message, ModelId, Rendering, Sampling};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Raised when a field changes its meaning; a new optional field does not raise it.
pub const PROTOCOL_VERSION: u32 = 1;

/// The name of the embedded model wherever a MODEL is asked for.
pub const GUIDE_NAME: &str = "guide";

/// A model before it is loaded: a file (the first, where it is split) or the one inside the program.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelRef {
    Guide,
    File(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadOptions {
    /// Context length; 0: the smallest of what the model was trained for, what fits, and 16,384.
    pub n_ctx: u32,
    /// Compute threads; 0: as many as the machine has to give.
    pub n_threads: u32,
    pub cache_type_k: CacheType,
    pub cache_type_v: CacheType,
    /// Weights, activations and cache in F32: slow, the truth other paths are measured against.
    pub exact: bool,
    /// Do not look for a tokenizer: golden files have none, and ids alone are asked for.
    pub ids_only: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { n_ctx: 0, n_threads: 0, cache_type_k: CacheType::F16, cache_type_v: CacheType::F16, exact: false, ids_only: false }
    }
}

/// What an answer is generated from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Rendered through the model's template. Where the last message is the assistant's, the answer goes on from it.
    Messages {
        messages: Vec<Message>,
        rendering: Rendering,
    },
    Ids(Vec<u32>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Tokens to generate at most; absent: until an end token or the context's end.
    pub n_predict: Option<u32>,
    /// Texts that end the answer and are not part of it.
    pub stop: Vec<String>,
    /// A prompt that leaves less than this many tokens of the context is refused; one token must always be left.
    pub n_room: u32,
    /// Tokens to guess ahead at most; 0: none. The answer is the same with any number.
    pub n_draft: u32,
}

impl Default for Limits {
    fn default() -> Self {
        resolve(&[]).limits()
    }
}

/// What `ingle tokenize` can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenizeRequest {
    Encode {
        text: String,
        add_special: bool,
        parse_special: bool,
    },
    Decode {
        ids: Vec<u32>,
        remove_special: bool,
        unparse_special: bool,
    },
    Pieces {
        ids: Vec<u32>,
    },
    /// How many tokens each of these takes, as text alone.
    Count {
        texts: Vec<String>,
    },
}

/// Each command ends in exactly one `Finished` or `Failed` that carries its job, after its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Load {
        job: JobId,
        model: ModelRef,
        /// A smaller model of the same vocabulary, to guess what it will say.
        #[serde(default)]
        draft: Option<ModelRef>,
        options: LoadOptions,
    },
    Unload {
        job: JobId,
        model: ModelId,
    },
    Generate {
        job: JobId,
        model: ModelId,
        /// Names the KV cache to go on with; absent: a cache of its own.
        conversation: Option<ConversationId>,
        input: Input,
        sampling: Box<Sampling>,
        limits: Limits,
        /// How many alternatives to report with each token; absent: not even its own log-probability.
        logprobs: Option<u8>,
    },
    /// Forgets what models have read of a conversation, in memory and on disk.
    Forget {
        job: JobId,
        conversation: ConversationId,
    },
    /// Log-probability of each id given those before it.
    Score {
        job: JobId,
        model: ModelId,
        ids: Vec<u32>,
    },
    /// Logits at every position, raw little-endian f32 [ids, vocabulary], to a file.
    Logits {
        job: JobId,
        model: ModelId,
        ids: Vec<u32>,
        /** Ids fed at a time; 0: all at once. */
        chunk: u32,
        sink: PathBuf,
    },
    /// Needs a file's header alone; nothing is loaded.
    Tokenize {
        job: JobId,
        model: ModelRef,
        request: TokenizeRequest,
    },
    /// The exact prompt of these messages; needs a file's header alone.
    Render {
        job: JobId,
        model: ModelRef,
        messages: Vec<Message>,
        rendering: Rendering,
        add_generation_prompt: bool,
    },
    /// What a file says of itself: its template, its tensors. Needs its header alone.
    Describe {
        job: JobId,
        model: ModelRef,
    },
    Cancel {
        job: JobId,
        target: JobId,
    },
    Shutdown {
        job: JobId,
    },
}

impl Command {
    pub fn job(&self) -> JobId {
        match self {
            Command::Load { job, .. }
            | Command::Unload { job, .. }
            | Command::Generate { job, .. }
            | Command::Forget { job, .. }
            | Command::Score { job, .. }
            | Command::Logits { job, .. }
            | Command::Tokenize { job, .. }
            | Command::Render { job, .. }
            | Command::Describe { job, .. }
            | Command::Cancel { job, .. }
            | Command::Shutdown { job } => *job,
        }
    }
}
