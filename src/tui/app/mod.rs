//! The screen's state, and what changes it.
//!
//! Begin with [`App`] and [`update`]: an [`Action`] comes in, the state changes, [`Effect`]s go out. Nothing here asks a
//! clock, a disk or a thread: `Env` brings the time, effects are plain data. `App` holds screens and what they share;
//! what a screen is made of stands in its own folder under `screens`.

mod action;
mod click;
mod effect;
mod env;
mod keys;
mod layout;
mod perform;
mod pick;
#[cfg(test)]
mod tests;
mod update;

pub use action::{Action, ReadAnswer, Size};
pub use effect::{Effect, Export, ExportFormat, Read};
pub use env::Env;
pub use layout::{Class, Layout, Level};
pub use update::update;

use super::keymap::Keymap;
use super::preferences::Preferences;
use super::screens::{ask, choose, conversation, facts, gauges, list, models, prompt, toasts};
use super::theme::Theme;
use crate::history::ConversationRow;
use crate::protocol::{JobId, Report};
use std::collections::BTreeMap;

/// Where keys go while no overlay is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Focus {
    #[default]
    Prompt,
    Transcript,
    Panel,
}

/// What lies over the conversation; the last one has the keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    List(list::State),
    Ask(ask::State),
    Choose(choose::State),
}

/// What a second press within a moment would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Armed {
    Quit,
    Escape,
}

#[derive(Debug)]
pub struct App {
    pub size: Size,
    pub focus: Focus,
    /// Whether the terminal is looked at; absent where it does not tell.
    pub looked_at: Option<bool>,
    pub conversation: conversation::State,
    pub prompt: prompt::State,
    pub models: models::State,
    pub gauges: gauges::State,
    pub facts: facts::State,
    pub overlays: Vec<Overlay>,
    pub toasts: toasts::State,
    /// When the leader was pressed, and whether what may follow is on the screen.
    pub leader_ms: Option<u64>,
    pub leader_shown: bool,
    pub armed: Option<(Armed, u64)>,
    pub keymap: Keymap,
    pub preferences: Preferences,
    /// Themes that can be chosen, and which of them is worn; while another is tried on, the one before.
    pub themes: Vec<Theme>,
    pub theme: usize,
    /// What is wrong in a theme's file, by the theme's name.
    pub theme_problems: BTreeMap<String, Report>,
    pub theme_before: Option<usize>,
    pub utc_offset_s: i32,
    pub mouse: bool,
    /// The wished level of gauges; absent: what fits.
    pub level: Option<Level>,
    /// Whether the machine is looked at.
    pub watching: bool,
    /// Until when its gauges stay awake though nothing runs; absent: they rest.
    pub awake_until_ms: Option<u64>,
    /// There is no history: what is said is gone with the screen, and the screen says so.
    pub not_stored: bool,
    /// The conversations as they were read last.
    pub listed: Vec<ConversationRow>,
    /// A search hit to show once its conversation was read.
    pub found: Option<crate::protocol::NodeId>,
    /// The title last given to the terminal.
    pub title: String,
    n_jobs: u64,
}

impl App {
    pub fn theme(&self) -> &Theme {
        &self.themes[self.theme]
    }

    /// An empty conversation on a screen so large.
    pub fn new(size: Size, themes: Vec<Theme>, keymap: Keymap, preferences: Preferences, env: &Env) -> Self {
        let theme = themes.iter().position(|t| t.name() == preferences.theme).unwrap_or(0);
        Self {
            size,
            focus: Focus::default(),
            looked_at: None,
            conversation: conversation::State::empty(env.conversation()),
            prompt: prompt::State::new(preferences.editing),
            models: models::State::default(),
            gauges: gauges::State::default(),
            facts: facts::State::default(),
            overlays: Vec::new(),
            toasts: toasts::State::default(),
            leader_ms: None,
            leader_shown: false,
            armed: None,
            keymap,
            mouse: preferences.mouse,
            themes,
            theme,
            theme_problems: BTreeMap::new(),
            theme_before: None,
            utc_offset_s: env.utc_offset_s,
            level: preferences.gauges,
            watching: false,
            awake_until_ms: None,
            not_stored: false,
            listed: Vec::new(),
            found: None,
            title: String::new(),
            n_jobs: 0,
            preferences,
        }
    }

    pub fn job(&mut self) -> JobId {
        self.n_jobs += 1;
        JobId(self.n_jobs)
    }

    /// The group of gauges that stands in place of the conversation: while the panel has the keys.
    pub fn enlarged(&self) -> Option<usize> {
        (self.gauges.enlarged && self.focus == Focus::Panel).then_some(self.gauges.chosen)
    }

    /// The list that has the keys.
    pub fn list(&mut self, kind: list::Kind) -> Option<&mut list::State> {
        self.overlays.iter_mut().find_map(|o| match o {
            Overlay::List(list) if list.kind == kind => Some(list),
            Overlay::List(_) | Overlay::Ask(_) | Overlay::Choose(_) => None,
        })
    }
}
