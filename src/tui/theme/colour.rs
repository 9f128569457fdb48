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

/// Hues of the six colours in OKLab, in degrees. Yellow stands for orange and brown too: half of all terminals draw it so.
const ANSI_HUES: [(u8, f64); 6] = [(1, 25.0), (3, 88.0), (2, 142.0), (6, 200.0), (4, 258.0), (5, 322.0)];

/// Levels of the 6x6x6 cube, colours 16 to 231.
const CUBE_LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
/// From here on a colour is meant as one, and not as a grey with a breath of warmth.
const ANSI_CHROMA_MIN: f64 = 0.045;
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

    /// One of the sixteen, by hue and lightness. A colour keeps its hue: the soft colours of themes lie nearer to white
    /// than to any of the loud sixteen, and would all be lost. A grey keeps its place between ground and text.
    pub fn to_ansi(self) -> u8 {
        let [light, a, b] = self.to_oklab();
        if a.hypot(b) < ANSI_CHROMA_MIN {
            return match light {
                ..0.42 => 0,
                ..0.70 => 8,
                ..0.93 => 7,
                _ => 15,
            };
        }
        let own = b.atan2(a).to_degrees();
        let off = |hue: f64| (own - hue).rem_euclid(360.0).min((hue - own).rem_euclid(360.0));
        let nearest = ANSI_HUES.iter().min_by(|(_, x), (_, y)| off(*x).total_cmp(&off(*y)));
        nearest.map_or(7, |(n, _)| *n)
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
