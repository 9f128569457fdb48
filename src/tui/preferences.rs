//! What a person wishes of the screen, as config.toml and the environment say it.

use super::app::Level;
use super::theme::{DEFAULT_THEME, Depth, TERMINAL_THEME};
use crate::config::{Config, Editing, GaugesShown, Graphs, Notify, SendWith};
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    pub theme: String,
    pub send: SendWith,
    pub editing: Editing,
    /// Without motion an answer shows by whole paragraphs, not token by token.
    pub motion: bool,
    pub mouse: bool,
    /// Whether links can be clicked, where the terminal can do that.
    pub hyperlinks: bool,
    pub notify: Notify,
    pub graph: Graph,
    /// What copies instead of the terminal: a command whose standard input is the text.
    pub copy_command: Option<String>,
    /// What the status line shows, the most important first; absent: all.
    pub status: Option<Vec<String>>,
    /// Absent: what there is room for.
    pub gauges: Option<Level>,
    /// What `~/` stands for where a file is named.
    pub home: Option<PathBuf>,
}

/// What sparklines are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Graph {
    #[default]
    Braille,
    Block,
    Ascii,
}

impl Default for Preferences {
    fn default() -> Self {
        Self::of(&Config::default(), true, Depth::True)
    }
}

impl Preferences {
    /// A file as a person named it.
    pub fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        }
    }

    /// `shows_braille`: the terminal takes UTF-8 and has more than a console's few signs.
    /// Sixteen colours are the terminal's own, so a theme of shades would fall together there.
    pub fn of(config: &Config, shows_braille: bool, depth: Depth) -> Self {
        let default = if depth == Depth::Ansi { TERMINAL_THEME } else { DEFAULT_THEME };
        Self {
            theme: config.theme.clone().unwrap_or_else(|| default.to_owned()),
            send: config.send,
            editing: config.editing,
            motion: config.motion,
            mouse: config.mouse,
            hyperlinks: config.hyperlinks,
            notify: config.notify,
            graph: match config.graphs {
                Graphs::Auto if shows_braille => Graph::Braille,
                Graphs::Auto | Graphs::Ascii => Graph::Ascii,
                Graphs::Braille => Graph::Braille,
                Graphs::Block => Graph::Block,
            },
            copy_command: config.copy_command.clone(),
            home: None,
            status: config.status.clone(),
            gauges: match config.gauges {
                GaugesShown::Auto => None,
                GaugesShown::Line => Some(Level::Line),
                GaugesShown::Strip => Some(Level::Strip),
                GaugesShown::Panel => Some(Level::Panel),
                GaugesShown::Full => Some(Level::Full),
            },
        }
    }
}
