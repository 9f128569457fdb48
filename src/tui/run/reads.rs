//! Reading the history, beside the loop: the reader blocks, so it has a thread.

use super::inbox::Inbox;
use crate::history::{Conversation, ExportFormat, History, HistoryError, Reader, export};
use crate::protocol::{ModelRef, Report};
use crate::tui::app::{Action, Export, Read, ReadAnswer};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Reads that may wait: a person asks for one at a time. More are dropped, and asked for again by the next key.
const WAITING_MAX: usize = 16;
/// Rows a list shows at most: nobody scrolls through more, a search finds the rest.
const CONVERSATIONS_MAX: u32 = 5_000;
const HITS_MAX: u32 = 500;
const PROMPTS_MAX: u32 = 2_000;

pub enum Wish {
    Read(Read),
    Export(Export),
}

/// Starts the thread. It ends when the sender is dropped.
pub fn start(history: &History, inbox: Inbox) -> Result<SyncSender<Wish>, Report> {
    let reader = history.reader().map_err(|e| e.report())?;
    let (wishes, queue) = sync_channel::<Wish>(WAITING_MAX);
    let serve = move || {
        for wish in queue {
            let done = match wish {
                Wish::Read(read) => answer(&reader, read).map(|a| a.map(Action::Read)).map_err(|e| e.report()),
                Wish::Export(wish) => write_export(&reader, &wish).map(|said| Some(Action::Said(said))),
            };
            match done {
                Ok(action) => action.into_iter().for_each(|a| inbox.act(a)),
                Err(report) => inbox.act(Action::Failed(report)),
            }
        }
    };
    let spawned = std::thread::Builder::new().name("history-reader".to_owned()).spawn(serve);
    spawned.map_err(|e| Report::new("the history could not be read", "Close other programs and try again").because(&e))?;
    Ok(wishes)
}

fn answer(reader: &Reader, read: Read) -> Result<Option<ReadAnswer>, HistoryError> {
    Ok(match read {
        Read::Newest => {
            let newest = reader.conversations(1)?.first().map(|row| row.id);
            let conversation = newest.map(|id| reader.conversation(id)).transpose()?.flatten();
            let model = conversation.as_ref().map(|c| model_of(reader, c)).transpose()?.flatten();
            Some(ReadAnswer::Newest { conversation: conversation.map(Box::new), model })
        }
        Read::Conversation(id) => reader.conversation(id)?.map(|c| ReadAnswer::Conversation(Box::new(c))),
        Read::Conversations => Some(ReadAnswer::Conversations(reader.conversations(CONVERSATIONS_MAX)?)),
        Read::Search(words) => {
            let hits = reader.search(&words, HITS_MAX)?;
            Some(ReadAnswer::Search { words, hits })
        }
        Read::Tokens(node) => {
            let ids = reader.tokens(node)?.into_iter().map(|t| t.id).collect();
            Some(ReadAnswer::Tokens { node, ids })
        }
        Read::Prompts => Some(ReadAnswer::Prompts(reader.typed(PROMPTS_MAX)?)),
    })
}

/// Where the model lies that answered last, if it is still there.
fn model_of(reader: &Reader, conversation: &Conversation) -> Result<Option<ModelRef>, HistoryError> {
    let tip = conversation.row.tip.or_else(|| conversation.tree.newest());
    let path = tip.map(|tip| conversation.tree.path(tip)).unwrap_or_default();
    let Some(label) = path.iter().rev().find_map(|n| n.model.as_ref()) else { return Ok(None) };
    let known = reader.model(&label.fingerprint)?;
    Ok(known.and_then(|m| m.path).filter(|path| path.is_file()).map(ModelRef::File))
}

fn write_export(reader: &Reader, wish: &Export) -> Result<String, Report> {
    let gone = || Report::new("this conversation is not stored", "");
    let conversation = reader.conversation(wish.conversation).map_err(|e| e.report())?.ok_or_else(gone)?;
    let conversation = Conversation { row: crate::history::ConversationRow { tip: wish.tip, ..conversation.row.clone() }, ..conversation };
    let format = match wish.format {
        crate::tui::app::ExportFormat::Markdown => ExportFormat::Markdown,
        crate::tui::app::ExportFormat::Json => ExportFormat::Json,
    };
    let extension = if format == ExportFormat::Json { "json" } else { "md" };
    let path = wish.path.clone().unwrap_or_else(|| file_name(&conversation.row.title, extension));
    write_new(&path, &export(&conversation, format))
        .map_err(|e| Report::new(format!("{} could not be written", path.display()), remedy(&e)).because(&e))?;
    Ok(format!("written to {}", path.display()))
}

fn remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AlreadyExists => "There is such a file already; name another: /export md FILE",
        _ => "Name another place: /export md FILE",
    }
}

/// Nothing that is there is ever overwritten.
pub fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// A title as a file's name: letters and digits alone, so that no title becomes a path.
fn file_name(title: &str, extension: &str) -> PathBuf {
    const CHARS_MAX: usize = 60;
    let plain: String = title.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let stem: String = words.join("-").chars().take(CHARS_MAX).collect();
    let stem = if stem.is_empty() { "conversation".to_owned() } else { stem };
    PathBuf::from(format!("{stem}.{extension}"))
}
