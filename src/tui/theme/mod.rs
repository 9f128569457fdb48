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
pub use store::{Appearance, DEFAULT_THEME, TERMINAL_THEME, ThemeEntry, Themes};

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

    /// An ink on a surface. One that is drawn reversed takes no colours: each word would have a ground of its own.
    pub fn over(&self, ink: Meaning, surface: Meaning) -> Style {
        let (ink, surface) = (self.style(ink), self.style(surface));
        if surface.add_modifier.contains(Modifier::REVERSED) {
            return surface.add_modifier(ink.add_modifier & !(Modifier::DIM | Modifier::REVERSED));
        }
        surface.patch(ink)
    }

    /// What an empty cell of the screen looks like.
    pub fn ground(&self) -> Style {
        self.over(Meaning::Text, Meaning::Background)
    }

    /// Whether what is raised is seen: not without colours, with few of them, or on the terminal's own ground.
    pub fn has_surfaces(&self) -> bool {
        let raised = self.style(Meaning::Raised).bg;
        !matches!(raised, None | Some(Color::Reset)) && raised != self.style(Meaning::Background).bg
    }

    pub fn ink(&self, meaning: Meaning) -> Ink {
        self.inks[meaning as usize]
    }

    /// The same theme as a terminal of this depth can show it.
    pub fn at(&self, depth: Depth) -> Theme {
        let found = |meaning| self.ink(meaning).colour.map(|c: Colour| c.at(depth));
        let (background, text) = (found(Meaning::Background), found(Meaning::Text));
        let mut styles = [Style::new(); N_MEANINGS];
        for row in MEANINGS {
            let ink = self.ink(row.meaning);
            // Sixteen colours have no shade beside the background's: what is raised lies on the same.
            let flat = row.surface && depth == Depth::Ansi;
            let colour = if flat { background } else { found(row.meaning) };
            let mut modifier = ink.modifier;
            // What must stand out where surfaces fall together is reversed.
            if row.stands_out && colour.is_some() && colour == background {
                modifier |= Modifier::REVERSED;
            }
            if depth == Depth::None {
                modifier = (modifier | row.without_colour) & (Modifier::BOLD | Modifier::REVERSED | Modifier::UNDERLINED);
            }
            let style = Style::new().add_modifier(modifier);
            styles[row.meaning as usize] = match row.surface {
                // Text and ground change places over the whole surface, also where nothing is written.
                true if modifier.contains(Modifier::REVERSED) => Style { fg: text, bg: background, ..style },
                true => Style { bg: colour, ..style },
                false => Style { fg: colour, ..style },
            };
        }
        let mut hasher = DefaultHasher::new();
        styles.hash(&mut hasher);
        Theme { styles, key: hasher.finish(), ..self.clone() }
    }
}
