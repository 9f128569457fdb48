//! From the prompt to the engine: on disk first, then shown as sent, then asked.

use super::state::{Running, State, Wanted};
use crate::history::{NewNode, Node, Receipt, Status, Write};
use crate::protocol::{Command, Effective, Input, Limits, Message, NodeId, Role, Settings, Source, resolve};
use crate::tui::app::{App, Effect, Env};

/// A message of the person's: sent, or in the queue while something is on its way.
pub fn submit(app: &mut App, text: String, env: &Env) -> Vec<Effect> {
    app.prompt.remember(&text);
    if app.conversation.is_busy() {
        app.conversation.queue.push_back(text);
        return Vec::new();
    }
    send(app, text, env)
}

/// Gives the message to the history. It counts as sent once that says so.
pub fn send(app: &mut App, text: String, env: &Env) -> Vec<Effect> {
    let conversation = &mut app.conversation;
    let parent = match conversation.editing.take() {
        Some(edited) => conversation.tree.parent(edited),
        None => conversation.tip,
    };
    let id = app.prompt.unsent.take().unwrap_or_else(|| env.node());
    app.prompt.saved.clear();
    let new = NewNode {
        id,
        conversation: conversation.id,
        parent,
        role: Role::User,
        created_ms: env.unix_ms,
        content: text,
        model: None,
        settings: Settings::default(),
    };
    let begins = conversation.is_empty();
    conversation.tree.insert(node(&new, Status::Unsent));
    conversation.tip = Some(id);
    conversation.sending = Some(id);
    conversation.chosen = None;
    conversation.scroll = super::Scroll::Follow;
    let mut effects = vec![Effect::Store(Write::Message(new))];
    if begins && !app.conversation.settings.is_empty() {
        effects.extend(store_settings(app));
    }
    effects
}

/// The conversation's own settings, once the history has a conversation to keep them with.
pub fn store_settings(app: &App) -> Option<Effect> {
    let State { id, settings, .. } = &app.conversation;
    let write = Write::Settings { conversation: *id, settings: settings.clone() };
    (!app.conversation.is_empty()).then_some(Effect::Store(write))
}

/// A node of the tree from what the history was given.
pub fn node(new: &NewNode, status: Status) -> Node {
    Node {
        id: new.id,
        conversation: new.conversation,
        parent: new.parent,
        role: new.role,
        created_ms: new.created_ms,
        status,
        content: new.content.clone(),
        thinking: None,
        model: None,
        settings: new.settings.clone(),
        statistics: None,
        finish: None,
        report: None,
    }
}

/// The history has it on disk: now it is sent, and the model may answer.
pub fn stored(app: &mut App, receipt: &Receipt, env: &Env) -> Vec<Effect> {
    let Receipt::Message(id) = receipt else { return Vec::new() };
    if app.conversation.sending != Some(*id) {
        return Vec::new();
    }
    app.conversation.sending = None;
    if let Some(node) = app.conversation.tree.get_mut(*id) {
        node.status = Status::Sent;
    }
    want(app, Wanted::Under(*id), env)
}

/// The history will never have it: the text goes back where it came from.
pub fn refused(app: &mut App, receipt: &Receipt) {
    let Receipt::Message(id) = receipt else { return };
    if app.conversation.sending != Some(*id) {
        return;
    }
    let conversation = &mut app.conversation;
    conversation.sending = None;
    let Some(node) = conversation.tree.get(*id).cloned() else { return };
    conversation.tip = node.parent;
    if app.prompt.is_empty() {
        app.prompt.set(&node.content);
    }
    // What waited behind it can go nowhere either.
    let waiting: Vec<String> = app.conversation.queue.drain(..).collect();
    waiting.iter().for_each(|text| app.prompt.remember(text));
}

/// An answer is wanted: from the model that is there, or once it is loaded.
pub fn want(app: &mut App, wanted: Wanted, env: &Env) -> Vec<Effect> {
    if app.models.current.is_some() {
        return begin(app, wanted, env);
    }
    app.conversation.wanted = Some(wanted);
    if app.models.loading.is_some() { Vec::new() } else { crate::tui::screens::models::load_wanted(app) }
}

