//! What the engine tells.

use super::{Description, JobId, Ledger, ModelFacts, ModelId, Report, Statistics};
use serde::{Deserialize, Serialize};

/// Where a piece of an answer belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Answer,
    Thinking,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended its answer, or the job did what was asked.
    Done,
    /// A stop string was met.
    StopString,
    /// `n_predict` tokens are said.
    Length,
    /// The context is full.
    Context,
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopToken {
    pub id: u32,
    pub logprob: f32,
}

/// One generated token. Its text is part of `Tokens::text`, once it is whole characters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenOut {
    pub id: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprob: Option<f32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<TopToken>,
}

/// One id's bytes, as control tokens are hidden or shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetokenizedPiece {
    pub id: u32,
    pub bytes: Vec<u8>,
    pub bytes_special: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenizeAnswer {
    Ids { ids: Vec<u32>, pieces: Vec<Vec<u8>> },
    Bytes(Vec<u8>),
    Pieces(Vec<DetokenizedPiece>),
    Counts(Vec<u32>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Waiting behind `ahead` other jobs.
    Queued {
        job: JobId,
        ahead: u32,
    },
    /// 0 to 1; a mapped file is warmed in the background, so this is about pages, not about being usable.
    LoadProgress {
        job: JobId,
        fraction: f32,
    },
    Loaded {
        job: JobId,
        model: ModelId,
        facts: Box<ModelFacts>,
        load_ms: f64,
    },
    /// `done` of `total` prompt tokens are in the cache, `reused` of them were there before. `rate` in tok/s counts
    /// computed tokens only.
    PrefillProgress {
        job: JobId,
        done: u32,
        total: u32,
        reused: u32,
        rate: Option<f32>,
    },
    /// Newly generated tokens and the text they completed, whole characters only. When the screen is slow, several
    /// of these are merged into one; none is dropped.
    Tokens {
        job: JobId,
        channel: Channel,
        text: String,
        tokens: Vec<TokenOut>,
    },
    /// Of the tokens that were guessed ahead so far, how many came true.
    Drafted {
        job: JobId,
        drafted: u32,
        accepted: u32,
    },
    Ledger {
        model: ModelId,
        ledger: Ledger,
    },
    Scored {
        job: JobId,
        logprobs: Vec<f32>,
    },
    Tokenized {
        job: JobId,
        answer: TokenizeAnswer,
    },
    Rendered {
        job: JobId,
        text: String,
        ids: Vec<u32>,
    },
    Described {
        job: JobId,
        description: Box<Description>,
    },
    /// The job's good end. `statistics` where it generated.
    Finished {
        job: JobId,
        reason: FinishReason,
        statistics: Option<Box<Statistics>>,
    },
    /// The job's bad end. The model may be gone (`model_lost`); it can be loaded again.
    Failed {
        job: JobId,
        report: Report,
        model_lost: Option<ModelId>,
    },
}

impl Event {
    /// Whether this is the last event of its job.
    pub fn ends(&self) -> Option<JobId> {
        match self {
            Event::Finished { job, .. } | Event::Failed { job, .. } => Some(*job),
            Event::Queued { .. }
            | Event::LoadProgress { .. }
            | Event::Loaded { .. }
            | Event::PrefillProgress { .. }
            | Event::Tokens { .. }
            | Event::Drafted { .. }
            | Event::Ledger { .. }
            | Event::Scored { .. }
            | Event::Tokenized { .. }
            | Event::Rendered { .. }
            | Event::Described { .. } => None,
        }
    }
}
