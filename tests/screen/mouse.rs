//! The mouse is the terminal's own until it is asked for.

use super::Home;

#[test]
fn the_mouse_is_asked_for_by_hand_and_given_back() {
    let home = Home::new();
    let mut terminal = home.open(80, 24);
    terminal.until_text("A small guide answers here");
    terminal.keys("<ctrl-x>M");
    terminal.until_text("mouse on");
    terminal.keys("<ctrl-p>");
    terminal.until_text("Esc close");
    // The main button down and up in the last row, beside the list.
    terminal.write(b"\x1b[<0;1;24M\x1b[<0;1;24m");
    terminal.until("it is closed", |s| !s.contains("Esc close"));
    terminal.keys("/mouse<enter>");
    terminal.until_text("mouse off");
    terminal.keys("<ctrl-d>");
    assert_eq!(terminal.ended(), 0);
    let bytes = terminal.bytes();
    let all = |sequence: &str| bytes.windows(sequence.len()).filter(|w| *w == sequence.as_bytes()).count();
    assert_eq!(all("\x1b[?1000h"), 1, "it is switched on once");
    assert!(all("\x1b[?1000l") >= 1, "and off again");
}
