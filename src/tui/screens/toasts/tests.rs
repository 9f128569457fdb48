use super::*;
use crate::protocol::Report;
use crate::tui::app::Action;
use crate::tui::stage::Stage;

#[test]
fn toasts_come_go_and_never_pile_up() {
    let mut stage = Stage::ready(80, 24);
    for n in 0..5 {
        stage.act(Action::Said(format!("sentence {n}")));
    }
    stage.act(Action::Said("sentence 4".to_owned()));
    assert_eq!(stage.app.toasts.toasts.len(), 3);
    assert_eq!(stage.app.toasts.toasts[2].tone, Tone::Plain);
    stage.keys("<esc>");
    assert_eq!(stage.app.toasts.toasts.len(), 2);
    stage.wait(5_000);
    assert!(stage.app.toasts.toasts.is_empty());
    assert_eq!(stage.app.wake_at_ms(), None);
}

#[test]
fn looks() {
    let mut stage = Stage::ready(80, 24);
    stage.act(Action::Failed(Report::new(
        "themes/mine.toml:3:7: `acent` is not known here, did you mean accent?",
        "The rest of the theme is used",
    )));
    stage.act(Action::Said("sent to the terminal's clipboard".to_owned()));
    stage.screen("toasts");
}
