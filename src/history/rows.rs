//! What is read out of the history. Texts are as they were said: hostile until they are `text::Shown`.

use crate::protocol::{ConversationId, Fingerprint, FinishReason, Message, NodeId, Report, Role, Settings, Statistics};
use serde::{Deserialize, Serialize};

/// How far a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Typed, not sent.
    Unsent,
    /// A whole message.
    Sent,
    /// An answer that grows, in this ingle or another one that lives.
    Streaming,
    /// An answer whose ingle went away while it grew. It can be continued.
    Interrupted,
    Done,
    /// Stopped by the person.
    Stopped,
    Failed,
}

/// Who gave an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelLabel {
    pub fingerprint: Fingerprint,
    /// Empty where only the fingerprint is known.
    pub name: String,
    pub quantization: String,
}

/// One node of a conversation's tree, without its token ids ([`super::Reader::tokens`] has them).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    pub id: NodeId,
    pub conversation: ConversationId,
    pub parent: Option<NodeId>,
    pub role: Role,
    pub created_ms: u64,
    pub status: Status,
    pub content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelLabel>,
    #[serde(skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
    /// Why it ended, once it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish: Option<FinishReason>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

impl Node {
    /// As the engine takes it.
    pub fn message(&self) -> Message {
        Message { role: self.role, content: self.content.clone(), thinking: self.thinking.clone() }
    }
}

/// One line of the list of conversations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConversationRow {
    pub id: ConversationId,
    /// First words of the first message until it is renamed; empty while only unsent text is there.
    pub title: String,
    pub starred: bool,
    #[serde(skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
    /// The node that is looked at; absent while only unsent text is there.
    pub tip: Option<NodeId>,
    pub created_ms: u64,
    pub updated_ms: u64,
    /// Messages and answers in all branches.
    pub n_nodes: u64,
}

/// One place where searched words stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    pub conversation: ConversationId,
    pub title: String,
    pub node: NodeId,
    pub role: Role,
    pub created_ms: u64,
    /// The place, with what was found between [`super::FOUND_START`] and [`super::FOUND_END`].
    pub snippet: String,
}

/// An answer that was growing when its ingle went away, at the tip of its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interrupted {
    pub conversation: ConversationId,
    pub node: NodeId,
    pub created_ms: u64,
}
