//! What the engine tells about the answer that runs.

use super::state::{Running, Thought, Wanted};
use super::ways;
use crate::history::{End, Status, Write};
use crate::protocol::{Channel, Command, FinishReason, JobId, Offer, Report, Statistics, TokenOut};
use crate::tui::app::{App, Effect, Env};
use crate::tui::figures::grouped;

/// The job belongs to the answer that runs.
pub fn is_running(app: &App, job: JobId) -> bool {
    app.conversation.running.as_ref().is_some_and(|r| r.job == job)
}

pub fn tokens(app: &mut App, channel: Channel, text: String, tokens: Vec<TokenOut>, env: &Env) -> Vec<Effect> {
    let Some(running) = app.conversation.running.as_mut() else { return Vec::new() };
    running.first_token_ms.get_or_insert(env.now_ms);
    match channel {
        Channel::Answer => {
            running.first_answer_ms.get_or_insert(env.now_ms);
            running.answer.content.push_str(&text);
        }
        Channel::Thinking => {
            running.n_thinking = running.n_thinking.saturating_add(u32::try_from(tokens.len()).unwrap_or(u32::MAX));
            running.answer.thinking.get_or_insert_default().push_str(&text);
        }
    }
    let node = running.node;
    app.gauges.tokens(tokens.len(), env);
    mirror(app, |kept, running| {
        match channel {
            Channel::Answer => kept.content.push_str(&text),
            Channel::Thinking => kept.thinking.get_or_insert_default().push_str(&text),
        }
        kept.status = running.status;
    });
    note_thought(app, env);
    vec![Effect::Store(Write::Grow { node, channel, text, tokens })]
}

/// Brings a change of the running answer into the tree that is looked at, if it stands there.
fn mirror(app: &mut App, change: impl FnOnce(&mut crate::history::Node, &crate::history::Node)) {
    let conversation = &mut app.conversation;
    let Some(running) = conversation.running.as_ref().filter(|r| r.conversation == conversation.id) else { return };
    let (id, answer) = (running.node, &running.answer);
    if let Some(node) = conversation.tree.get_mut(id) {
        change(node, answer);
    }
}

fn note_thought(app: &mut App, env: &Env) {
    let Some(running) = &app.conversation.running else { return };
    if running.answer.thinking.is_none() {
        return;
    }
    let until = running.first_answer_ms.unwrap_or(env.now_ms);
    let from = running.first_token_ms.unwrap_or(running.began_ms);
    let thought = Thought { took_ms: until.saturating_sub(from), n_tokens: running.n_thinking };
    app.conversation.thoughts.insert(running.node, thought);
}

pub fn finished(app: &mut App, reason: FinishReason, statistics: Option<Box<Statistics>>, env: &Env) -> Vec<Effect> {
    let status = if reason == FinishReason::Cancelled { Status::Stopped } else { Status::Done };
    let end = End::Finished(reason);
    let is_here = app.conversation.is_answering();
    let node = app.conversation.running.as_ref().map(|r| r.node).filter(|_| is_here && reason == FinishReason::Context);
    let sizes = statistics.as_ref().map(|s| (s.n_past, s.n_ctx));
    let mut effects = ended(app, status, end, statistics, env);
    if let (Some(node), Some((n_prompt, n_ctx))) = (node, sizes) {
        let what = format!("the answer was cut: the context of {} tokens is full", grouped(u64::from(n_ctx)));
        let report = Report::new(what, "").offer(Offer::Context { n_prompt, n_ctx });
        effects.extend(ways::offer(app, &report, Wanted::From(node)));
    }
    effects
}

/// A sentence in the transcript where it happened.
pub fn failed(app: &mut App, report: Report, env: &Env) -> Vec<Effect> {
    let here = app.conversation.running.as_ref().filter(|_| app.conversation.is_answering());
    let wanted = here.and_then(|running| match running.answer.content.is_empty() {
        true => running.answer.parent.map(Wanted::Under),
        false => Some(Wanted::From(running.node)),
    });
    let mut effects = ended(app, Status::Failed, End::Failed(report.clone()), None, env);
    effects.extend(wanted.map(|wanted| ways::offer(app, &report, wanted)).unwrap_or_default());
    effects
}

fn ended(app: &mut App, status: Status, end: End, statistics: Option<Box<Statistics>>, env: &Env) -> Vec<Effect> {
    let Some(running) = app.conversation.running.as_mut() else { return Vec::new() };
    running.answer.status = status;
    running.answer.statistics = statistics.as_deref().cloned();
    match &end {
        End::Finished(reason) => running.answer.finish = Some(*reason),
        End::Failed(report) => running.answer.report = Some(report.clone()),
    }
    let (node, took_ms) = (running.node, env.now_ms.saturating_sub(running.began_ms));
    mirror(app, |kept, answer| {
        (kept.status, kept.finish) = (answer.status, answer.finish);
        kept.report.clone_from(&answer.report);
        kept.statistics.clone_from(&answer.statistics);
    });
    app.gauges.end(statistics.as_deref(), env);
    app.conversation.running = None;
    let mut effects = vec![Effect::Store(Write::End { node, end, statistics })];
    if took_ms >= LONG_MS && app.looked_at != Some(true) {
        effects.push(Effect::Notify(app.conversation.name()));
    }
    // After a failure the next would fail likewise: what waits goes back to the prompt's reach.
    if status == Status::Failed {
        let waiting: Vec<String> = app.conversation.queue.drain(..).collect();
        waiting.iter().for_each(|text| app.prompt.remember(text));
        if app.prompt.is_empty() && !waiting.is_empty() {
            app.prompt.set(&waiting.join("\n\n"));
        }
    }
    effects.extend(super::send::next_in_queue(app, env));
    effects
}

/// An answer that took so long is told when nobody looks.
const LONG_MS: u64 = 20_000;

/// Tells the engine to stop. Nothing to stop: nothing happens.
pub fn stop(app: &mut App) -> Vec<Effect> {
    app.conversation.wanted = None;
    if let Some(target) = app.conversation.compacting.as_ref().map(|c| c.job) {
        return vec![Effect::Send(Command::Cancel { job: app.job(), target })];
    }
    let job = match &mut app.conversation.running {
        Some(Running { stopping: true, .. }) | None => return Vec::new(),
        Some(running) => {
            running.stopping = true;
            running.job
        }
    };
    vec![Effect::Send(Command::Cancel { job: app.job(), target: job })]
}
