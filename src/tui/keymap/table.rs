//! The table of actions: what can be asked by a key, its name in keymap.toml, its help, and its keys as they are
//! before anyone changes them. Help, palette and the chord popup are made from these rows.

use serde::{Deserialize, Serialize};

/// What a key can ask for. Each has exactly one row in [`ROWS`] (a test holds that).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    Interrupt,
    Back,
    Quit,
    Suspend,
    Redraw,
    Help,
    Palette,
    Models,
    New,
    Conversations,
    SearchPrompts,
    Editor,
    Fold,
    Gauges,
    Themes,
    Settings,
    Keys,
    Mouse,
    Find,
    FindNext,
    FindPrevious,
    Regenerate,
    RegenerateWith,
    Edit,
    Fork,
    Undo,
    Continue,
    CopyAnswer,
    CopyCode,
    Star,
    Delete,
    Freeze,
    Enlarge,
    ScrollUp,
    ScrollDown,
    ScrollTop,
    ScrollBottom,
    HalfUp,
    HalfDown,
    LineUp,
    LineDown,
    PreviousTurn,
    NextTurn,
    SiblingLeft,
    SiblingRight,
    NextFocus,
    PreviousFocus,
    ToPrompt,
    Send,
    Newline,
    DeleteForwardOrQuit,
    Up,
    Down,
    CharLeft,
    CharRight,
    WordLeft,
    WordRight,
    LineStart,
    LineEnd,
    DeleteLeft,
    DeleteRight,
    DeleteWordLeft,
    DeleteWordRight,
    DeleteToStart,
    DeleteToEnd,
    Yank,
    UndoEdit,
    RedoEdit,
    Complete,
    Take,
    ListUp,
    ListDown,
    ListPageUp,
    ListPageDown,
    ListTable,
    Sort,
    SortBack,
    Details,
    Unload,
}

/// Where a chord counts. The narrower context wins over `Everywhere`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Context {
    Everywhere,
    Prompt,
    /// The prompt while it is empty: only here do letters and `?` act.
    EmptyPrompt,
    /// The menu of completions over the prompt.
    Menu,
    Transcript,
    Panel,
    /// A list with its filter: typing filters.
    List,
    /// A list whose letters act, after Tab.
    Table,
}

impl Context {
    pub const ALL: &'static [Context] = &[
        Context::Everywhere,
        Context::Prompt,
        Context::EmptyPrompt,
        Context::Menu,
        Context::Transcript,
        Context::Panel,
        Context::List,
        Context::Table,
    ];

    /// The table's name in keymap.toml.
    pub fn name(self) -> &'static str {
        match self {
            Context::Everywhere => "everywhere",
            Context::Prompt => "prompt",
            Context::EmptyPrompt => "empty_prompt",
            Context::Menu => "menu",
            Context::Transcript => "transcript",
            Context::Panel => "panel",
            Context::List => "list",
            Context::Table => "table",
        }
    }

    /// As a heading of the help.
    pub fn title(self) -> &'static str {
        match self {
            Context::Everywhere => "everywhere",
            Context::Prompt => "prompt",
            Context::EmptyPrompt => "empty prompt",
            Context::Menu => "completions",
            Context::Transcript => "transcript",
            Context::Panel => "gauges",
            Context::List => "lists",
            Context::Table => "lists, after Tab",
        }
    }
}

/// How an action is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// In the palette, with a chord after the leader.
    Act,
    /// Moves, or belongs to one list: keys alone.
    Hand,
    /// Edits text, as hands know it from the shell: keys alone, and last in the help.
    Edit,
}

