//! Questions to the engine, and what comes of their answers.

use super::state::{Part, Question, Turn};
use super::{context as budget, file, prompt};
use crate::protocol::{Command, Description, JobId, Message, ModelRef, NodeId, Role, Source, TokenizeAnswer, TokenizeRequest, resolve};
use crate::tui::app::{App, Effect, Env, Read};
use crate::tui::screens::conversation::send;
use crate::tui::screens::conversation::ways::{self, Full};
use crate::tui::screens::list::{Align, Column, Kind, Pick, Row, State as List};
use crate::tui::screens::models::name_of;
use std::path::PathBuf;
use std::sync::Arc;

fn ask(app: &mut App, question: Question, command: impl FnOnce(JobId, ModelRef) -> Command) -> Vec<Effect> {
    // A header is enough: nothing is loaded for it.
    let model = app.models.current.as_ref().map_or_else(|| app.models.wanted.clone(), |c| c.reference.clone());
    let job = app.job();
    app.facts.waiting = Some((job, question));
    vec![Effect::Send(command(job, model))]
}

/// What a model's file says; without a model that of the one that answers.
pub fn show(app: &mut App, model: Option<ModelRef>, part: Part) -> Vec<Effect> {
    ask(app, Question::File(part), |job, current| Command::Describe { job, model: model.unwrap_or(current) })
}

/// Which turns take how much of the context.
pub fn context(app: &mut App, env: &Env) -> Vec<Effect> {
    let (messages, turns) = whole(app);
    if turns.is_empty() {
        return app.toasts.say("nothing was said yet; the context is empty", env);
    }
    let rendering = send::effective(app).rendering();
    ask(app, Question::Context(turns), |job, model| Command::Render { job, model, messages, rendering, add_generation_prompt: false })
}

/// How much each turn takes that the model sees, for a way out of a full context.
pub fn measure(app: &mut App, full: Full) -> Vec<Effect> {
    let path = app.conversation.path();
    let texts = app.conversation.seen(&path).1.iter().map(|n| n.content.clone()).collect();
    ask(app, Question::Measure(full), |job, model| Command::Tokenize { job, model, request: TokenizeRequest::Count { texts } })
}

/// The conversation as it stands: as the model takes it, and part by part.
fn whole(app: &App) -> (Vec<Message>, Vec<Turn>) {
    let path = app.conversation.path();
    let Some(tip) = path.last().map(|n| n.id) else { return (Vec::new(), Vec::new()) };
    let (summary, seen) = app.conversation.seen(&path);
    let system = send::effective(app).text("system_prompt").to_owned();
    let mut turns = Vec::with_capacity(path.len() + 1);
    if !system.is_empty() {
        turns.push(Turn { node: None, who: "system", text: system.clone() });
    }
    let who = |role: Role| if role == Role::User { "you" } else { role.name() };
    turns.extend(summary.map(|text| Turn { node: None, who: "summary", text }));
    turns.extend(seen.iter().map(|n| Turn { node: Some(n.id), who: who(n.role), text: n.content.clone() }));
    (send::messages(&app.conversation, tip, &system, None), turns)
}

/// Ids and pieces of a text; without one, of the last answer as it was sampled.
pub fn tokens(app: &mut App, text: &str, env: &Env) -> Vec<Effect> {
    if !text.is_empty() {
        return encode(app, "tokens of this text".to_owned(), text.to_owned());
    }
    match app.conversation.meant(Role::Assistant).map(|n| n.id) {
        Some(node) => vec![Effect::Read(Read::Tokens(node))],
        None => app.toasts.say("no answer yet; /tokens TEXT shows those of a text", env),
    }
}

fn encode(app: &mut App, title: String, text: String) -> Vec<Effect> {
    let request = TokenizeRequest::Encode { text, add_special: false, parse_special: false };
    ask(app, Question::Tokens(title), |job, model| Command::Tokenize { job, model, request })
}

/// The history told which ids an answer is made of. They mean something to the model that sampled them alone.
pub fn stored_tokens(app: &mut App, node: NodeId, ids: Vec<u32>) -> Vec<Effect> {
    let Some(answer) = app.conversation.tree.get(node) else { return Vec::new() };
    let own = answer.model.as_ref().map(|m| m.fingerprint.clone());
    let same = app.models.current.as_ref().is_some_and(|c| c.facts.fingerprint.is_some() && c.facts.fingerprint == own);
    if ids.is_empty() || !same {
        let (title, text) = ("tokens of the last answer, as this model would write it".to_owned(), answer.content.clone());
        return encode(app, title, text);
    }
    let request = TokenizeRequest::Pieces { ids };
    let title = "tokens of the answer, as they were sampled".to_owned();
    ask(app, Question::Tokens(title), |job, model| Command::Tokenize { job, model, request })
}

