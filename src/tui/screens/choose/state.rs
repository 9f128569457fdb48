//! What is asked, and what each way on does.

use crate::protocol::{NodeId, Report};
use crate::tui::keymap::{Chord, Intent};
use crate::tui::screens::conversation::Wanted;

/// What a choice does. `wanted` is what could not be answered, and is asked for once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Another setting for this conversation.
    Set { name: &'static str, value: String, wanted: Wanted },
    /// All of ingle's own templates as ways.
    Templates { wanted: Wanted },
    /// The model sees what stands behind this turn.
    Drop { behind: NodeId, wanted: Wanted },
    /// Likewise, and a summary of what stands before.
    Summarize { behind: NodeId, wanted: Wanted },
    /// The model is loaded again with another context.
    Raise { n_ctx: u32, wanted: Wanted },
}

/// One way on. Texts may be anyone's: the view makes them `text::Shown`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub label: String,
    /// Sentences below, while it is chosen.
    pub detail: String,
    pub way: Way,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// What hinders, in the words of who said so.
    pub report: Report,
    pub choices: Vec<Choice>,
    pub chosen: usize,
}

/// What a key came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    Stay,
    Leave,
    Take(Way),
}

impl State {
    pub fn new(report: Report, choices: Vec<Choice>) -> Self {
        Self { report, choices, chosen: 0 }
    }
}

/// Arrows and Enter, or a choice's number.
pub fn hand(state: &mut State, chord: Chord, intent: Option<Intent>) -> Done {
    let last = state.choices.len().saturating_sub(1);
    match (intent, chord.typed()) {
        (Some(Intent::Back | Intent::Interrupt), _) | (_, Some('q' | 'n')) => return Done::Leave,
        (Some(Intent::Take), _) => return take(state, state.chosen),
        (Some(Intent::ListUp), _) | (_, Some('k')) => state.chosen = state.chosen.saturating_sub(1),
        (Some(Intent::ListDown), _) | (_, Some('j')) => state.chosen = (state.chosen + 1).min(last),
        (_, Some(c)) => {
            let at = c.to_digit(10).and_then(|n| (n as usize).checked_sub(1));
            return at.map_or(Done::Stay, |at| take(state, at));
        }
        _ => {}
    }
    Done::Stay
}

fn take(state: &State, at: usize) -> Done {
    state.choices.get(at).map_or(Done::Stay, |choice| Done::Take(choice.way.clone()))
}