pub struct Row {
    pub intent: Intent,
    /// The name in keymap.toml.
    pub id: &'static str,
    /// A phrase, as help and palette show it.
    pub help: &'static str,
    pub offer: Offer,
    pub keys: &'static [(Context, &'static [&'static str])],
}

use Context::{EmptyPrompt, Everywhere, List, Menu, Panel, Prompt, Table, Transcript};
use Offer::{Act, Edit, Hand};

const fn row(
    intent: Intent,
    id: &'static str,
    offer: Offer,
    help: &'static str,
    keys: &'static [(Context, &'static [&'static str])],
) -> Row {
    Row { intent, id, help, offer, keys }
}

/// Letters after the leader follow DESIGN's conventions; single keys those that hands know from readline and pagers.
pub const ROWS: &[Row] = &[
    row(Intent::Palette, "palette", Act, "Everything that can be done", &[(Everywhere, &["ctrl-p", "ctrl-x space"])]),
    row(
        Intent::Help,
        "help",
        Act,
        "Help for where I am",
        &[(Everywhere, &["f1", "ctrl-x ?"]), (EmptyPrompt, &["?"]), (Transcript, &["?"]), (Panel, &["?"]), (Table, &["?"])],
    ),
    row(Intent::Models, "models", Act, "Choose a model", &[(Everywhere, &["f2", "ctrl-x m"])]),
    row(Intent::New, "new", Act, "Start a new conversation; this one stays", &[(Everywhere, &["ctrl-n", "ctrl-x n"])]),
    row(Intent::Conversations, "conversations", Act, "Go to another conversation", &[(Everywhere, &["ctrl-x l"])]),
    row(
        Intent::Regenerate,
        "regenerate",
        Act,
        "Answer once more, beside the first answer",
        &[(Everywhere, &["ctrl-x r"]), (Transcript, &["r"])],
    ),
    row(
        Intent::RegenerateWith,
        "regenerate_with",
        Act,
        "Answer once more with another model",
        &[(Everywhere, &["ctrl-x R"]), (Transcript, &["R"])],
    ),
    row(Intent::Edit, "edit", Act, "Edit my last message; the first wording stays", &[(Everywhere, &["ctrl-x e"]), (Transcript, &["e"])]),
    row(Intent::Continue, "continue", Act, "Go on with an answer that was cut short", &[(Everywhere, &["ctrl-x c"]), (Transcript, &["c"])]),
    row(Intent::Undo, "undo", Act, "Take my last message back into the prompt", &[(Everywhere, &["ctrl-x u"])]),
    row(Intent::Fork, "fork", Act, "Go on from here in a conversation of its own", &[(Everywhere, &["ctrl-x f"]), (Transcript, &["f"])]),
    row(Intent::CopyAnswer, "copy", Act, "Copy the answer", &[(Everywhere, &["ctrl-x y"]), (Transcript, &["y"])]),
    row(Intent::CopyCode, "copy_code", Act, "Copy the last code of the answer", &[(Everywhere, &["ctrl-x Y"]), (Transcript, &["Y"])]),
    row(
        Intent::Fold,
        "fold",
        Act,
        "Fold or unfold thinking and figures; open a paste",
        &[(Everywhere, &["ctrl-o", "ctrl-x o"]), (Transcript, &["o", "enter"])],
    ),
    row(Intent::Find, "find", Act, "Search this conversation", &[(Everywhere, &["ctrl-x /"]), (Transcript, &["/"])]),
    row(Intent::SearchPrompts, "search_prompts", Act, "Search what I typed before", &[(Everywhere, &["ctrl-r", "ctrl-x h"])]),
    row(Intent::Editor, "editor", Act, "Write the message in $VISUAL", &[(Everywhere, &["ctrl-g", "ctrl-x ctrl-e"])]),
    row(
        Intent::Star,
        "star",
        Act,
        "Star this conversation, or take the star away",
        &[(Everywhere, &["ctrl-x *"]), (Transcript, &["*"]), (Table, &["*"])],
    ),
    row(
        Intent::Delete,
        "delete",
        Act,
        "Delete this conversation for good (asks)",
        &[(Everywhere, &["ctrl-x D"]), (Transcript, &["D"]), (Table, &["d"])],
    ),
    row(Intent::Gauges, "gauges", Act, "Show more or fewer gauges", &[(Everywhere, &["ctrl-t", "ctrl-x g"])]),
    row(Intent::Themes, "themes", Act, "Choose colours", &[(Everywhere, &["ctrl-x t"])]),
    row(Intent::Settings, "settings", Act, "Settings, and where each comes from", &[(Everywhere, &["ctrl-x s"])]),
    row(Intent::Keys, "keys", Act, "All keys", &[(Everywhere, &["ctrl-x k"])]),
    row(Intent::Mouse, "mouse", Act, "Mouse on or off", &[(Everywhere, &["ctrl-x M"])]),
    row(Intent::Freeze, "freeze", Act, "Freeze the gauges, or let them go on", &[(Everywhere, &["ctrl-x ctrl-f"]), (Panel, &["f"])]),
    row(Intent::Enlarge, "enlarge", Act, "One gauge large, or back", &[(Everywhere, &["ctrl-x E"]), (Panel, &["e", "enter"])]),
    row(Intent::Redraw, "redraw", Act, "Draw the screen anew", &[(Everywhere, &["ctrl-l", "ctrl-x ctrl-l"])]),
    row(Intent::Suspend, "suspend", Act, "Back to the shell for a while; fg returns", &[(Everywhere, &["ctrl-z", "ctrl-x ctrl-z"])]),
    row(
        Intent::Interrupt,
        "interrupt",
        Act,
        "Stop the answer, close, clear the prompt; twice: quit",
        &[(Everywhere, &["ctrl-c", "ctrl-x ."])],
    ),
    row(Intent::Quit, "quit", Act, "Leave; everything is saved", &[(Everywhere, &["ctrl-x q"])]),
    row(Intent::Back, "back", Hand, "Close, drop a search, stop the answer; twice: clear or pick a turn", &[(Everywhere, &["esc"])]),
    row(Intent::ScrollUp, "scroll_up", Hand, "A page up", &[(Everywhere, &["pgup"]), (Transcript, &["b"])]),
    row(Intent::ScrollDown, "scroll_down", Hand, "A page down", &[(Everywhere, &["pgdn"]), (Transcript, &["space"])]),
    row(Intent::ScrollTop, "scroll_top", Hand, "To the beginning", &[(Everywhere, &["ctrl-home"]), (Transcript, &["g", "home"])]),
    row(Intent::ScrollBottom, "scroll_bottom", Hand, "To the end", &[(Everywhere, &["ctrl-end"]), (Transcript, &["G", "end"])]),
    row(Intent::NextFocus, "next_focus", Hand, "Prompt, transcript, gauges", &[(Everywhere, &["tab"])]),
    row(Intent::PreviousFocus, "previous_focus", Hand, "The other way round", &[(Everywhere, &["shift-tab"])]),
    row(Intent::LineUp, "line_up", Hand, "A line up", &[(Transcript, &["k", "up"])]),
    row(Intent::LineDown, "line_down", Hand, "A line down", &[(Transcript, &["j", "down"])]),
    row(Intent::HalfUp, "half_up", Hand, "Half a page up", &[(Transcript, &["ctrl-u"])]),
    row(Intent::HalfDown, "half_down", Hand, "Half a page down", &[(Transcript, &["ctrl-d"])]),
    row(Intent::PreviousTurn, "previous_turn", Hand, "The turn before", &[(Transcript, &["["])]),
    row(Intent::NextTurn, "next_turn", Hand, "The turn after", &[(Transcript, &["]"])]),
    row(Intent::SiblingLeft, "sibling_left", Hand, "The answer beside this one, to the left", &[(Transcript, &["h", "left"])]),
    row(Intent::SiblingRight, "sibling_right", Hand, "The answer beside this one, to the right", &[(Transcript, &["l", "right"])]),
    row(Intent::FindNext, "find_next", Hand, "Next match", &[(Transcript, &["n"])]),
    row(Intent::FindPrevious, "find_previous", Hand, "Match before", &[(Transcript, &["N"])]),
    row(Intent::ToPrompt, "to_prompt", Hand, "To the prompt", &[(Transcript, &["q"]), (Panel, &["q"])]),
    row(Intent::Send, "send", Hand, "Send; while an answer runs, queue", &[(Prompt, &["enter"])]),
    row(
        Intent::Newline,
        "newline",
        Hand,
        "New line (\\ Enter always works)",
        &[(Prompt, &["ctrl-j", "alt-enter", "shift-enter", "ctrl-enter"])],
    ),
    row(Intent::Up, "up", Hand, "A line up; on the first, the message before", &[(Prompt, &["up"])]),
    row(Intent::Down, "down", Hand, "A line down; on the last, the message after", &[(Prompt, &["down"])]),
    row(Intent::CharLeft, "char_left", Edit, "Left", &[(Prompt, &["left", "ctrl-b"])]),
    row(Intent::CharRight, "char_right", Edit, "Right", &[(Prompt, &["right", "ctrl-f"])]),
    row(Intent::WordLeft, "word_left", Edit, "A word left", &[(Prompt, &["alt-b", "ctrl-left", "alt-left"])]),
    row(Intent::WordRight, "word_right", Edit, "A word right", &[(Prompt, &["alt-f", "ctrl-right", "alt-right"])]),
    row(Intent::LineStart, "line_start", Edit, "To the line's beginning", &[(Prompt, &["ctrl-a", "home"])]),
    row(Intent::LineEnd, "line_end", Edit, "To the line's end", &[(Prompt, &["ctrl-e", "end"])]),
    row(
        Intent::DeleteLeft,
        "delete_left",
        Edit,
        "Delete to the left",
        &[(Prompt, &["backspace", "shift-backspace"]), (List, &["backspace"])],
    ),
    row(Intent::DeleteRight, "delete_right", Edit, "Delete to the right", &[(Prompt, &["delete"])]),
    row(Intent::DeleteForwardOrQuit, "delete_or_quit", Edit, "Delete to the right; on an empty prompt, quit", &[(Prompt, &["ctrl-d"])]),
    row(
        Intent::DeleteWordLeft,
        "delete_word_left",
        Edit,
        "Delete the word to the left",
        &[(Prompt, &["ctrl-w", "alt-backspace"]), (List, &["ctrl-w"])],
    ),
    row(Intent::DeleteWordRight, "delete_word_right", Edit, "Delete the word to the right", &[(Prompt, &["alt-d", "ctrl-delete"])]),
    row(Intent::DeleteToStart, "delete_to_start", Edit, "Delete to the line's beginning", &[(Prompt, &["ctrl-u"]), (List, &["ctrl-u"])]),
    row(Intent::DeleteToEnd, "delete_to_end", Edit, "Delete to the line's end", &[(Prompt, &["ctrl-k"])]),
    row(Intent::Yank, "yank", Edit, "Put back what was deleted", &[(Prompt, &["ctrl-y"])]),
    row(Intent::UndoEdit, "undo_edit", Edit, "Undo an edit", &[(Prompt, &["ctrl-_"])]),
    row(Intent::RedoEdit, "redo_edit", Edit, "Redo it", &[(Prompt, &["alt-_", "ctrl-x ctrl-_"])]),
    row(Intent::Complete, "complete", Hand, "Take the chosen completion", &[(Menu, &["tab"])]),
    row(Intent::Take, "take", Hand, "Take the chosen row", &[(Menu, &["enter"]), (List, &["enter"])]),
    row(
        Intent::ListUp,
        "list_up",
        Hand,
        "A row up",
        &[(Menu, &["up", "ctrl-p"]), (List, &["up", "ctrl-p"]), (Table, &["k"]), (Panel, &["k", "up"])],
    ),
    row(
        Intent::ListDown,
        "list_down",
        Hand,
        "A row down",
        &[(Menu, &["down", "ctrl-n"]), (List, &["down", "ctrl-n"]), (Table, &["j"]), (Panel, &["j", "down"])],
    ),
    row(Intent::ListPageUp, "list_page_up", Hand, "A page up", &[(List, &["pgup"])]),
    row(Intent::ListPageDown, "list_page_down", Hand, "A page down", &[(List, &["pgdn"])]),
    row(Intent::ListTable, "list_table", Hand, "Give letters to the table, or back to the filter", &[(List, &["tab"])]),
    row(Intent::Sort, "sort", Hand, "Sort by the next column", &[(Table, &["s"])]),
    row(Intent::SortBack, "sort_back", Hand, "Sort the other way round", &[(Table, &["S"])]),
    row(Intent::Details, "details", Hand, "What the model's file says", &[(Table, &["i"])]),
    row(Intent::Unload, "unload", Hand, "Unload the model", &[(Table, &["u"])]),
];

impl Intent {
    pub fn row(self) -> &'static Row {
        ROWS.iter().find(|row| row.intent == self).expect("each intent has its row, held by a test")
    }
}
