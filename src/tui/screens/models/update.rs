//! Loading, switching and losing models.

use super::state::{Current, Loading};
use crate::history::{ModelRecord, Write};
use crate::protocol::{Command, GUIDE_NAME, JobId, ModelFacts, ModelId, ModelRef, NodeId, Report, Source, Value, resolve};
use crate::shelf::ModelEntry;
use crate::tui::app::{App, Effect, Env};
use crate::tui::screens::conversation::{self, Wanted};
use crate::tui::screens::list;

/// What a reference is called: the shelf's name, the guide's, else the file's.
pub fn name_of(app: &App, reference: &ModelRef) -> String {
    let known = app.models.entries.iter().flatten().find(|e| e.reference == *reference).map(|e| e.name.clone());
    match (known, reference) {
        (Some(name), _) => name,
        (None, ModelRef::Guide) => GUIDE_NAME.to_owned(),
        (None, ModelRef::File(path)) => path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default(),
    }
}

/// What a name alone means: a whole name on the shelf, the guide, or a path.
pub fn named(app: &App, name: &str) -> Option<ModelRef> {
    let wanted = name.to_lowercase();
    let entries = app.models.entries.as_deref().unwrap_or_default();
    let meant: Vec<_> = entries.iter().filter(|e| e.name.to_lowercase() == wanted || e.full_name().to_lowercase() == wanted).collect();
    match meant.as_slice() {
        [one] => Some(one.reference.clone()),
        _ if wanted == GUIDE_NAME => Some(ModelRef::Guide),
        _ if name.contains('/') || wanted.ends_with(".gguf") => Some(ModelRef::File(app.preferences.path(name))),
        _ => None,
    }
}

/// A model was chosen: it answers from now on, and where it was chosen for that, answers a turn once more.
pub fn choose(app: &mut App, reference: ModelRef, then_regenerate: Option<NodeId>, env: &Env) -> Vec<Effect> {
    if app.models.loading.is_none() && app.models.current.as_ref().is_some_and(|c| c.reference == reference) {
        return match then_regenerate {
            Some(turn) => conversation::send::want(app, Wanted::Under(turn), env),
            None => Vec::new(),
        };
    }
    app.models.wanted = reference;
    let effects = load_wanted(app);
    if let Some(loading) = &mut app.models.loading {
        loading.then_regenerate = then_regenerate;
    }
    effects
}

/// Loads the model that answers once more, with other options; what is loaded stays until it is there.
pub fn reload(app: &mut App) -> Vec<Effect> {
    if let Some(current) = &app.models.current {
        app.models.wanted = current.reference.clone();
    }
    load_wanted(app)
}

/// Loads what is wanted. A load that runs for something else is called off.
pub fn load_wanted(app: &mut App) -> Vec<Effect> {
    let mut effects = Vec::new();
    if let Some(old) = app.models.loading.take() {
        effects.push(Effect::Send(Command::Cancel { job: app.job(), target: old.job }));
    }
    let layers =
        [(Source::Command, &app.models.command), (Source::Conversation, &app.conversation.settings), (Source::Config, &app.models.config)];
    let effective = resolve(&layers);
    let options = effective.load_options();
    // What means no model is left to the engine, which says so.
    let draft = Some(effective.text("model_draft")).filter(|name| !name.is_empty());
    let draft = draft.map(|name| named(app, name).unwrap_or_else(|| ModelRef::File(name.into())));
    let job = app.job();
    let reference = app.models.wanted.clone();
    app.models.failed = None;
    app.models.loading = Some(Loading { job, reference: reference.clone(), fraction: None, then_regenerate: None });
    effects.push(Effect::Send(Command::Load { job, model: reference, draft, options }));
    effects
}

pub fn is_loading(app: &App, job: JobId) -> bool {
    app.models.loading.as_ref().is_some_and(|l| l.job == job)
}

