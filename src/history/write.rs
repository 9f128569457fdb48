//! What can be asked of the history, and what it tells.

use crate::protocol::{
    Channel, ConversationId, Fingerprint, FinishReason, ModelFacts, NodeId, Report, Role, Settings, Statistics, TokenOut,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A message or an answer that begins. Its conversation begins with its first node and points at its newest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewNode {
    pub id: NodeId,
    pub conversation: ConversationId,
    /// Absent: the first of its conversation, or an alternative to the first.
    pub parent: Option<NodeId>,
    pub role: Role,
    pub created_ms: u64,
    pub content: String,
    /// The model that answers.
    pub model: Option<Fingerprint>,
    /// What the answer is made with, every value that took effect.
    pub settings: Settings,
}

/// A model as the history keeps it, so that an old answer can say who gave it after the file is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    pub fingerprint: Fingerprint,
    /// Absent: the one inside the program.
    pub path: Option<PathBuf>,
    pub facts: Box<ModelFacts>,
}

/// How an answer ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Finished(FinishReason),
    Failed(Report),
}

/// One change, as plain data. Each is stored whole or not at all, in the order given, and answered by one
/// [`HistoryEvent::Stored`] or [`HistoryEvent::Refused`]; `Grow` and `Unsent` come too often for that and are only
/// answered when they are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// A whole message; where its id is unsent text's, that text is now sent.
    Message(NewNode),
    /// An answer begins and this ingle owns it.
    Begin(NewNode),
    /// More of an answer that streams. Stored at the latest [`super::FLUSH`] later, together with what else came.
    Grow {
        node: NodeId,
        channel: Channel,
        text: String,
        tokens: Vec<TokenOut>,
    },
    /// The answer's end, after all its `Grow`.
    End {
        node: NodeId,
        end: End,
        statistics: Option<Box<Statistics>>,
    },
    /// An answer that ended or was interrupted goes on: it streams again and is this ingle's.
    Continue {
        node: NodeId,
    },
    /// What stands in the prompt, not sent. Each replaces the one before; an empty one forgets it. Stored at the latest
    /// [`super::FLUSH_UNSENT`] later.
    Unsent {
        node: NodeId,
        conversation: ConversationId,
        parent: Option<NodeId>,
        text: String,
        now_ms: u64,
    },
    /// Another branch of the tree is looked at.
    Tip {
        conversation: ConversationId,
        tip: NodeId,
    },
    /// An empty title: the first words again.
    Rename {
        conversation: ConversationId,
        title: String,
    },
    Star {
        conversation: ConversationId,
        starred: bool,
    },
    /// The conversation's own layer of settings.
    Settings {
        conversation: ConversationId,
        settings: Settings,
    },
    Model(ModelRecord),
    /// For good: from the file's free pages, from the search index and from the backups too.
    Delete {
        conversation: ConversationId,
    },
    /// A node with everything under it, for good.
    DeleteNode {
        node: NodeId,
    },
}

/// Which write is meant, without what it said.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receipt {
    Message(NodeId),
    Begin(NodeId),
    Grow(NodeId),
    End(NodeId),
    Continue(NodeId),
    Unsent(NodeId),
    Tip(ConversationId),
    Rename(ConversationId),
    Star(ConversationId),
    Settings(ConversationId),
    Model(Fingerprint),
    Delete(ConversationId),
    DeleteNode(NodeId),
}

impl Write {
    pub fn receipt(&self) -> Receipt {
        match self {
            Write::Message(new) => Receipt::Message(new.id),
            Write::Begin(new) => Receipt::Begin(new.id),
            Write::Grow { node, .. } => Receipt::Grow(*node),
            Write::End { node, .. } => Receipt::End(*node),
            Write::Continue { node } => Receipt::Continue(*node),
            Write::Unsent { node, .. } => Receipt::Unsent(*node),
            Write::Tip { conversation, .. } => Receipt::Tip(*conversation),
            Write::Rename { conversation, .. } => Receipt::Rename(*conversation),
            Write::Star { conversation, .. } => Receipt::Star(*conversation),
            Write::Settings { conversation, .. } => Receipt::Settings(*conversation),
            Write::Model(record) => Receipt::Model(record.fingerprint.clone()),
            Write::Delete { conversation } => Receipt::Delete(*conversation),
            Write::DeleteNode { node } => Receipt::DeleteNode(*node),
        }
    }
}

/// What the writer tells, in the order of the writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryEvent {
    /// On disk: synced, and there after a power cut.
    Stored(Receipt),
    /// Not stored, and never will be: the write itself is wrong, or this database may not be written.
    Refused { receipt: Receipt, report: Report },
    /// Nothing can be stored for now (a full disk); all is kept and tried again. Said once.
    Stalled(Report),
    /// What was kept is stored; writes go on.
    Flowing,
    /// Something a person should know; nothing is lost.
    Note(Report),
}
