//! A summary of older turns, written by the model itself, in whose place it is seen from then on.

use super::send::{effective, messages_of};
use super::state::{Compacting, Wanted};
use super::{cut, send};
use crate::history::Status;
use crate::protocol::{Channel, Command, FinishReason, Input, JobId, Limits, Message, NodeId, Reasoning, Rendering, Report, Role};
use crate::tui::app::{App, Effect, Env};

/// A longer summary would not be one. Thinking counts, where it cannot be switched off.
const SUMMARY_TOKENS_MAX: u32 = 1_024;

/// Tokens that a summary may take of a context so large.
pub fn tokens_max(n_ctx: u32) -> u32 {
    SUMMARY_TOKENS_MAX.min(n_ctx / 4)
}

const INSTRUCTION: &str = "Summarize the conversation above in a few short paragraphs, so that it can be gone on with from the summary \
                           alone: what was asked, what was found and decided, names, numbers and what is still open. Write only the \
                           summary.";

/// `/compact`: all but the last exchange.
pub fn last_exchange(app: &mut App, env: &Env) -> Vec<Effect> {
    if app.conversation.is_busy() {
        return app.toasts.say("an answer is on its way; stop it first", env);
    }
    if app.models.current.is_none() {
        return app.toasts.say("no model is loaded yet", env);
    }
    let path = app.conversation.path();
    let (_, seen) = app.conversation.seen(&path);
    let last = seen.iter().rposition(|n| n.role == Role::User).filter(|at| *at > 0);
    match last.map(|at| seen[at - 1].id) {
        Some(behind) => begin(app, behind, None),
        None => app.toasts.say("there is one exchange only; nothing to summarize yet", env),
    }
}

/// Asks the model for a summary of all it sees up to a turn.
pub fn begin(app: &mut App, behind: NodeId, wanted: Option<Wanted>) -> Vec<Effect> {
    let Some((model, n_ctx)) = app.models.current.as_ref().map(|c| (c.id, c.facts.n_ctx)) else { return Vec::new() };
    let (job, effective) = (app.job(), effective(app));
    let conversation = &mut app.conversation;
    let path = conversation.tree.path(behind);
    // Nothing stands behind its last turn yet: what was cut before is.
    let (summary, seen) = conversation.seen(&path);
    let n_turns = seen.len();
    let mut messages = cut::with_summary(summary, messages_of(seen, effective.text("system_prompt"), None));
    messages.push(Message::new(Role::User, INSTRUCTION));
    conversation.compacting = Some(Compacting {
        job,
        conversation: conversation.id,
        behind,
        tip: conversation.tip.unwrap_or(behind),
        n_turns,
        text: String::new(),
        n_tokens: 0,
        wanted,
    });
    vec![Effect::Send(Command::Generate {
        job,
        model,
        // Nothing goes on with what is computed for it, and the conversation does with its own.
        conversation: None,
        input: Input::Messages { messages, rendering: Rendering { reasoning: Reasoning::Off, ..effective.rendering() } },
        sampling: Box::new(effective.sampling()),
        limits: Limits { n_predict: Some(tokens_max(n_ctx)), ..Limits::default() },
        logprobs: None,
    })]
}

pub fn is_running(app: &App, job: JobId) -> bool {
    app.conversation.compacting.as_ref().is_some_and(|c| c.job == job)
}

pub fn tokens(app: &mut App, channel: Channel, text: &str, n: usize) {
    let Some(compacting) = app.conversation.compacting.as_mut() else { return };
    compacting.n_tokens = compacting.n_tokens.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
    if channel == Channel::Answer {
        compacting.text.push_str(text);
    }
}

pub fn finished(app: &mut App, reason: FinishReason, env: &Env) -> Vec<Effect> {
    let Some(compacting) = app.conversation.compacting.take() else { return Vec::new() };
    if reason == FinishReason::Cancelled {
        app.toasts.say("no summary; all turns are still sent", env);
        return send::next_in_queue(app, env);
    }
    if compacting.text.trim().is_empty() {
        let report = Report::new("the model wrote no summary", "All turns are still sent; drop some, or raise ctx_size");
        app.toasts.report(&report, env);
        return send::next_in_queue(app, env);
    }
    let conversation = &mut app.conversation;
    let mut new = cut::new(conversation, compacting.behind, compacting.text.trim().to_owned(), env);
    new.conversation = compacting.conversation;
    let is_here = conversation.id == compacting.conversation;
    if is_here {
        conversation.tree.insert(send::node(&new, Status::Sent));
    }
    let tip = if is_here { conversation.tip.unwrap_or(compacting.tip) } else { compacting.tip };
    let mut effects = cut::writes(new, tip);
    match compacting.wanted.filter(|_| is_here) {
        Some(wanted) => effects.extend(send::want(app, wanted, env)),
        None => effects.extend(send::next_in_queue(app, env)),
    }
    effects
}

pub fn failed(app: &mut App, report: &Report, env: &Env) -> Vec<Effect> {
    app.conversation.compacting = None;
    app.toasts.report(report, env);
    send::next_in_queue(app, env)
}
