//! What a person can wish of the screen, as config.toml says it.

use super::keymap::SendKey;
use super::theme::DEFAULT_THEME;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    pub theme: String,
    pub send: SendKey,
    /// Without motion an answer shows by whole paragraphs, not token by token.
    pub motion: bool,
    pub mouse: bool,
    /// A bell when an answer that took long is done and nobody looks.
    pub bell: bool,
    pub graph: Graph,
    /// What copies instead of the terminal: a program that reads standard input.
    pub copy_command: Option<String>,
    /// What the status line shows, in order of importance; absent: all.
    pub status: Option<Vec<String>>,
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
        Self {
            theme: DEFAULT_THEME.to_owned(),
            send: SendKey::Enter,
            motion: true,
            mouse: false,
            bell: true,
            graph: Graph::Braille,
            copy_command: None,
            status: None,
        }
    }
}
