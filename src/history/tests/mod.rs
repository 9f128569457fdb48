//! The history on a real disk, through its own door.

mod files;
mod search;
mod tree;
mod writes;

use super::*;
use crate::protocol::{Channel, ConversationId, FinishReason, NodeId, Role, Settings, Statistics, TokenOut};
use std::sync::mpsc::{Receiver, channel};

const PATIENCE: Duration = Duration::from_secs(20);
const NOW: u64 = 1_767_225_600_000; // 2026-01-01

/// An open history in a folder of its own, with what it tells.
pub struct House {
    pub home: tempfile::TempDir,
    pub history: Option<History>,
    pub opened: Opened,
    events: Receiver<HistoryEvent>,
    n_ids: u64,
}

impl House {
    pub fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    pub fn at(home: tempfile::TempDir) -> Self {
        let (history, opened, events) = open(&home).unwrap();
        Self { home, history: Some(history), opened, events, n_ids: 0 }
    }

    pub fn folders(&self) -> Folders {
        folders(&self.home)
    }

    pub fn write(&self, write: Write) {
        self.history.as_ref().unwrap().write(write).unwrap();
    }

    /// Writes, and waits for the answer.
    pub fn stored(&self, write: Write) {
        let receipt = write.receipt();
        self.write(write);
        assert_eq!(self.event(), HistoryEvent::Stored(receipt));
    }

    pub fn refused(&self, write: Write) -> String {
        self.write(write);
        match self.event() {
            HistoryEvent::Refused { report, .. } => report.to_string(),
            other => panic!("{other:?}"),
        }
    }

    pub fn event(&self) -> HistoryEvent {
        self.events.recv_timeout(PATIENCE).unwrap()
    }

    pub fn reader(&self) -> Reader {
        self.history.as_ref().unwrap().reader().unwrap()
    }

    pub fn conversation(&self, id: ConversationId) -> Conversation {
        self.reader().conversation(id).unwrap().unwrap()
    }

    pub fn close(mut self) -> tempfile::TempDir {
        self.history.take().unwrap().close(PATIENCE).unwrap();
        self.home
    }

    pub fn node(&mut self) -> NodeId {
        self.n_ids += 1;
        NodeId::new(NOW + self.n_ids, random())
    }

    /// A conversation with a question.
    pub fn ask(&mut self, text: &str) -> (ConversationId, NodeId) {
        let id = ConversationId::new(NOW, random());
        let node = self.node();
        self.stored(Write::Message(new(node, id, None, Role::User, text)));
        (id, node)
    }

    /// A whole answer.
    pub fn answer(&mut self, to: (ConversationId, NodeId), text: &str) -> NodeId {
        let node = self.node();
        self.stored(Write::Begin(new(node, to.0, Some(to.1), Role::Assistant, "")));
        self.write(grow(node, text));
        self.stored(end(node));
        node
    }
}

pub fn folders(home: &tempfile::TempDir) -> Folders {
    Folders::within(home.path())
}

pub fn open(home: &tempfile::TempDir) -> Result<(History, Opened, Receiver<HistoryEvent>), HistoryError> {
    let (tell, events) = channel();
    let (history, opened) = History::open(&folders(home), NOW, move |event| drop(tell.send(event)))?;
    Ok((history, opened, events))
}

pub fn random() -> [u8; 10] {
    let uuid = uuid::Uuid::now_v7();
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&uuid.as_bytes()[6..]);
    bytes
}

pub fn new(id: NodeId, conversation: ConversationId, parent: Option<NodeId>, role: Role, content: &str) -> NewNode {
    let created_ms = NOW + u64::from_be_bytes(id.0.as_bytes()[..8].try_into().unwrap()) % 1000;
    NewNode { id, conversation, parent, role, created_ms, content: content.to_owned(), model: None, settings: Settings::default() }
}

pub fn grow(node: NodeId, text: &str) -> Write {
    let tokens = text.chars().map(|c| TokenOut { id: u32::from(c), logprob: None, top: Vec::new() }).collect();
    Write::Grow { node, channel: Channel::Answer, text: text.to_owned(), tokens }
}

pub fn end(node: NodeId) -> Write {
    let statistics = Statistics { predicted_n: 3, seed: 7, ..Statistics::default() };
    Write::End { node, end: End::Finished(FinishReason::Done), statistics: Some(Box::new(statistics)) }
}
