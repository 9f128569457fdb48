//! The last look at a frame: no cell holds what may not be shown, whatever a widget drew.

use crate::text::is_allowed_symbol;
use ratatui::buffer::Buffer;

/// What stands where something was that may not be shown.
const REPLACEMENT: &str = "\u{FFFD}";

pub fn clean(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if !is_allowed_symbol(cell.symbol()) {
            cell.set_symbol(REPLACEMENT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    #[test]
    fn what_may_not_be_shown_is_replaced_in_every_cell() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        for (x, symbol) in ["a", "\u{1b}[31m", "\u{202e}", "é"].iter().enumerate() {
            buf[(x as u16, 0)].set_symbol(symbol);
        }
        clean(&mut buf);
        let symbols: Vec<&str> = buf.content.iter().map(|c| c.symbol()).collect();
        assert_eq!(symbols, ["a", REPLACEMENT, REPLACEMENT, "é"]);
    }
}
