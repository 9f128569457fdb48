//! Ways about in the tree: alternatives, other wordings, forks. Nothing is lost by any of them.

use super::send::want;
use super::state::{Scroll, State, Wanted};
use crate::history::{End, NewNode, Node, Status, Write};
use crate::protocol::{Channel, FinishReason, NodeId, Role};
use crate::tui::app::{App, Effect, Env, Focus};

/// Answers a question once more, beside the answers it has: this one, else the meant one.
pub fn regenerate(app: &mut App, id: Option<NodeId>, env: &Env) -> Vec<Effect> {
    if app.conversation.is_busy() {
        return app.toasts.say("an answer is on its way; stop it first", env);
    }
    let meant = match id {
        Some(id) => app.conversation.tree.get(id),
        None => app.conversation.meant(Role::User),
    };
    match meant.map(|n| (n.id, n.status)) {
        None => app.toasts.say("nothing to answer yet", env),
        // It never reached the disk: there is nothing to stand under.
        Some((_, Status::Unsent)) => app.toasts.say("this message is not stored yet", env),
        Some((id, _)) => want(app, Wanted::Under(id), env),
    }
}

/// Lets the meant answer go on from where it was cut.
pub fn go_on(app: &mut App, env: &Env) -> Vec<Effect> {
    if app.conversation.is_busy() {
        return app.toasts.say("an answer is on its way already", env);
    }
    match app.conversation.meant(Role::Assistant).map(|n| (n.id, State::can_continue(n), n.content.is_empty(), n.parent)) {
        Some((id, true, false, _)) => want(app, Wanted::From(id), env),
        // Nothing was said yet: an answer of its own is the same and keeps the failed one to look at.
        Some((_, true, true, Some(parent))) => want(app, Wanted::Under(parent), env),
        Some(_) => app.toasts.say("this answer is whole; ask on, or regenerate it", env),
        None => app.toasts.say("nothing to go on from", env),
    }
}

/// Puts the meant message into the prompt; sent, it stands beside the first wording.
pub fn edit(app: &mut App, id: Option<NodeId>, env: &Env) -> Vec<Effect> {
    let meant = match id {
        Some(id) => app.conversation.tree.get(id),
        None => app.conversation.meant(Role::User),
    };
    let Some((id, text)) = meant.map(|n| (n.id, n.content.clone())) else {
        return app.toasts.say("nothing to edit yet", env);
    };
    let unsent = app.prompt.message();
    app.prompt.remember(&unsent);
    app.prompt.set(&text);
    app.conversation.editing = Some(id);
    app.focus = Focus::Prompt;
    Vec::new()
}

/// Takes the last message back into the prompt; its branch stays in the tree.
pub fn undo(app: &mut App, env: &Env) -> Vec<Effect> {
    if app.conversation.is_busy() {
        return app.toasts.say("an answer is on its way; stop it first", env);
    }
    let Some((id, parent, text)) = app.conversation.last(Role::User).map(|n| (n.id, n.parent, n.content.clone())) else {
        return app.toasts.say("nothing to undo yet", env);
    };
    let conversation = &mut app.conversation;
    (conversation.tip, conversation.chosen, conversation.scroll) = (parent, None, Scroll::Follow);
    // The first message has nothing before it to point at: edited, it becomes a second root.
    conversation.editing = parent.is_none().then_some(id);
    app.prompt.set(&text);
    app.focus = Focus::Prompt;
    parent.map(|tip| Effect::Store(Write::Tip { conversation: app.conversation.id, tip })).into_iter().collect()
}

/// The alternative to the left or right of the meant turn.
pub fn sibling(app: &mut App, right: bool) -> Vec<Effect> {
    let conversation = &mut app.conversation;
    let meant = conversation.chosen.or_else(|| conversation.last(Role::Assistant).map(|n| n.id));
    let Some(id) = meant else { return Vec::new() };
    let siblings = conversation.tree.siblings(id);
    let Some(at) = siblings.iter().position(|s| *s == id) else { return Vec::new() };
    let next = if right { at.checked_add(1) } else { at.checked_sub(1) };
    let Some(other) = next.and_then(|at| siblings.get(at).copied()) else { return Vec::new() };
    let tip = conversation.tree.newest_leaf(other);
    conversation.tip = Some(tip);
    if conversation.chosen.is_some() {
        conversation.chosen = Some(other);
    }
    vec![Effect::Store(Write::Tip { conversation: conversation.id, tip })]
}

