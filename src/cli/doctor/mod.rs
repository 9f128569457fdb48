//! `ingle doctor`: what a bug report needs, and proof of what ingle touches.

mod machine;
mod sockets;
mod terminal;

use super::shell::env::Env;
use super::shell::failure::Failure;
use super::shell::table::bytes_text;
use crate::config::Folders;
use crate::history::Reader;
use crate::protocol::Report;
use crate::shelf::{PLACES, Shelf};
use crate::text::Shown;
use serde_json::{Map, Value};
use std::path::Path;

/// Check this machine, and show every file and socket that ingle uses
///
/// Reads and checks; changes nothing, asks no network.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The running ingle whose sockets and memory are meant, by its process id
    #[arg(long, hide = true, value_name = "PID")]
    process: Option<u32>,
}

/// What was found about one subject.
struct Section {
    name: &'static str,
    lines: Vec<(String, String)>,
    problems: Vec<Report>,
}

impl Section {
    fn new(name: &'static str) -> Self {
        Self { name, lines: Vec::new(), problems: Vec::new() }
    }

    fn line(&mut self, label: &str, value: impl ToString) {
        self.lines.push((label.to_owned(), value.to_string()));
    }
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    let folders = env.folders()?;
    let sections = [
        program(),
        files(&folders, env),
        history(&folders),
        models(&env.shelf()?),
        sockets::section(args.process),
        terminal::section(args.process.is_none()),
        machine::section(args.process.is_none()),
        machine::gpus(),
    ];
    if env.json { env.write_json(&as_json(&sections)) } else { print(&sections, env) }
}

fn as_json(sections: &[Section]) -> Value {
    let lines = |section: &Section| Value::Object(section.lines.iter().map(|(l, v)| (l.clone(), Value::from(v.as_str()))).collect());
    let mut whole: Map<String, Value> = sections.iter().map(|section| (section.name.to_owned(), lines(section))).collect();
    let problems: Vec<Value> = sections.iter().flat_map(|section| &section.problems).map(|problem| problem.to_string().into()).collect();
    whole.insert("problems".to_owned(), Value::Array(problems));
    Value::Object(whole)
}

fn print(sections: &[Section], env: &Env) -> Result<(), Failure> {
    let mut text = String::new();
    for section in sections {
        text.push_str(&format!("{}\n", section.name));
        for (label, value) in &section.lines {
            text.push_str(&format!("  {:<18} {}\n", Shown::line(label).as_str(), Shown::line(value)));
        }
        for problem in &section.problems {
            text.push_str(&format!("  problem            {}\n", Shown::line(&problem.to_string())));
        }
        text.push('\n');
    }
    env.write_bytes(text.trim_end().as_bytes())?;
    env.write_bytes(b"\n")
}

fn program() -> Section {
    let mut section = Section::new("ingle");
    section.line("version", env!("CARGO_PKG_VERSION"));
    section.line("built for", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    section.line("program", std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default());
    section
}

/// Everything that ingle reads or writes, there or not.
fn files(folders: &Folders, env: &Env) -> Section {
    let mut section = Section::new("files");
    section.line("config", described(&folders.config_file()));
    section.line("keys", described(&folders.keymap_file()));
    section.line("themes", described(&folders.themes()));
    section.line("history", described(&folders.history_file()));
    section.line("backups", described(&folders.backups()));
    section.line("bench", described(&folders.bench()));
    section.line("states", described(&folders.states()));
    section.line("log", described(&folders.logs()));
    section.line("locks", described(&folders.running()));
    section.line("header cache", described(&env.header_cache_file(folders)));
    section
}

fn described(path: &Path) -> String {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let n = std::fs::read_dir(path).map_or(0, Iterator::count);
            format!("{}, {n} {}", path.display(), if n == 1 { "entry" } else { "entries" })
        }
        Ok(metadata) => format!("{}, {}", path.display(), bytes_text(metadata.len())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => format!("{}, not there", path.display()),
        Err(error) => format!("{}, {error}", path.display()),
    }
}

fn history(folders: &Folders) -> Section {
    let mut section = Section::new("history");
    section.line("SQLite", rusqlite::version());
    match Reader::open(folders) {
        Ok(None) => section.line("database", "nothing was stored yet"),
        Ok(Some(reader)) => match reader.check() {
            Ok(None) => section.line("database", "sound"),
            Ok(Some(what)) => section.problems.push(Report::new(
                format!("{} is damaged: {what}", folders.history_file().display()),
                "Start ingle: it sets the file aside and keeps what can be read",
            )),
            Err(error) => section.problems.push(error.into()),
        },
        Err(error) => section.problems.push(error.into()),
    }
    section
}

fn models(shelf: &Shelf) -> Section {
    let mut section = Section::new("models");
    for place in PLACES {
        let here = || shelf.entries.iter().filter(|entry| entry.place == place.name);
        if here().count() > 0 {
            section.line(place.name, format!("{}, {}", here().count(), bytes_text(here().map(|entry| entry.bytes).sum())));
        }
    }
    section.problems.extend(shelf.entries.iter().filter_map(|entry| entry.problem.clone()));
    section
}
