//! Opening, starring and losing conversations.

use super::rows;
use crate::history::{Conversation, ConversationRow, Hit, Receipt, Status, Write};
use crate::protocol::{ConversationId, NodeId};
use crate::tui::app::{App, Effect, Env, Focus, Read};
use crate::tui::screens::conversation::Scroll;
use crate::tui::screens::list::{Kind, Pick, State};

/// The list as it was read last; what came since is there a moment later. Open at once, so that what is typed filters.
pub fn open(app: &mut App, env: &Env) -> Vec<Effect> {
    let current = app.conversation.id;
    let rows = rows::rows(&app.listed, current, env);
    let list = State::new(Kind::Conversations, "conversations", rows::COLUMNS.to_vec(), rows);
    let list = list.empty("no conversation yet; what you send begins one");
    app.open(list.choose(|pick| *pick == Pick::Conversation(current)));
    vec![Effect::Read(Read::Conversations)]
}

/// The conversations were read.
pub fn fill(app: &mut App, conversations: Vec<ConversationRow>, env: &Env) {
    let current = app.conversation.id;
    let rows = rows::rows(&conversations, current, env);
    let known = !app.listed.is_empty();
    app.listed = conversations;
    let Some(open) = app.list(Kind::Conversations) else { return };
    open.replace(rows);
    if !known && open.filter.is_empty() {
        open.go_to(|pick| *pick == Pick::Conversation(current));
    }
}

pub fn found(app: &mut App, words: &str, hits: Vec<Hit>, env: &Env) {
    let rows = rows::found(&hits, env);
    let list = State::new(Kind::Found, format!("found: {words}"), rows::FOUND_COLUMNS.to_vec(), rows);
    app.open(list.empty("nothing was found; all words must stand in one message"));
}

/// Looks at a conversation that was read.
pub fn show(app: &mut App, conversation: Conversation, env: &Env) {
    let unsent = conversation.unsent.clone().filter(|n| n.status == Status::Unsent);
    app.conversation.open(conversation);
    app.prompt.clear();
    app.prompt.unsent = unsent.as_ref().map(|n| n.id);
    app.prompt.saved = unsent.map(|n| n.content).unwrap_or_default();
    let text = app.prompt.saved.clone();
    app.prompt.set(&text);
    app.focus = Focus::Prompt;
    app.gauges.forget_answer(env);
    go_to_found(app);
}

/// A search hit to go to once its conversation is there.
pub fn look_for(app: &mut App, node: NodeId) {
    app.found = Some(node);
}

/// Shows the branch that a found turn stands on, that turn first.
pub fn go_to_found(app: &mut App) {
    let Some(node) = app.found.take() else { return };
    let conversation = &mut app.conversation;
    if conversation.tree.get(node).is_none() {
        return;
    }
    // A summary stands behind a turn, not on the way.
    let behind = conversation.tree.parent(node).filter(|_| conversation.tree.is_cut(node));
    let turn = behind.unwrap_or(node);
    if !conversation.path().iter().any(|n| n.id == turn) {
        conversation.tip = Some(conversation.tree.newest_leaf(turn));
    }
    conversation.chosen = Some(node);
    conversation.scroll = Scroll::At { node, line: 0 };
    app.focus = Focus::Transcript;
}

pub fn star(app: &mut App, id: ConversationId, env: &Env) -> Vec<Effect> {
    if id == app.conversation.id && app.conversation.is_empty() {
        return app.toasts.say("nothing to star yet", env);
    }
    let listed = row_of(app, id).map(|starred| !starred);
    let starred = if id == app.conversation.id {
        app.conversation.starred = !app.conversation.starred;
        app.conversation.starred
    } else {
        listed.unwrap_or(true)
    };
    app.toasts.say(if starred { "starred" } else { "star taken away" }, env);
    vec![Effect::Store(Write::Star { conversation: id, starred }), Effect::Read(Read::Conversations)]
        .into_iter()
        // Nobody looks at a list that is not open.
        .filter(|e| !matches!(e, Effect::Read(_)) || app.list(Kind::Conversations).is_some())
        .collect()
}

/// Whether the list shows it as starred.
fn row_of(app: &mut App, id: ConversationId) -> Option<bool> {
    let list = app.list(Kind::Conversations)?;
    let row = list.rows.iter().find(|r| r.pick == Pick::Conversation(id))?;
    Some(row.details.first().is_some_and(|d| d.starts_with('★')))
}

pub fn name_of(app: &mut App, id: ConversationId) -> String {
    let row = app.list(Kind::Conversations).and_then(|l| l.rows.iter().find(|r| r.pick == Pick::Conversation(id)));
    row.and_then(|r| r.cells.first().cloned()).unwrap_or_default()
}

/// It was deleted: its row goes.
pub fn gone(app: &mut App, id: ConversationId) {
    if let Some(list) = app.list(Kind::Conversations) {
        let rows = list.rows.iter().filter(|r| r.pick != Pick::Conversation(id)).cloned().collect();
        list.replace(rows);
    }
}

/// Deleted for good: said only once it is so.
pub fn stored(app: &mut App, receipt: &Receipt, env: &Env) -> Vec<Effect> {
    match receipt {
        Receipt::Delete(_) => app.toasts.say("deleted, from the search and the backups too", env),
        _ => Vec::new(),
    }
}
