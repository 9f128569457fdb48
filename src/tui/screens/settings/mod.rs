//! Settings: every value that counts for the next answer, and who said it.

use crate::protocol::{Report, Scope, Setting, Source, Value};
use crate::text::Shown;
use crate::tui::app::{App, Effect, Env, Focus};
use crate::tui::screens::conversation::send::{effective, store_settings};
use crate::tui::screens::list::{Align, Column, Kind, Mark, Pick, Row, State};

const COLUMNS: &[Column] = &[
    Column { title: "setting", align: Align::Left, drop: 0 },
    Column { title: "value", align: Align::Right, drop: 0 },
    Column { title: "from", align: Align::Left, drop: 1 },
];

/// A longer value is told in full below the list.
const VALUE_COLUMNS: usize = 24;

/// And so much of it is told when it is set.
const TOLD_COLUMNS: usize = 60;

pub fn open(app: &mut App) {
    let row = |(setting, value, source): &(&'static Setting, Value, Source)| {
        let whole = match value.to_string() {
            empty if empty.is_empty() => "–".to_owned(),
            whole => whole.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let shown = Shown::line(&whole).cut(VALUE_COLUMNS).as_str().to_owned();
        let when = match setting.scope {
            Scope::Sampling | Scope::Answer => "counts from the next answer on",
            Scope::Load => "counts when the model is loaded again",
        };
        let range = format!("{}; now from {}; {when}", setting.expected(), source.name());
        Row {
            mark: if *source == Source::Default { Mark::None } else { Mark::Current },
            details: [setting.help.to_owned(), range].into_iter().chain((shown != whole).then_some(whole)).collect(),
            ..Row::new(Pick::Setting(setting.name), vec![setting.name.to_owned(), shown, source.name().to_owned()])
        }
    };
    let rows = effective(app).0.iter().map(row).collect();
    app.open(State::new(Kind::Settings, "settings", COLUMNS.to_vec(), rows));
}

/// A setting taken from the list: the command that sets it, to be completed.
pub fn edit(app: &mut App, name: &'static str) -> Vec<Effect> {
    app.prompt.set(&format!("/set {name} "));
    app.focus = Focus::Prompt;
    Vec::new()
}

/// Sets a value for this conversation and says what it replaces.
pub fn set(app: &mut App, name: &str, value: &str, env: &Env) -> Vec<Effect> {
    let mut settings = app.conversation.settings.clone();
    match settings.set(name, value) {
        Err(problem) => app.toasts.report(&Report::new(problem.to_string(), "/set alone shows all of them"), env),
        Ok(row) => {
            app.conversation.settings = settings;
            let effective = effective(app);
            let (now, source) = effective.get(row.name).map(|(v, s)| (v.to_string(), s)).unwrap_or((String::new(), Source::Default));
            let when = if row.scope == Scope::Load { ", when the model is loaded again" } else { "" };
            let now = Shown::line(&now).cut(TOLD_COLUMNS);
            let mut effects = app.toasts.say(format!("{} is {now}, from {}{when}", row.name, source.name()), env);
            effects.extend(store_settings(app));
            effects
        }
    }
}