/// All settings as they count for this conversation's next answer.
pub fn effective(app: &App) -> Effective {
    let none = Settings::default();
    let recommended = app.models.current.as_ref().map_or(&none, |c| &c.facts.recommended);
    resolve(&[
        (Source::Command, &app.models.command),
        (Source::Conversation, &app.conversation.settings),
        (Source::Model, app.models.for_current()),
        (Source::Config, &app.models.config),
        (Source::Ollama, app.models.params_of_current()),
        (Source::File, recommended),
    ])
}

/// Asks the engine, and lets the history know that an answer begins.
fn begin(app: &mut App, wanted: Wanted, env: &Env) -> Vec<Effect> {
    app.conversation.wanted = None;
    let Some(current) = app.models.current.clone() else { return Vec::new() };
    let effective = effective(app);
    let settings = Settings(effective.0.iter().map(|(row, value, _)| (row.name.to_owned(), value.clone())).collect());
    let job = app.job();
    let conversation = &mut app.conversation;
    let (store, answer) = match wanted {
        Wanted::From(id) => {
            let Some(node) = conversation.tree.get_mut(id) else { return Vec::new() };
            (node.status, node.report, node.finish) = (Status::Streaming, None, None);
            (Write::Continue { node: id }, node.clone())
        }
        Wanted::Under(parent) => {
            let new = NewNode {
                id: env.node(),
                conversation: conversation.id,
                parent: Some(parent),
                role: Role::Assistant,
                created_ms: env.unix_ms,
                content: String::new(),
                model: current.facts.fingerprint.clone(),
                settings,
            };
            let answer = Node { model: Some(current.label()), ..node(&new, Status::Streaming) };
            conversation.tree.insert(answer.clone());
            (Write::Begin(new), answer)
        }
    };
    conversation.tip = Some(answer.id);
    let messages = messages(conversation, answer.id, effective.text("system_prompt"), Some(answer.id));
    let command = Command::Generate {
        job,
        model: current.id,
        conversation: Some(conversation.id),
        input: Input::Messages { messages, rendering: effective.rendering() },
        sampling: Box::new(effective.sampling()),
        limits: Limits { n_room: room(current.facts.n_ctx), ..effective.limits() },
        logprobs: None,
    };
    let node = answer.id;
    conversation.running = Some(Running {
        job,
        conversation: conversation.id,
        node,
        answer,
        began_ms: env.now_ms,
        first_token_ms: None,
        first_answer_ms: None,
        n_thinking: 0,
        stopping: false,
    });
    app.gauges.begin(job, env);
    vec![Effect::Store(store), Effect::Send(command)]
}

/// Tokens that an answer should have before it: a few sentences, or an eighth of a small context.
pub const ROOM_TOKENS: u32 = 256;

fn room(n_ctx: u32) -> u32 {
    ROOM_TOKENS.min(n_ctx / 8)
}

/// The turns up to `tip` as the engine takes them: those that the model sees. An answer that begins is not among them; one
/// that goes on is the last.
pub fn messages(conversation: &State, tip: NodeId, system: &str, answer: Option<NodeId>) -> Vec<Message> {
    let path = conversation.tree.path(tip);
    let (summary, seen) = conversation.seen(&path);
    super::cut::with_summary(summary, messages_of(seen, system, answer))
}

pub fn messages_of(path: &[&Node], system: &str, answer: Option<NodeId>) -> Vec<Message> {
    let mut out = Vec::with_capacity(path.len() + 1);
    if !system.is_empty() {
        out.push(Message::new(Role::System, system));
    }
    out.extend(path.iter().filter(|n| Some(n.id) != answer || !n.content.is_empty()).map(|n| n.message()));
    out
}

/// What waited behind the last answer goes out, if anything did.
pub fn next_in_queue(app: &mut App, env: &Env) -> Vec<Effect> {
    if app.conversation.is_busy() {
        return Vec::new();
    }
    match app.conversation.queue.pop_front() {
        Some(text) => send(app, text, env),
        None => Vec::new(),
    }
}
