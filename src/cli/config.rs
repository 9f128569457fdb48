//! `ingle config path|show|check`.

use super::shell::env::Env;
use super::shell::failure::{Failure, print_report};
use super::shell::table::{Align, Table};
use crate::config::{Config, ENTRIES, Folders, template};
use crate::protocol::{Report, Source, Value, resolve};
use crate::tui::keymap::{self, Keymap};
use crate::tui::theme::Themes;
use serde_json::json;

/// ingle's settings: where they are, what they are, whether they are sound
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print where config.toml is; with --json all of ingle's folders
    Path,
    /// Print every setting with its value and who says it
    Show {
        /// Print a config.toml with everything that can be said, as comments
        #[arg(long)]
        template: bool,
    },
    /// Check config.toml, keymap.toml and the themes folder
    Check,
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    match args.action {
        Action::Path => path(env),
        Action::Show { template: true } => env.write_bytes(template().as_bytes()),
        Action::Show { template: false } => show(env),
        Action::Check => check(env),
    }
}

fn path(env: &Env) -> Result<(), Failure> {
    let folders = env.folders()?;
    if env.json {
        return env.write_json(&json!({
            "config": folders.config_file(),
            "keymap": folders.keymap_file(),
            "themes": folders.themes(),
            "history": folders.history_file(),
            "data": folders.data,
            "state": folders.state,
            "cache": folders.cache,
        }));
    }
    env.write_text(&format!("{}\n", folders.config_file().display()))
}

/// A row of what is printed: name, value, who says it.
struct Row {
    name: String,
    value: serde_json::Value,
    source: Source,
}

fn show(env: &Env) -> Result<(), Failure> {
    let rows = rows(env.config());
    if env.json {
        let object = rows.iter().map(|row| (row.name.clone(), json!({ "value": row.value, "source": row.source })));
        return env.write_json(&object.collect::<serde_json::Map<_, _>>());
    }
    let mut table = Table::new(&[("NAME", Align::Left), ("VALUE", Align::Left), ("FROM", Align::Left)]);
    for row in &rows {
        table.row(&[&row.name, &row.value.to_string(), row.source.name()]);
    }
    table.print(env)
}

fn rows(config: &Config) -> Vec<Row> {
    let usual = Config::default();
    let entries = ENTRIES.iter().map(|entry| {
        let value = (entry.get)(config);
        let source = if value == (entry.get)(&usual) { Source::Default } else { Source::Config };
        let name = if entry.section.is_empty() { entry.name.to_owned() } else { format!("{}.{}", entry.section, entry.name) };
        Row { name, value: json!(value), source }
    });
    let settings = resolve(&[(Source::Config, &config.settings)]).0.into_iter();
    let settings = settings.map(|(row, value, source)| Row { name: format!("settings.{}", row.name), value: json!(value), source });
    let models = config.models.iter().flat_map(|(model, settings)| {
        let row = move |(name, value): (&String, &Value)| Row {
            name: format!("models.{model}.{name}"),
            value: json!(value),
            source: Source::Model,
        };
        settings.0.iter().map(row)
    });
    entries.chain(settings).chain(models).collect()
}

/// All that is wrong, each in a sentence; what is sound keeps working all the same.
fn check(env: &Env) -> Result<(), Failure> {
    let folders = env.folders()?;
    let (config, problems) = Config::load(&folders);
    let mut reports: Vec<Report> = problems.into_iter().map(Report::from).collect();
    reports.extend(keymap(&folders, &config));
    reports.extend(themes(&folders, &config));
    if env.json {
        env.write_json(&reports)?;
    }
    match reports.split_last() {
        None if env.json => Ok(()),
        None => env.write_text("all is well\n"),
        Some((last, others)) => {
            others.iter().for_each(print_report);
            Err(Failure::Report(last.clone()))
        }
    }
}

fn keymap(folders: &Folders, config: &Config) -> Vec<Report> {
    let problems = match keymap::read(&folders.keymap_file()) {
        Ok(None) => Vec::new(),
        Ok(Some(text)) => Keymap::with_overrides(config.send, &text).1,
        Err(problem) => vec![problem],
    };
    problems.iter().map(|problem| problem.report()).collect()
}

/// The files of the themes folder, and whether the theme that is wished for is there.
fn themes(folders: &Folders, config: &Config) -> Vec<Report> {
    let (themes, unread) = Themes::read(&folders.themes());
    let mut problems = unread;
    for entry in themes.entries().iter().filter(|entry| entry.file.is_some()) {
        match themes.load(&entry.name) {
            Ok((_, found)) => problems.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    problems.extend(config.theme.as_ref().and_then(|name| themes.load(name).err()));
    problems.iter().map(|problem| problem.report()).collect()
}
