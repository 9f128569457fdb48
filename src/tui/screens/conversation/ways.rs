//! When an answer cannot be given: the ways on are shown, the person chooses, and it is asked for once more. Nothing is
//! cut, merged or rendered otherwise without that choice.

use super::send::{ROOM_TOKENS, want};
use super::state::{Compacting, Wanted};
use super::{compact, cut};
use crate::protocol::{NodeId, Offer, Report, Role, TEMPLATE_NAMES, TEMPLATE_OWN};
use crate::tui::app::{App, Effect, Env, Overlay};
use crate::tui::figures::{bytes, grouped};
use crate::tui::screens::choose::{Choice, State, Way};
use crate::tui::screens::{facts, models, settings};

/// What an answer that failed offers. Of the context's turns the sizes are asked for first.
pub fn offer(app: &mut App, report: &Report, wanted: Wanted) -> Vec<Effect> {
    if !is_free(app) {
        return Vec::new();
    }
    match report.offer.as_deref().copied() {
        None => Vec::new(),
        Some(Offer::Template) => {
            let choices = template_choices(app, wanted);
            app.overlays.push(Overlay::Choose(State::new(report.clone(), choices)));
            Vec::new()
        }
        Some(Offer::Context { n_prompt, n_ctx }) => facts::measure(app, Full { report: report.clone(), wanted, n_prompt, n_ctx }),
    }
}

/// Who types or looks at something else is not interrupted: keys meant for that would choose. The sentence stands in the
/// transcript, and asking once more asks again.
fn is_free(app: &App) -> bool {
    app.prompt.is_empty() && app.overlays.is_empty() && !app.conversation.is_busy()
}

fn template_choices(app: &App, wanted: Wanted) -> Vec<Choice> {
    let effective = super::send::effective(app);
    let set = |label: &str, detail: String, name, value: &str| {
        let way = Way::Set { name, value: value.to_owned(), wanted };
        Choice { label: label.to_owned(), detail, way }
    };
    let mut out = Vec::new();
    if !effective.text("system_prompt").is_empty() && effective.text("merge_system") != "on" {
        let detail = "The system prompt is written at the beginning of your first message, for this conversation.";
        out.push(set("write the system prompt into my message", detail.to_owned(), "merge_system", "on"));
    }
    let now = effective.text("chat_template");
    let fitting = app.models.current.iter().flat_map(|c| &c.facts.fitting_templates).filter(|name| *name != now);
    out.extend(fitting.map(|name| {
        let detail = format!("A template of ingle's own; this model's vocabulary has the marks of {name}. It holds for this conversation.");
        set(&format!("write it as {name}"), detail, "chat_template", name)
    }));
    if now != TEMPLATE_OWN {
        out.push(set("write it as the model's file says", "The file's own template again.".to_owned(), "chat_template", TEMPLATE_OWN));
    }
    let detail = "All of ingle's own templates; a model understands the one it was trained with.".to_owned();
    out.push(Choice { label: "choose another template …".to_owned(), detail, way: Way::Templates { wanted } });
    out
}

fn all_templates(report: Report, wanted: Wanted) -> State {
    let choice = |name: &&str| Choice {
        label: (*name).to_owned(),
        detail: String::new(),
        way: Way::Set { name: "chat_template", value: (*name).to_owned(), wanted },
    };
    State::new(report, TEMPLATE_NAMES.iter().filter(|name| **name != TEMPLATE_OWN).map(choice).collect())
}

/// A context that is full, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Full {
    pub report: Report,
    pub wanted: Wanted,
    pub n_prompt: u32,
    pub n_ctx: u32,
}

/// The sizes came, one for each turn that the model sees: what can be left out, and what more context would take.
pub fn measured(app: &mut App, full: Full, counts: &[u32]) {
    let mut choices = Vec::new();
    let cuts = cut::possible(app, counts);
    let room = ROOM_TOKENS.min(full.n_ctx / 8);
    let (n_prompt, n_ctx) = (u64::from(full.n_prompt), u64::from(full.n_ctx));
    let left = |cut: &cut::Possible| n_prompt.saturating_sub(cut.n_tokens) + u64::from(room);
    let fitting: Vec<&cut::Possible> = cuts.iter().filter(|cut| left(cut) <= n_ctx).collect();
    // A quarter of the context is free then, so that the same is not asked at the next turn.
    if let Some(cut) = fitting.iter().find(|cut| left(cut) <= n_ctx * 3 / 4).or(fitting.last()) {
        choices.push(Choice {
            label: format!("drop the {} (~{} tokens)", turns(cut.n_turns), grouped(cut.n_tokens)),
            detail: format!("The model sees from “{}” on. They stay in the history and on the screen.", first_seen(app, cut.behind)),
            way: Way::Drop { behind: cut.behind, wanted: full.wanted },
        });
    }
    let summary = u64::from(compact::tokens_max(full.n_ctx));
    let can = |cut: &&&cut::Possible| cut.n_tokens + summary + u64::from(room) <= n_ctx && left(cut) + summary <= n_ctx;
    let short: Vec<&&cut::Possible> = fitting.iter().filter(can).collect();
    if let Some(cut) = short.iter().find(|cut| left(cut) + summary <= n_ctx * 3 / 4).or(short.last()) {
        choices.push(Choice {
            label: format!("summarize the {} (~{} tokens)", turns(cut.n_turns), grouped(cut.n_tokens)),
            detail: "The model writes a summary and sees that in their place; they stay in the history and on the screen.".to_owned(),
            way: Way::Summarize { behind: cut.behind, wanted: full.wanted },
        });
    }
    choices.extend(raise(app, &full));
    if !choices.is_empty() && is_free(app) {
        app.overlays.push(Overlay::Choose(State::new(full.report, choices)));
    }
}

