//! A conversation as the screen holds it: the tree, what is on its way, and where the reader is.

use super::transcript::Kept;
use crate::history::{Conversation, Node, Status, Tree};
use crate::protocol::{ConversationId, JobId, NodeId, Role, Settings};
use crate::tui::figures::grouped;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// An answer that the engine computes. It may belong to a conversation that is not looked at any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    pub job: JobId,
    pub conversation: ConversationId,
    pub node: NodeId,
    /// The answer as it grows, apart from the tree, since the reader may go elsewhere and come back.
    pub answer: Node,
    pub began_ms: u64,
    pub first_token_ms: Option<u64>,
    pub first_answer_ms: Option<u64>,
    pub n_thinking: u32,
    /// It was told to stop.
    pub stopping: bool,
}

/// An answer that is wanted while no model is there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A new answer under this turn.
    Under(NodeId),
    /// This answer goes on.
    From(NodeId),
}

/// A summary that the engine writes. It may belong to a conversation that is not looked at any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Compacting {
    pub job: JobId,
    pub conversation: ConversationId,
    /// The last turn that it is of.
    pub behind: NodeId,
    /// What was looked at when it began.
    pub tip: NodeId,
    pub n_turns: usize,
    pub text: String,
    pub n_tokens: u32,
    /// What is answered then.
    pub wanted: Option<Wanted>,
}

/// Where the reader is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scroll {
    /// At the end, and stays there while text grows.
    #[default]
    Follow,
    /// This line of this turn is the first on the screen, whatever grows below it.
    At { node: NodeId, line: usize },
}

/// A search through this conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Find {
    pub words: String,
    /// Keys go to the words.
    pub typing: bool,
    /// The line that is shown, counted over all turns, and how many lines hold the words.
    pub at: Option<usize>,
    pub n_found: usize,
}

/// How long a thinking part took, as it was seen or stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thought {
    pub took_ms: u64,
    pub n_tokens: u32,
}

impl Thought {
    /// "12 s, 340 tokens"; parts of a second count only where there is no whole one.
    pub fn shown(&self) -> String {
        let tokens = if self.n_tokens == 1 { "token" } else { "tokens" };
        let seconds = if self.took_ms < 1_000 { format!("{:.1}", self.took_ms as f64 / 1e3) } else { grouped(self.took_ms / 1_000) };
        format!("{seconds} s, {} {tokens}", grouped(u64::from(self.n_tokens)))
    }
}

#[derive(Debug)]
pub struct State {
    pub id: ConversationId,
    /// As it was given; the first words stand for it while it is empty.
    pub title: String,
    pub starred: bool,
    pub settings: Settings,
    pub tree: Tree,
    pub tip: Option<NodeId>,
    /// Given to the history, not yet on disk: not shown as sent.
    pub sending: Option<NodeId>,
    pub running: Option<Running>,
    pub wanted: Option<Wanted>,
    pub compacting: Option<Compacting>,
    pub queue: VecDeque<String>,
    /// The turn whose other wording stands in the prompt.
    pub editing: Option<NodeId>,
    pub scroll: Scroll,
    pub chosen: Option<NodeId>,
    /// Turns whose thinking and figures are open.
    pub unfolded: BTreeSet<NodeId>,
    pub thoughts: BTreeMap<NodeId, Thought>,
    pub find: Option<Find>,
    /// Lines as they were wrapped, kept from frame to frame.
    pub kept: Kept,
}

impl State {
    pub fn empty(id: ConversationId) -> Self {
        Self {
            id,
            title: String::new(),
            starred: false,
            settings: Settings::default(),
            tree: Tree::default(),
            tip: None,
            sending: None,
            running: None,
            wanted: None,
            compacting: None,
            queue: VecDeque::new(),
            editing: None,
            scroll: Scroll::Follow,
            chosen: None,
            unfolded: BTreeSet::new(),
            thoughts: BTreeMap::new(),
            find: None,
            kept: Kept::default(),
        }
    }

    /// Looks at another conversation. What the engine computes goes on.
    pub fn open(&mut self, conversation: Conversation) {
        let (running, compacting) = (self.running.take(), self.compacting.take());
        let Conversation { row, tree, .. } = conversation;
        *self = Self { title: row.title, starred: row.starred, settings: row.settings, ..Self::empty(row.id) };
        self.tip = row.tip.filter(|tip| tree.get(*tip).is_some() && !tree.is_cut(*tip)).or_else(|| tree.newest());
        self.tree = tree;
        (self.running, self.compacting) = (running, compacting);
        if let Some(running) = self.running.as_ref().filter(|r| r.conversation == self.id) {
            self.tree.insert(running.answer.clone());
        }
    }

    pub fn is_empty(&self) -> bool {
        self.tip.is_none()
    }

    /// The turns that are shown, oldest first.
    pub fn path(&self) -> Vec<&Node> {
        self.tip.map(|tip| self.tree.path(tip)).unwrap_or_default()
    }

    pub fn tip_node(&self) -> Option<&Node> {
        self.tree.get(self.tip?)
    }

    /// The last turn of a role on the path.
    pub fn last(&self, role: Role) -> Option<&Node> {
        self.path().into_iter().rev().find(|n| n.role == role)
    }

    /// The turn that keys act on: the chosen one, else the last of that role.
    pub fn meant(&self, role: Role) -> Option<&Node> {
        let chosen = self.chosen.and_then(|id| self.tree.get(id));
        match chosen {
            Some(node) if node.role == role => Some(node),
            // A chosen question means its answer, a chosen answer its question.
            Some(node) if role == Role::User => self.tree.get(node.parent?),
            Some(node) => {
                let path = self.path();
                let at = path.iter().position(|n| n.id == node.id)?;
                path.get(at + 1).copied().filter(|n| n.role == role)
            }
            None => self.last(role),
        }
    }

    /// How long an answer's thinking took: as it was seen, else as the engine measured it.
    pub fn thought(&self, node: &Node) -> Option<Thought> {
        let stored = node.statistics.as_ref().and_then(|s| {
            let took_ms = s.thinking_ms? as u64;
            Some(Thought { took_ms, n_tokens: s.thinking_n })
        });
        stored.filter(|t| t.n_tokens > 0).or_else(|| self.thoughts.get(&node.id).copied())
    }

    /// An answer of this conversation grows.
    pub fn is_answering(&self) -> bool {
        self.running.as_ref().is_some_and(|r| r.conversation == self.id)
    }

    /// Nothing can be sent right now: something is on its way already.
    pub fn is_busy(&self) -> bool {
        self.running.is_some() || self.sending.is_some() || self.wanted.is_some() || self.compacting.is_some()
    }

    /// A title for people: as given, else the first words.
    pub fn name(&self) -> String {
        if !self.title.is_empty() {
            return self.title.clone();
        }
        self.path().first().map(|n| crate::history::title_of(&n.content)).unwrap_or_default()
    }

    /// An answer that can go on: it ended before the model was done.
    pub fn can_continue(node: &Node) -> bool {
        use crate::protocol::FinishReason;
        node.role == Role::Assistant
            && (matches!(node.status, Status::Interrupted | Status::Stopped | Status::Failed)
                || matches!(node.finish, Some(FinishReason::Length | FinishReason::Context)))
    }
}
