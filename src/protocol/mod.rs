//! The words all rooms share: ids, messages, settings, facts, statistics, the ledger of memory, and the engine's
//! `Command` and `Event`.
//!
//! Begin with [`Command`] and [`Event`]: they are the whole conversation between a screen or a command line and the
//! engine. Everything here is plain data with serde, owned, and free of any assumption that both sides live in one
//! process, because the same words later travel over a socket. Nothing here computes, reads a file or knows a clock.

mod command;
mod event;
mod facts;
mod ids;
mod ledger;
mod message;
mod rendering;
mod report;
mod sampling;
mod settings;
mod statistics;
#[cfg(test)]
mod tests;

pub use command::{Command, GUIDE_NAME, Input, Limits, LoadOptions, ModelRef, PROTOCOL_VERSION, TokenizeRequest};
pub use event::{Channel, DetokenizedPiece, Event, FinishReason, TokenOut, TokenizeAnswer, TopToken};
pub use facts::{Description, Fingerprint, ModelFacts, TensorFacts};
pub use ids::{ConversationId, JobId, ModelId, NodeId};
pub use ledger::Ledger;
pub use message::{Message, Role};
pub use rendering::{Reasoning, Rendering, TEMPLATE_NAMES, TEMPLATE_OWN};
pub use report::{Offer, Report};
pub use sampling::{Grammar, LogitBias, SamplerStep, Sampling};
pub use settings::{
    CacheType, Effective, Kind, N_DRAFT_MAX, ON_OFF, SETTINGS, Scope, Setting, SettingError, Settings, Source, Value, find as find_setting,
    resolve,
};
pub use statistics::Statistics;
