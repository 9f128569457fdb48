//! `ingle themes`.

use super::shell::env::Env;
use super::shell::failure::{Failure, print_report};
use super::shell::table::{Align, Table};
use crate::tui::theme::{Appearance, ThemeEntry, Themes};
use serde_json::json;

/// List the themes
///
/// Those in the program and those in the themes folder of the config. What is wrong in one is said on standard error.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_args: Arguments, env: &Env) -> Result<(), Failure> {
    let (themes, mut problems) = Themes::read(&env.folders()?.themes());
    let entries = themes.entries();
    problems.extend(entries.iter().filter_map(|entry| themes.load(&entry.name).ok()).flat_map(|(_, problems)| problems));
    problems.dedup();
    if env.json {
        env.write_json(&entries.iter().map(as_json).collect::<Vec<_>>())?;
    } else {
        let mut table = Table::new(&[("NAME", Align::Left), ("FOR", Align::Left), ("ABOUT", Align::Left)]);
        for entry in &entries {
            table.row(&[&entry.name, appearance(entry), &entry.summary]);
        }
        table.print(env)?;
    }
    problems.iter().for_each(|problem| print_report(&problem.report()));
    Ok(())
}

fn appearance(entry: &ThemeEntry) -> &'static str {
    match entry.appearance {
        Appearance::Dark => "dark",
        Appearance::Light => "light",
        Appearance::Either => "either",
    }
}

fn as_json(entry: &ThemeEntry) -> serde_json::Value {
    json!({ "name": entry.name, "appearance": appearance(entry), "summary": entry.summary, "file": entry.file })
}