/// The exact prompt of the last answer, or of the one that would come next.
pub fn dump(app: &mut App, file: Option<PathBuf>, env: &Env) -> Vec<Effect> {
    let mut path = app.conversation.path();
    let answer = path.pop_if(|n| n.role == Role::Assistant);
    let Some(tip) = path.last().map(|n| n.id) else {
        return app.toasts.say("nothing was said yet; there is no prompt", env);
    };
    let effective = send::effective(app);
    // An answer is made with what counted then.
    let effective = answer.map_or(effective, |a| resolve(&[(Source::Conversation, &a.settings)]));
    let system = effective.text("system_prompt").to_owned();
    let messages = send::messages(&app.conversation, tip, &system, None);
    let rendering = effective.rendering();
    ask(app, Question::Prompt(file), |job, model| Command::Render { job, model, messages, rendering, add_generation_prompt: true })
}

pub fn described(app: &mut App, job: JobId, description: &Description) {
    if let Some(Question::File(part)) = app.facts.take(job) {
        let list = file::list(description, part);
        app.open(list);
    }
}

pub fn rendered(app: &mut App, job: JobId, text: String, ids: Vec<u32>) -> Vec<Effect> {
    match app.facts.take(job) {
        Some(Question::Context(turns)) => {
            let texts = turns.iter().map(|t| t.text.clone()).collect();
            let question = Question::Counts { turns, n_prompt: ids.len() as u64 };
            ask(app, question, |job, model| Command::Tokenize { job, model, request: TokenizeRequest::Count { texts } })
        }
        Some(Question::Prompt(file)) => {
            let reference = app.models.current.as_ref().map_or(&app.models.wanted, |c| &c.reference);
            let name = name_of(app, reference);
            match file {
                Some(path) => vec![Effect::WriteFile { path, text: prompt::json(&name, &text, &ids) }],
                None => {
                    app.open(prompt::list(&name, text, &ids));
                    Vec::new()
                }
            }
        }
        Some(_) | None => Vec::new(),
    }
}

pub fn tokenized(app: &mut App, job: JobId, answer: TokenizeAnswer) {
    match (app.facts.take(job), answer) {
        (Some(Question::Counts { turns, n_prompt }), TokenizeAnswer::Counts(counts)) => {
            let n_ctx = app.models.current.as_ref().map(|c| u64::from(c.facts.n_ctx)).filter(|n| *n > 0);
            let list = budget::list(app.conversation.id, &turns, &counts, n_prompt, n_ctx);
            app.open(list);
        }
        (Some(Question::Measure(full)), TokenizeAnswer::Counts(counts)) => ways::measured(app, full, &counts),
        (Some(Question::Tokens(title)), TokenizeAnswer::Ids { ids, pieces }) => {
            let tokens: Vec<(u32, Vec<u8>)> = ids.into_iter().zip(pieces).collect();
            app.open(prompt::tokens(title, &tokens));
        }
        (Some(Question::Tokens(title)), TokenizeAnswer::Pieces(pieces)) => {
            let tokens: Vec<(u32, Vec<u8>)> = pieces.into_iter().map(|p| (p.id, p.bytes_special)).collect();
            app.open(prompt::tokens(title, &tokens));
        }
        _ => {}
    }
}

/// The engine could not answer: nothing waits any more. The reason is told as any other.
pub fn failed(app: &mut App, job: JobId) {
    app.facts.take(job);
}

/// Shorter lines fit into a row on most screens.
const LINE_BYTES: usize = 72;

/// A text of lines, such as the doctor's; what is not indented is a heading. Enter copies all of it.
pub fn report(app: &mut App, title: &str, text: &str) {
    let whole: Arc<str> = text.into();
    let row = |line: &str| match line.strip_prefix("  ") {
        // A long line is cut in its row and whole below.
        Some(line) => {
            let details = if line.len() > LINE_BYTES { vec![squeezed(line)] } else { Vec::new() };
            Row { details, ..Row::new(Pick::Copy(Arc::clone(&whole)), vec![line.to_owned()]) }
        }
        None => Row::heading(line),
    };
    let rows = text.trim_end().lines().map(row).collect();
    let columns = vec![Column { title: "", align: Align::Left, drop: 0 }];
    app.open(List::new(Kind::Facts, title, columns, rows));
}

/// Without the blanks that line up columns.
fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
