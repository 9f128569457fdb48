//! Colours: how they are written, how far apart they look, and what is left of them in 256 or 16.

use super::Depth;
use ratatui::style::Color;

/// A colour as a theme names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Colour {
    /// The terminal's own foreground or background.
    Default,
    /// One of the terminal's sixteen.
    Ansi(u8),
    Rgb(Rgb),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// The sixteen by name, in the order of their numbers.
pub(super) const ANSI_NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

const ANSI: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// What the sixteen look like when nobody changed them (xterm's defaults, from its XTerm-col.ad).
const ANSI_RGB: [Rgb; 16] = [
    Rgb(0, 0, 0),
    Rgb(205, 0, 0),
    Rgb(0, 205, 0),
    Rgb(205, 205, 0),
    Rgb(0, 0, 238),
    Rgb(205, 0, 205),
    Rgb(0, 205, 205),
    Rgb(229, 229, 229),
    Rgb(127, 127, 127),
    Rgb(255, 0, 0),
    Rgb(0, 255, 0),
    Rgb(255, 255, 0),
    Rgb(92, 92, 255),
    Rgb(255, 0, 255),
    Rgb(0, 255, 255),
    Rgb(255, 255, 255),
];

/// Levels of the 6x6x6 cube, colours 16 to 231.
const CUBE_LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
/// Colours 232 to 255 are greys: 8, 18 .. 238.
const N_GREYS: u8 = 24;

impl Colour {
    /// As ratatui takes it, for a terminal of this depth.
    pub(super) fn at(self, depth: Depth) -> Color {
        match (self, depth) {
            (_, Depth::None) | (Colour::Default, _) => Color::Reset,
            (Colour::Ansi(n), _) => ANSI[usize::from(n) % ANSI.len()],
            (Colour::Rgb(Rgb(r, g, b)), Depth::True) => Color::Rgb(r, g, b),
            (Colour::Rgb(rgb), Depth::Indexed) => Color::Indexed(rgb.to_indexed()),
            (Colour::Rgb(rgb), Depth::Ansi) => ANSI[usize::from(rgb.to_ansi()) % ANSI.len()],
        }
    }
}

impl Rgb {
    /// `#rrggbb` or `#rgb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let n = u32::from_str_radix(digits, 16).ok()?;
        let [_, r, g, b] = match digits.len() {
            6 => n.to_be_bytes(),
            // Each digit twice: #4af is #44aaff.
            3 => (((n & 0xF00) << 8 | (n & 0x0F0) << 4 | n & 0x00F) * 0x11).to_be_bytes(),
            _ => return None,
        };
        Some(Self(r, g, b))
    }

    /// The nearest of the cube and the greys. The sixteen are left out: users change those.
    pub fn to_indexed(self) -> u8 {
        let cube = (0..216u8).map(|i| {
            let level = |n: u8| CUBE_LEVELS[usize::from(n % 6)];
            (16 + i, Rgb(level(i / 36), level(i / 6), level(i)))
        });
        let greys = (0..N_GREYS).map(|i| (232 + i, Rgb(8 + 10 * i, 8 + 10 * i, 8 + 10 * i)));
        self.nearest(cube.chain(greys))
    }

    /// The nearest of the sixteen as they usually look.
    pub fn to_ansi(self) -> u8 {
        self.nearest((0..16).map(|i| (i, ANSI_RGB[usize::from(i)])))
    }

    fn nearest(self, among: impl Iterator<Item = (u8, Rgb)>) -> u8 {
        let own = self.to_oklab();
        let far = |rgb: Rgb| own.iter().zip(rgb.to_oklab()).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        among.min_by(|a, b| far(a.1).total_cmp(&far(b.1))).map_or(0, |(i, _)| i)
    }

    /// Lightness and two axes of hue in which equal distances look equal (B. Ottosson, "A perceptual color space for
    /// image processing", 2020).
    fn to_oklab(self) -> [f64; 3] {
        let [r, g, b] = self.to_linear();
        let l = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b).cbrt();
        let m = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b).cbrt();
        let s = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b).cbrt();
        [
            0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
        ]
    }

    /// sRGB to linear light (IEC 61966-2-1).
    fn to_linear(self) -> [f64; 3] {
        [self.0, self.1, self.2].map(|v| {
            let v = f64::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// Contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance).
    pub fn contrast(self, other: Rgb) -> f64 {
        let luminance = |rgb: Rgb| {
            let [r, g, b] = rgb.to_linear();
            0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05
        };
        let (a, b) = (luminance(self), luminance(other));
        a.max(b) / a.min(b)
    }
}
