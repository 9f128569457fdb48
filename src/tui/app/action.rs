//! All that can happen to the screen.

use crate::gauges::Machine;
use crate::history::{Conversation, ConversationRow, HistoryEvent, Hit};
use crate::protocol::{Event, ModelRef, NodeId, Report};
use crate::shelf::ModelEntry;
use crate::tui::keymap::Chord;
use crate::tui::markdown::{HighlightAnswer, HighlightRequest};

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The first frame is on the screen; now models and disks may be touched.
    Started,
    Key(Chord),
    Paste(String),
    Resize(Size),
    /// The terminal says whether it is looked at.
    Focused(bool),
    Wheel {
        up: bool,
    },
    /// The mouse's main button, in cells from the upper left.
    Click {
        column: u16,
        row: u16,
    },
    /// A time came that [`super::App::wake_at_ms`] had asked for.
    Tick,
    Engine(Event),
    History(HistoryEvent),
    /// Nothing can be stored; why.
    NotStored(Report),
    Read(ReadAnswer),
    Machine(Box<Machine>),
    Shelf(Vec<ModelEntry>),
    /// Code got its colours, or found no room to ask for them.
    Coloured(Box<HighlightAnswer>),
    ColourRefused(Box<HighlightRequest>),
    /// $VISUAL ended: the text as it was left.
    Edited(Result<String, Report>),
    /// What the doctor found, as text.
    Doctor(String),
    /// A setting's value as it was read from a file.
    Setting {
        name: &'static str,
        value: String,
    },
    /// An effect has something to say: "sent to the terminal's clipboard".
    Said(String),
    /// An effect could not be done.
    Failed(Report),
    /// The program was in the background and is back.
    Resumed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub columns: u16,
    pub rows: u16,
}

/// What came of an [`super::Effect::Read`].
#[derive(Debug, Clone, PartialEq)]
pub enum ReadAnswer {
    /// What was looked at last, absent on the first start, and the model that answered there.
    Newest {
        conversation: Option<Box<Conversation>>,
        model: Option<ModelRef>,
    },
    Conversation(Box<Conversation>),
    Conversations(Vec<ConversationRow>),
    Search {
        words: String,
        hits: Vec<Hit>,
    },
    /// What was typed before, newest first.
    Prompts(Vec<String>),
    Tokens {
        node: NodeId,
        ids: Vec<u32>,
    },
}
