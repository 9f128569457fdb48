//! `ingle models`.

use super::shell::env::Env;
use super::shell::failure::Failure;
use super::shell::table::{Align, Table, bytes_text, count_text};
use crate::protocol::{ModelRef, Report};
use crate::shelf::ModelEntry;
use crate::text::Shown;
use std::io::Write;

/// List the models on this machine
///
/// The guide, the folders named in the config, ingle's own, and those of Hugging Face, llama.cpp, Ollama, LM Studio and
/// GPT4All. Nothing is copied or changed.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only models whose name has this in it
    filter: Option<String>,
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    let mut entries = env.shelf()?.entries;
    if let Some(filter) = args.filter.map(|text| text.to_lowercase()) {
        entries.retain(|entry| entry.full_name().to_lowercase().contains(&filter));
    }
    if env.json {
        return env.write_json(&entries);
    }
    let (sound, broken): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.problem.is_none());
    let mut table = Table::new(&[
        ("NAME", Align::Left),
        ("QUANT", Align::Left),
        ("PARAMS", Align::Right),
        ("SIZE", Align::Right),
        ("WHERE", Align::Left),
    ]);
    for entry in &sound {
        let params = entry.facts.as_ref().map(|facts| count_text(facts.n_params)).unwrap_or_default();
        table.row(&[&entry.name, &entry.quantization, &params, &bytes_text(entry.bytes), &whereabouts(entry)]);
    }
    table.print(env)?;
    say_broken(&broken);
    Ok(())
}

/// The place, and what the file belongs to there.
fn whereabouts(entry: &ModelEntry) -> String {
    match &entry.origin {
        Some(origin) => format!("{} {origin}", entry.place),
        None => entry.place.to_owned(),
    }
}

/// What cannot be used is said apart, with its reason.
fn say_broken(broken: &[ModelEntry]) {
    for entry in broken {
        let at = match &entry.reference {
            ModelRef::File(path) => Shown::path(path),
            ModelRef::Guide => Shown::line(&entry.name),
        };
        let report = entry.problem.as_ref().map(Report::to_string).unwrap_or_default();
        let _ = writeln!(std::io::stderr(), "cannot be used: {at}: {}", Shown::line(&report));
    }
}
