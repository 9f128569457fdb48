//! Any window, while an answer streams.

use super::Home;

#[test]
#[ignore = "what was drawn for the old size is left in the emulator when sizes follow each other fast"]
fn the_window_goes_down_to_one_cell_and_back_while_an_answer_streams() {
    let home = Home::new();
    let mut terminal = home.open(80, 24);
    terminal.until_text("A small guide answers here");
    terminal.keys("What do the gauges mean?<enter>");
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
