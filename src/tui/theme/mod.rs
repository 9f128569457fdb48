//! What things look like.
//!
//! A theme answers meanings, not widgets: a view asks for the style of [`Meaning::Faint`], never for a grey. Themes are
//! TOML files in themes/, embedded in the binary, and in the user's folder; [`Themes`] finds them by name, [`Theme`]
//! holds one, turned by [`Theme::at`] into what the terminal can show. A name is never a path.
//!
//! Begin at [`Meaning`]. Nothing here reads the environment: [`Depth::detect`] is told what is in it.

mod colour;
mod depth;
mod error;
mod meaning;
mod source;
mod store;
#[cfg(test)]
mod tests;

pub use colour::{Colour, Rgb};
pub use depth::{ColourChoice, ColourEnv, Depth, colour_wanted};
pub use error::ThemeError;
pub use meaning::{MEANINGS, Meaning, MeaningRow};
pub use store::{Appearance, DEFAULT_THEME, ThemeEntry, Themes};

use meaning::N_MEANINGS;
use ratatui::style::{Color, Modifier, Style};
use std::hash::{DefaultHasher, Hash, Hasher};

/// How one meaning is drawn, before the terminal's depth is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ink {
    pub colour: Option<Colour>,
    pub modifier: Modifier,
}

/// A style for each meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    name: String,
    appearance: Appearance,
    inks: [Ink; N_MEANINGS],
    styles: [Style; N_MEANINGS],
    key: u64,
}

impl Theme {
    fn new(name: &str, appearance: Appearance, inks: [Ink; N_MEANINGS]) -> Self {
        let theme = Self { name: name.to_owned(), appearance, inks, styles: [Style::new(); N_MEANINGS], key: 0 };
        theme.at(Depth::True)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn appearance(&self) -> Appearance {
        self.appearance
    }

    /// Two themes with one key draw the same: what caches of styled lines compare.
    pub fn key(&self) -> u64 {
        self.key
    }

    /// The style of a meaning: a foreground, or for surfaces (`background`, `raised`, `pick`, `selection`) what lies
    /// under text. Patch a surface with an ink, or an ink with a surface, to have both.
    pub fn style(&self, meaning: Meaning) -> Style {
        self.styles[meaning as usize]
    }

    /// An ink on a surface.
    pub fn over(&self, ink: Meaning, surface: Meaning) -> Style {
        self.style(surface).patch(self.style(ink))
    }

    /// What an empty cell of the screen looks like.
    pub fn ground(&self) -> Style {
        self.over(Meaning::Text, Meaning::Background)
    }

    pub fn ink(&self, meaning: Meaning) -> Ink {
        self.inks[meaning as usize]
    }

    /// The same theme as a terminal of this depth can show it.
    pub fn at(&self, depth: Depth) -> Theme {
        let background = self.ink(Meaning::Background).colour.map(|c| c.at(depth));
        let mut styles = [Style::new(); N_MEANINGS];
        for row in MEANINGS {
            let ink = self.ink(row.meaning);
            let colour = ink.colour.map(|c| c.at(depth));
            let mut modifier = ink.modifier;
            // Few colours make surfaces fall together: what must stand out is then reversed.
            if row.stands_out && colour.is_some() && colour == background {
                modifier |= Modifier::REVERSED;
            }
            if depth == Depth::None {
                modifier = (modifier | row.without_colour) & (Modifier::BOLD | Modifier::REVERSED | Modifier::UNDERLINED);
            }
            styles[row.meaning as usize] = style_of(row, colour, modifier);
        }
        let mut hasher = DefaultHasher::new();
        styles.hash(&mut hasher);
        Theme { styles, key: hasher.finish(), ..self.clone() }
    }
}

fn style_of(row: &MeaningRow, colour: Option<Color>, modifier: Modifier) -> Style {
    let style = Style::new().add_modifier(modifier);
    match colour {
        // Reversed, a surface's own colour is best left to the terminal: text and ground change places.
        Some(_) if row.surface && modifier.contains(Modifier::REVERSED) => style,
        Some(colour) if row.surface => style.bg(colour),
        Some(colour) => style.fg(colour),
        None => style,
    }
}
