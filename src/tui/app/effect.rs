//! All that may follow from what happened, as plain data. `run` carries it out.

use crate::history::Write;
use crate::protocol::{Command, ConversationId, NodeId};
use crate::tui::markdown::HighlightRequest;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// To the engine.
    Send(Command),
    /// To the history's writer.
    Store(Write),
    /// From the history, answered by `Action::Read`.
    Read(Read),
    /// Code that wants colours, answered by `Action::Coloured`.
    Highlight(Box<HighlightRequest>),
    /// Look for models again.
    ScanShelf,
    /// To the terminal's clipboard.
    Copy(String),
    /// In $VISUAL, answered by `Action::Edited`.
    Edit(String),
    Export(Export),
    /// To a new file; one that is there is never overwritten.
    WriteFile {
        path: PathBuf,
        text: String,
    },
    /// The value of a setting, answered by `Action::Setting`.
    ReadSetting {
        name: &'static str,
        path: PathBuf,
    },
    /// This machine as `ingle doctor` tells of it, answered by `Action::Doctor`.
    Doctor,
    /// A choice of the person's, into config.toml.
    Keep {
        name: &'static str,
        value: String,
    },
    Title(String),
    /// A long answer is done and nobody looks; what it is about.
    Notify(String),
    /// Whether the machine's gauges are looked at: they are not read while nobody does.
    Watch(bool),
    Mouse(bool),
    /// Every cell anew.
    Redraw,
    Suspend,
    Quit,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The conversation that was looked at last.
    Newest,
    Conversation(ConversationId),
    Conversations,
    Search(String),
    Prompts,
    /// The ids an answer is made of.
    Tokens(NodeId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    pub conversation: ConversationId,
    /// The branch that is shown.
    pub tip: Option<NodeId>,
    pub format: ExportFormat,
    /// Absent: a name made from the title, in the folder ingle was started in.
    pub path: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    Markdown,
    Json,
}
