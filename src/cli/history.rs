//! `ingle history list|search|show|export|rm`.

use super::shell::env::Env;
use super::shell::failure::Failure;
use super::shell::table::{Align, Table};
use crate::history::{
    Conversation, ConversationRow, ExportFormat, FOUND_END, FOUND_START, History, HistoryEvent, Reader, Receipt, Write, export,
};
use crate::protocol::{ConversationId, Report};
use crate::text::Shown;
use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

/// Characters of an id that are shown: its time in milliseconds, so that two seldom share them.
const ID_SHOWN: usize = 13;
/// A conversation's title in a table.
const TITLE_COLUMNS: usize = 60;
/// Deleting for good rewrites the file and its backups.
const DELETE_WITHIN: Duration = Duration::from_secs(60);

/// What was said, on this machine alone
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List conversations, the latest first
    List {
        /// How many at most
        #[arg(long, short = 'n', default_value_t = 50, value_name = "N")]
        limit: u32,
    },
    /// Find words in all that was said
    Search {
        #[arg(required = true)]
        words: Vec<String>,
        /// How many places at most
        #[arg(long, short = 'n', default_value_t = 20, value_name = "N")]
        limit: u32,
    },
    /// Print a conversation
    Show {
        /// The beginning of its id, or a part of its title
        conversation: String,
    },
    /// Write a conversation to a file, or to standard output
    Export {
        /// The beginning of its id, or a part of its title
        conversation: String,
        #[arg(long, short, value_name = "FORMAT", default_value = "md", value_parser = PossibleValuesParser::new(ExportFormat::NAMES))]
        format: String,
        /// Where to write it
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Delete conversations for good, from backups too
    Rm {
        /// The beginning of an id, or a part of a title
        #[arg(required = true)]
        conversation: Vec<String>,
    },
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    match args.action {
        Action::List { limit } => list(limit, env),
        Action::Search { words, limit } => search(&words.join(" "), limit, env),
        Action::Show { conversation } if env.json => write_out(&conversation, ExportFormat::Json, None, env),
        Action::Show { conversation } => write_out(&conversation, ExportFormat::Markdown, None, env),
        Action::Export { conversation, format, out } => {
            let format = if env.json { ExportFormat::Json } else { ExportFormat::from_name(&format).unwrap_or(ExportFormat::Markdown) };
            write_out(&conversation, format, out, env)
        }
        Action::Rm { conversation } => conversation.iter().try_for_each(|text| remove(text, env)),
    }
}

/// What is read from; nothing where nothing was ever stored.
fn reader(env: &Env) -> Result<Option<Reader>, Failure> {
    Ok(Reader::open(&env.folders()?).map_err(Report::from)?)
}

fn list(limit: u32, env: &Env) -> Result<(), Failure> {
    let rows = match reader(env)? {
        Some(reader) => reader.conversations(limit).map_err(Report::from)?,
        None => Vec::new(),
    };
    if env.json {
        return env.write_json(&rows);
    }
    let mut table = Table::new(&[("ID", Align::Left), ("WHEN", Align::Left), ("TURNS", Align::Right), ("TITLE", Align::Left)]);
    for row in &rows {
        let title = Shown::line(&row.title).cut(TITLE_COLUMNS);
        table.row(&[&short_id(row.id), &when(row.updated_ms), &row.n_nodes.to_string(), title.as_str()]);
    }
    table.print(env)
}

fn search(words: &str, limit: u32, env: &Env) -> Result<(), Failure> {
    let hits = match reader(env)? {
        Some(reader) => reader.search(words, limit).map_err(Report::from)?,
        None => Vec::new(),
    };
    if env.json {
        return env.write_json(&hits);
    }
    let mut table = Table::new(&[("ID", Align::Left), ("WHEN", Align::Left), ("WHO", Align::Left), ("WHAT", Align::Left)]);
    for hit in &hits {
        let snippet = hit.snippet.replace([FOUND_START, FOUND_END], "");
        table.row(&[&short_id(hit.conversation), &when(hit.created_ms), hit.role.name(), &snippet]);
    }
    table.print(env)
}

fn write_out(text: &str, format: ExportFormat, out: Option<PathBuf>, env: &Env) -> Result<(), Failure> {
    let exported = export(&conversation(text, env)?, format);
    let Some(path) = out else { return env.write_text(&exported) };
    std::fs::write(&path, exported).map_err(|error| {
        let path = Shown::path(&path);
        Report::new(format!("{path} could not be written: {error}"), "Check the folder and the disk").offender(path.to_string()).into()
    })
}

fn conversation(text: &str, env: &Env) -> Result<Conversation, Failure> {
    let reader = reader(env)?.ok_or_else(|| unknown(text))?;
    let row = only(text, reader.find(text).map_err(Report::from)?)?;
    reader.conversation(row.id).map_err(Report::from)?.ok_or_else(|| unknown(text))
}

/// The one that is meant, or which may be.
fn only(text: &str, mut found: Vec<ConversationRow>) -> Result<ConversationRow, Failure> {
    match found.len() {
        0 => Err(unknown(text)),
        1 => Ok(found.remove(0)),
        n => {
            let shown: Vec<_> = found.iter().take(4).map(|row| format!("{} ({})", short_id(row.id), row.title)).collect();
            let more = if n > shown.len() { format!(" and {} more", n - shown.len()) } else { String::new() };
            let what = format!("{text} may mean {}{more}", shown.join(", "));
            Err(Report::new(what, "Write more of the title, or the id").offender(text).into())
        }
    }
}

fn unknown(text: &str) -> Failure {
    Report::new(format!("there is no conversation {text}"), "`ingle history list` lists them").offender(text).into()
}

fn remove(text: &str, env: &Env) -> Result<(), Failure> {
    let found = conversation(text, env)?.row;
    let (sender, events) = mpsc::channel();
    let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
    let tell = move |event| drop(sender.send(event));
    let (history, _) = History::open(&env.folders()?, now, tell).map_err(Report::from)?;
    let write = Write::Delete { conversation: found.id };
    if let Err(HistoryEvent::Refused { report, .. }) = history.write(write) {
        return Err(report.into());
    }
    loop {
        match events.recv_timeout(DELETE_WITHIN) {
            Ok(HistoryEvent::Stored(Receipt::Delete(id))) if id == found.id => break,
            Ok(HistoryEvent::Refused { report, .. } | HistoryEvent::Stalled(report)) => return Err(report.into()),
            Ok(_) => {}
            Err(_) => return Err(Report::new("the history did not answer within a minute", "Try again").into()),
        }
    }
    let _ = writeln!(std::io::stderr(), "deleted {} {}", short_id(found.id), Shown::line(&found.title));
    Ok(())
}

fn short_id(id: ConversationId) -> String {
    id.0.to_string().chars().take(ID_SHOWN).collect()
}

/// In the person's own time zone.
fn when(ms: u64) -> String {
    let at = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}