/// The way to the meant turn once more, as a conversation of its own.
pub fn fork(app: &mut App, env: &Env) -> Vec<Effect> {
    let tip = app.conversation.chosen.or(app.conversation.tip);
    let path = tip.map(|tip| app.conversation.tree.path(tip)).unwrap_or_default();
    let cut = app.conversation.tree.cut(&path).map(|cut| (cut.n_before, cut.node.content.clone()));
    let path: Vec<Node> = path.into_iter().cloned().collect();
    let whole = |n: &Node| !matches!(n.status, Status::Unsent | Status::Streaming);
    if path.is_empty() || !path.iter().all(whole) {
        return app.toasts.say("nothing to fork from yet", env);
    }
    let mut copy = State::empty(env.conversation());
    copy.settings = app.conversation.settings.clone();
    let mut effects = Vec::new();
    for (at, old) in path.iter().enumerate() {
        if let (Some((_, summary)), Some(behind)) = (cut.as_ref().filter(|(n_before, _)| *n_before == at), copy.tip) {
            let new = super::cut::new(&copy, behind, summary.clone(), env);
            copy.tree.insert(super::send::node(&new, Status::Sent));
            effects.push(Effect::Store(Write::Message(new)));
        }
        let new = NewNode {
            id: env.node(),
            conversation: copy.id,
            parent: copy.tip,
            role: old.role,
            created_ms: env.unix_ms,
            content: if old.role == Role::Assistant { String::new() } else { old.content.clone() },
            model: old.model.as_ref().map(|m| m.fingerprint.clone()),
            settings: old.settings.clone(),
        };
        let kept = Node { id: new.id, conversation: copy.id, parent: copy.tip, created_ms: env.unix_ms, ..old.clone() };
        copy.tip = Some(new.id);
        copy.tree.insert(kept);
        effects.extend(writes(new, old).into_iter().map(Effect::Store));
    }
    if !copy.settings.is_empty() {
        effects.push(Effect::Store(Write::Settings { conversation: copy.id, settings: copy.settings.clone() }));
    }
    copy.running = app.conversation.running.take();
    copy.compacting = app.conversation.compacting.take();
    app.conversation = copy;
    app.focus = Focus::Prompt;
    effects.extend(app.toasts.say("a conversation of its own; the first one stays as it was", env));
    effects
}

/// A turn as the history takes a copy of it.
fn writes(new: NewNode, old: &Node) -> Vec<Write> {
    if new.role != Role::Assistant {
        return vec![Write::Message(new)];
    }
    let id = new.id;
    let grow = |channel, text: &str| Write::Grow { node: id, channel, text: text.to_owned(), tokens: Vec::new() };
    let end = match &old.report {
        Some(report) => End::Failed(report.clone()),
        None => End::Finished(old.finish.unwrap_or(FinishReason::Cancelled)),
    };
    let mut out = vec![Write::Begin(new)];
    out.extend(old.thinking.as_deref().map(|text| grow(Channel::Thinking, text)));
    out.push(grow(Channel::Answer, &old.content));
    out.push(Write::End { node: id, end, statistics: old.statistics.clone().map(Box::new) });
    out
}

/// A new conversation, empty. What waited in the queue stays with the old one as unsent text.
pub fn new(app: &mut App, env: &Env) -> Vec<Effect> {
    let effects = leave(app, env);
    let (running, compacting) = (app.conversation.running.take(), app.conversation.compacting.take());
    app.conversation = State { running, compacting, ..State::empty(env.conversation()) };
    app.focus = Focus::Prompt;
    effects
}

/// What must be kept when the reader goes elsewhere: text not sent, and the queue.
pub fn leave(app: &mut App, env: &Env) -> Vec<Effect> {
    let mut parts: Vec<String> = app.conversation.queue.drain(..).collect();
    parts.extend(Some(app.prompt.message()).filter(|t| !t.trim().is_empty()));
    let text = parts.join("\n\n");
    let effects = super::super::prompt::save(app, &text, env);
    app.conversation.editing = None;
    app.prompt.clear();
    app.prompt.unsent = None;
    app.prompt.saved.clear();
    effects
}
