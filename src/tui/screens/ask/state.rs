//! What is asked, and what a yes does.

use crate::protocol::ConversationId;

/// What happens on yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    DeleteConversation(ConversationId),
}

/// Text from anywhere: the view makes it `text::Shown`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub question: String,
    pub yes: &'static str,
    pub answer: Answer,
}

impl State {
    pub fn delete(id: ConversationId, name: &str) -> Self {
        let name = if name.is_empty() { "this conversation" } else { name };
        Self {
            question: format!("Delete “{name}” for good, from the search and the backups too?"),
            yes: "deletes it",
            answer: Answer::DeleteConversation(id),
        }
    }
}

/// A letter typed: yes, no, or neither.
pub fn typed(c: char) -> Option<bool> {
    match c {
        'y' | 'Y' => Some(true),
        'n' | 'N' | 'q' => Some(false),
        _ => None,
    }
}
