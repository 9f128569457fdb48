//! Sparklines and thin bars.

use crate::tui::paint;
use crate::tui::preferences::Graph;
use crate::tui::theme::{Meaning, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Dots of a braille cell from the bottom up, left and right column (Unicode 2800).
const DOTS: [[u32; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];
const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII: [&str; 5] = [" ", ".", "-", "=", "#"];

/// The newest value at the right; older ones go out at the left. All share one scale from 0 to the largest.
pub fn spark(values: &[f32], kind: Graph, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let per_cell = if kind == Graph::Braille { 2 } else { 1 };
    let n = usize::from(area.width) * per_cell;
    let values = &values[values.len().saturating_sub(n)..];
    let most = values.iter().copied().fold(0.0f32, f32::max);
    if most <= 0.0 || area.is_empty() {
        return;
    }
    let style = theme.style(Meaning::Accent);
    // Twenty values come before sixty have: they stand at the left and grow to the right.
    for (cell, pair) in values.chunks(per_cell).enumerate() {
        let Ok(column) = u16::try_from(cell) else { return };
        for row in 0..area.height {
            let below = f32::from(area.height - 1 - row);
            let filled = |v: f32, steps: f32| ((v / most * f32::from(area.height) - below).clamp(0.0, 1.0) * steps).round() as usize;
            let symbol = match kind {
                Graph::Braille => braille(pair, |v| filled(v, 4.0)),
                Graph::Block => BLOCKS[filled(pair[0], 8.0)].to_owned(),
                Graph::Ascii => ASCII[filled(pair[0], 4.0)].to_owned(),
            };
            paint::set(buf, area.x + column, area.y + row, &symbol, style);
        }
    }
}

fn braille(pair: &[f32], filled: impl Fn(f32) -> usize) -> String {
    let mut dots = 0;
    for (side, value) in pair.iter().enumerate() {
        dots |= DOTS[side][..filled(*value)].iter().sum::<u32>();
    }
    char::from_u32(0x2800 + dots).unwrap_or(' ').to_string()
}

/// A thin bar: parts in their own colours, the rest in the rule's.
pub fn bar(parts: &[(f64, Meaning)], area: Rect, theme: &Theme, buf: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let columns = f64::from(area.width);
    let mut share = 0.0f64;
    let mut x = area.x;
    for (part, meaning) in parts {
        share += part.max(0.0);
        let end = area.x + (share.min(1.0) * columns).round() as u16;
        for x in x..end {
            paint::set(buf, x, area.y, "━", theme.style(*meaning));
        }
        x = x.max(end);
    }
    for x in x..area.right() {
        paint::set(buf, x, area.y, "━", theme.style(Meaning::Rule));
    }
}

/// Accent, until it becomes worth a look.
pub fn tone(share: f64, warn: f64, bad: f64) -> Meaning {
    if share >= bad {
        Meaning::Bad
    } else if share >= warn {
        Meaning::Warn
    } else {
        Meaning::Accent
    }
}
