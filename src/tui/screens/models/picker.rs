//! The model picker: what was found on this machine, as rows.

use crate::protocol::ModelRef;
use crate::shelf::ModelEntry;
use crate::tui::app::{App, Effect, Env};
use crate::tui::figures;
use crate::tui::screens::list::{Align, Column, Kind, Mark, Pick, Row, State};

const COLUMNS: &[Column] = &[
    Column { title: "name", align: Align::Left, drop: 0 },
    Column { title: "quant", align: Align::Left, drop: 3 },
    Column { title: "size", align: Align::Right, drop: 1 },
    Column { title: "where", align: Align::Left, drop: 2 },
];

pub fn open(app: &mut App, regenerate: bool, env: &Env) -> Vec<Effect> {
    if regenerate && app.conversation.is_busy() {
        return app.toasts.say("an answer is on its way; stop it first", env);
    }
    let (kind, title) = if regenerate { (Kind::RegenerateWith, "answer once more with") } else { (Kind::Models, "models") };
    let wanted = app.models.wanted.clone();
    let list = State::new(kind, title, COLUMNS.to_vec(), rows(app)).empty("no model found on this machine yet");
    app.open(list.choose(|pick| *pick == Pick::Model(wanted.clone())));
    // What came since the last look is there a moment later.
    vec![Effect::ScanShelf]
}

/// The guide first, then as the shelf orders them; what cannot be used last, with the reason.
pub fn rows(app: &App) -> Vec<Row> {
    let Some(entries) = &app.models.entries else {
        return vec![guide(app)];
    };
    let (usable, broken): (Vec<_>, Vec<_>) = entries.iter().partition(|e| e.problem.is_none());
    let mut rows: Vec<Row> = usable.into_iter().chain(broken).map(|e| row(app, e)).collect();
    if !entries.iter().any(|e| e.reference == ModelRef::Guide) {
        rows.insert(0, guide(app));
    }
    rows
}

fn guide(app: &App) -> Row {
    let cells = vec!["guide".to_owned(), String::new(), String::new(), "ingle itself".to_owned()];
    Row { mark: mark(app, &ModelRef::Guide), details: vec![GUIDE.to_owned()], ..Row::new(Pick::Model(ModelRef::Guide), cells) }
}

const GUIDE: &str = "Knows ingle and nothing else; always here.";

fn mark(app: &App, reference: &ModelRef) -> Mark {
    let current = app.models.current.as_ref().is_some_and(|c| c.reference == *reference);
    if current { Mark::Current } else { Mark::None }
}

fn row(app: &App, entry: &ModelEntry) -> Row {
    let cells = vec![entry.name.clone(), entry.quantization.clone(), figures::bytes(entry.bytes), entry.place.to_owned()];
    let mut row = Row::new(Pick::Model(entry.reference.clone()), cells);
    row.sort = vec![(2, entry.bytes)];
    row.mark = if entry.problem.is_some() { Mark::Bad } else { mark(app, &entry.reference) };
    row.details = details(app, entry);
    row
}

/// Sentences about the chosen model.
fn details(app: &App, entry: &ModelEntry) -> Vec<String> {
    if let Some(problem) = &entry.problem {
        return vec![problem.to_string()];
    }
    let mut out = vec![entry.full_name()];
    if entry.reference == ModelRef::Guide {
        out.push(GUIDE.to_owned());
    }
    if let Some(facts) = &entry.facts {
        let mut parts = vec![facts.architecture.clone(), format!("{} parameters", figures::count(facts.n_params))];
        parts.push(format!("trained to {}", figures::grouped(u64::from(facts.n_ctx_train))));
        parts.push(if facts.has_template { "chat template".to_owned() } else { "no chat template".to_owned() });
        parts.extend(facts.licence.as_ref().map(|l| format!("{l} licence")));
        out.push(parts.join(" · "));
        out.extend(facts.notes.iter().cloned());
    }
    let available = app.gauges.shown.machine.system.memory_available_bytes;
    if let Some(free) = available {
        let fits = if entry.bytes < free { "weights fit" } else { "weights do not fit" };
        out.push(format!("{fits}: {} of {} free", figures::bytes(entry.bytes), figures::bytes(free)));
    }
    out
}