/// The first words of the message behind a turn.
fn first_seen(app: &App, behind: NodeId) -> String {
    let path = app.conversation.path();
    let first = path.iter().skip_while(|n| n.id != behind).nth(1);
    first.map(|n| crate::history::title_of(&n.content)).unwrap_or_default()
}

fn turns(n: usize) -> String {
    if n == 1 { "oldest turn".to_owned() } else { format!("{n} oldest turns") }
}

/// More context: what it takes, and whether the model was trained for so much.
fn raise(app: &App, full: &Full) -> Option<Choice> {
    let current = app.models.current.as_ref()?;
    let asked = super::send::effective(app).load_options().n_ctx;
    // It was raised already, and the model has no more positions.
    if asked > full.n_ctx {
        return None;
    }
    let needed = u64::from(full.n_prompt) + 4 * u64::from(ROOM_TOKENS);
    let n_ctx = std::iter::successors(Some(u64::from(full.n_ctx)), |n| n.checked_mul(2)).skip(1).find(|n| *n >= needed)?;
    let n_ctx = u32::try_from(n_ctx).ok().filter(|n| i32::try_from(*n).is_ok())?;
    let mut detail = "The model is loaded again.".to_owned();
    if let Some(ledger) = app.gauges.shown.ledger {
        let more = ledger.kv_per_token * u64::from(n_ctx - full.n_ctx);
        detail.push_str(&format!(" Its keys and values take up to {} more memory", bytes(more)));
        let free = app.gauges.shown.machine.system.memory_available_bytes;
        detail.push_str(&free.map_or_else(String::new, |free| format!(" of {} that are free", bytes(free))));
        detail.push('.');
    }
    if n_ctx > current.facts.n_ctx_train {
        detail.push_str(&format!(
            " It was trained for {}: beyond that its answers may lose the thread.",
            grouped(u64::from(current.facts.n_ctx_train))
        ));
    }
    let label = format!("raise the context to {}", grouped(u64::from(n_ctx)));
    Some(Choice { label, detail, way: Way::Raise { n_ctx, wanted: full.wanted } })
}

/// The person chose.
pub fn take(app: &mut App, report: Report, way: Way, env: &Env) -> Vec<Effect> {
    match way {
        Way::Templates { wanted } => {
            app.overlays.push(Overlay::Choose(all_templates(report, wanted)));
            Vec::new()
        }
        Way::Set { name, value, wanted } => {
            let mut effects = forget_failed(app, wanted);
            effects.extend(choose(app, name, &value, env));
            effects.extend(want(app, wanted, env));
            effects
        }
        Way::Drop { behind, wanted } => {
            let mut effects = forget_failed(app, wanted);
            effects.extend(cut::put(app, behind, String::new(), env));
            effects.extend(want(app, wanted, env));
            effects
        }
        Way::Summarize { behind, wanted } => {
            let mut effects = forget_failed(app, wanted);
            effects.extend(compact::begin(app, behind, Some(wanted)));
            effects
        }
        Way::Raise { n_ctx, wanted } => {
            let mut effects = forget_failed(app, wanted);
            effects.extend(choose(app, "ctx_size", &n_ctx.to_string(), env));
            app.conversation.wanted = Some(wanted);
            effects.extend(models::reload(app));
            effects
        }
    }
}

/// What a person chooses now counts, whatever the command line said at the start.
fn choose(app: &mut App, name: &str, value: &str, env: &Env) -> Vec<Effect> {
    app.models.command.0.remove(name);
    settings::set(app, name, value, env)
}

/// An answer that never began leaves nothing behind once another way was chosen.
fn forget_failed(app: &mut App, wanted: Wanted) -> Vec<Effect> {
    let Wanted::Under(parent) = wanted else { return Vec::new() };
    let conversation = &mut app.conversation;
    let empty = |id: &NodeId| {
        let node = conversation.tree.get(*id)?;
        let said = !node.content.is_empty() || node.thinking.is_some();
        (node.role == Role::Assistant && node.report.as_ref().is_some_and(|r| r.offer.is_some()) && !said).then_some(*id)
    };
    let Some(node) = conversation.tree.children(Some(parent)).iter().rev().find_map(empty) else { return Vec::new() };
    conversation.tree.remove(node);
    conversation.tip = Some(parent);
    vec![Effect::Store(crate::history::Write::DeleteNode { node })]
}

/// Whether the summary that is written belongs to this conversation.
pub fn compacting(app: &App) -> Option<&Compacting> {
    app.conversation.compacting.as_ref().filter(|c| c.conversation == app.conversation.id)
}
