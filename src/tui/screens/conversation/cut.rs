//! Where the model's sight of a conversation begins. Turns before stay in the tree, in the history and on the screen.

use super::send::node;
use super::state::State;
use crate::history::{NewNode, Node, Status, Write};
use crate::protocol::{Message, NodeId, Role, Settings};
use crate::tui::app::{App, Effect, Env};

/// A place where it could begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Possible {
    /// The last turn that is left out.
    pub behind: NodeId,
    /// Turns left out that are seen now, and about how many tokens they take.
    pub n_turns: usize,
    pub n_tokens: u64,
}

impl State {
    /// The turns that the model sees, and what stands for those before.
    pub fn seen<'s>(&self, path: &'s [&'s Node]) -> (Option<String>, &'s [&'s Node]) {
        match self.tree.cut(path) {
            Some(cut) => (Some(cut.node.content.clone()).filter(|text| !text.is_empty()), &path[cut.n_before..]),
            None => (None, path),
        }
    }
}

/// All places before a message of the person's, the nearest to the beginning first. `counts`: of the turns that are seen.
pub fn possible(app: &App, counts: &[u32]) -> Vec<Possible> {
    let path = app.conversation.path();
    let (_, seen) = app.conversation.seen(&path);
    let mut n_tokens = 0;
    let mut out = Vec::new();
    for (at, (pair, count)) in seen.windows(2).zip(counts).enumerate() {
        n_tokens += u64::from(*count);
        if pair[1].role == Role::User {
            out.push(Possible { behind: pair[0].id, n_turns: at + 1, n_tokens });
        }
    }
    out
}

/// Lets the model's sight begin behind a turn, with a summary of what stands before or without.
pub fn put(app: &mut App, behind: NodeId, summary: String, env: &Env) -> Vec<Effect> {
    let conversation = &mut app.conversation;
    let new = new(conversation, behind, summary, env);
    conversation.tree.insert(node(&new, Status::Sent));
    let tip = conversation.tip.unwrap_or(behind);
    writes(new, tip)
}

pub fn new(conversation: &State, behind: NodeId, content: String, env: &Env) -> NewNode {
    NewNode {
        id: env.node(),
        conversation: conversation.id,
        parent: Some(behind),
        role: Role::System,
        created_ms: env.unix_ms,
        content,
        model: None,
        settings: Settings::default(),
    }
}

/// What was looked at is looked at still: a cut is no turn.
pub fn writes(new: NewNode, tip: NodeId) -> Vec<Effect> {
    let conversation = new.conversation;
    vec![Effect::Store(Write::Message(new)), Effect::Store(Write::Tip { conversation, tip })]
}

/// A summary as the model is told of it: before the first message it sees, since not every template takes a system text.
pub fn with_summary(summary: Option<String>, mut messages: Vec<Message>) -> Vec<Message> {
    if let (Some(summary), Some(first)) = (summary, messages.iter_mut().find(|m| m.role == Role::User)) {
        first.content = format!("[What was said before, in short: {}]\n\n{}", summary.trim(), first.content);
    }
    messages
}
