//! Any window, while an answer streams.

use super::{Home, Terminal};
use crate::dice::Dice;

#[test]
fn the_window_goes_down_to_one_cell_and_back_while_an_answer_streams() {
    let home = Home::new();
    let mut terminal = asked(&home);
    for (columns, rows) in [(40, 12), (20, 6), (8, 3), (1, 1), (2, 1), (1, 2), (300, 90), (110, 24), (59, 13), (80, 24)] {
        terminal.resize(columns, rows);
        if columns >= 20 && rows >= 6 {
            terminal.until("it is drawn at its new size", |s| s.contains('─'));
        }
    }
    terminal.until_answered();
    assert!(terminal.screen().contains("What do the gauges mean?"));
}

#[test]
fn keys_that_come_together_with_a_change_of_size_are_not_lost() {
    for round in 0..20 {
        let home = Home::new();
        let mut terminal = home.open(80, 24);
        terminal.until_drawn();
        terminal.keys(&format!("word {round}"));
        terminal.resize(79, 24);
        terminal.until_text(&format!("› word {round}"));
    }
}

/// A question under way.
fn asked(home: &Home) -> Terminal {
    let mut terminal = home.open(80, 24);
    terminal.until_text("A small guide answers here");
    terminal.keys("What do the gauges mean?<enter>");
    terminal.until_text("▎ What do the gauges mean?");
    terminal
}

/// Sizes tried; `INGLE_SIZES=1000` for more.
const SIZES: &str = "INGLE_SIZES";
const SIZES_SHORT: usize = 40;
/// What the largest window that is drawn, 1,000 x 500 cells, may add to the program's memory.
const MORE_KIB_MAX: u64 = 64 << 10;

#[test]
fn any_size_is_drawn_and_takes_little_memory() {
    let home = Home::new();
    let mut terminal = asked(&home);
    terminal.until_answered();
    let before = terminal.peak_kib();
    let n_sizes = std::env::var(SIZES).ok().and_then(|n| n.parse().ok()).unwrap_or(SIZES_SHORT);
    let mut dice = Dice(0x1961_0714);
    for n in 0..n_sizes {
        let (columns, rows) = match n % 8 {
            0 => (0, 0),
            1 => (u16::MAX, u16::MAX),
            2 => (dice.below(3) as u16, u16::MAX),
            3 => (dice.below(1 << 16) as u16, dice.below(1 << 16) as u16),
            _ => (dice.below(200) as u16, dice.below(60) as u16),
        };
        if n % 16 == 0 {
            terminal.keys("What do the gauges mean?<enter>");
        }
        terminal.resize(columns, rows);
        // Some sizes are drawn, others are passed over.
        if n % 5 == 0 {
            terminal.until_drawn();
        }
    }
    terminal.resize(80, 24);
    terminal.until("it is drawn as ever", |s| s.contains(" ─────") && s.contains("  ●  ingle guide"));
    let more = terminal.peak_kib().saturating_sub(before);
    eprintln!("{n_sizes} sizes: {more} KiB more");
    assert!(more < MORE_KIB_MAX, "{more} KiB more");
}

#[test]
fn every_list_opens_and_closes_at_every_size() {
    let home = Home::new();
    let mut terminal = home.open(80, 24);
    for (columns, rows) in [(160, 50), (80, 24), (48, 18)] {
        terminal.resize(columns, rows);
        terminal.until("the prompt", |s| s.contains('›'));
        for (keys, seen) in [("<f2>", "models"), ("<f1>", "help"), ("<ctrl-p>", "do"), ("<ctrl-x>s", "settings"), ("<ctrl-x>t", "themes")] {
            terminal.keys(keys);
            terminal.until(seen, |s| s.contains(seen) && s.contains("Esc close"));
            terminal.keys("<ctrl-c>");
            terminal.until("it is closed", |s| !s.contains("Esc close"));
        }
    }
}