pub fn progress(app: &mut App, job: JobId, fraction: f32) {
    if let Some(loading) = app.models.loading.as_mut().filter(|l| l.job == job) {
        loading.fraction = Some(fraction);
    }
}

/// A model is there. The one before is let go, and what waited for a model is answered.
pub fn loaded(app: &mut App, job: JobId, model: ModelId, facts: Box<ModelFacts>, load_ms: f64, env: &Env) -> Vec<Effect> {
    let Some(loading) = app.models.loading.take_if(|l| l.job == job) else {
        // It was called off too late: nobody waits for it.
        return vec![Effect::Send(Command::Unload { job: app.job(), model })];
    };
    let mut effects = Vec::new();
    if let Some(fingerprint) = facts.fingerprint.clone() {
        let path = match &loading.reference {
            ModelRef::Guide => None,
            ModelRef::File(path) => Some(path.clone()),
        };
        effects.push(Effect::Store(Write::Model(ModelRecord { fingerprint, path, facts: facts.clone() })));
    }
    for note in &facts.notes {
        effects.extend(app.toasts.say(note.clone(), env));
    }
    let old = app.models.current.replace(Current { id: model, reference: loading.reference, facts, load_ms });
    if let Some(old) = old {
        effects.push(Effect::Send(Command::Unload { job: app.job(), model: old.id }));
        app.gauges.ledger(None, env);
    }
    app.gauges.forget_answer(env);
    refresh_picker(app);
    let wanted = app.conversation.wanted.take().or(loading.then_regenerate.map(Wanted::Under));
    if let Some(wanted) = wanted.filter(|_| app.conversation.running.is_none()) {
        effects.extend(conversation::send::want(app, wanted, env));
    }
    effects
}

/// The load ended badly: a toast. The model that was there before still is; without one the guide can answer.
pub fn load_failed(app: &mut App, report: Report, env: &Env) -> Vec<Effect> {
    let failed = app.models.loading.take();
    let mut effects = app.toasts.report(&report, env);
    app.models.failed = Some(report);
    match (&app.models.current, failed) {
        (Some(current), _) => {
            app.models.wanted = current.reference.clone();
            // A context that was raised beyond what there is room for is not asked for again.
            let n_ctx = current.facts.n_ctx;
            let asked = app.conversation.settings.0.get("ctx_size");
            if matches!(asked, Some(Value::Int(n)) if *n > i64::from(n_ctx)) {
                app.conversation.settings.0.remove("ctx_size");
                effects.extend(conversation::send::store_settings(app));
            }
            app.conversation.wanted = None;
        }
        (None, Some(failed)) if failed.reference != ModelRef::Guide => {
            // What waits for an answer waits on: the guide says itself that it is the guide.
            app.models.wanted = ModelRef::Guide;
            effects.extend(load_wanted(app));
        }
        (None, _) => app.conversation.wanted = None,
    }
    effects
}

/// A model is gone with its job. The next message loads it again.
pub fn forget_lost(app: &mut App, lost: Option<ModelId>, env: &Env) {
    if lost.is_some() && app.models.current.as_ref().map(|c| c.id) == lost {
        app.models.current = None;
        app.gauges.ledger(None, env);
    }
}

pub fn unload(app: &mut App, env: &Env) -> Vec<Effect> {
    let Some(current) = app.models.current.take() else { return app.toasts.say("no model is loaded", env) };
    app.gauges.ledger(None, env);
    refresh_picker(app);
    let mut effects = app.toasts.say("unloaded; the next message loads it again", env);
    effects.push(Effect::Send(Command::Unload { job: app.job(), model: current.id }));
    effects
}

/// What was found on this machine.
pub fn shelf(app: &mut App, entries: Vec<ModelEntry>) {
    app.models.entries = Some(entries);
    refresh_picker(app);
}

fn refresh_picker(app: &mut App) {
    for kind in [list::Kind::Models, list::Kind::RegenerateWith] {
        let rows = super::picker::rows(app);
        if let Some(open) = app.list(kind) {
            open.replace(rows);
        }
    }
}
