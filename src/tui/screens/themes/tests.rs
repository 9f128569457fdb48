use crate::config::Config;
use crate::protocol::Report;
use crate::tui::app::{App, Effect};
use crate::tui::preferences::Preferences;
use crate::tui::stage::Stage;
use crate::tui::theme::{DEFAULT_THEME, Depth, TERMINAL_THEME, Themes};

fn dressed() -> Stage {
    let mut stage = Stage::ready(80, 24);
    let themes = Themes::built_in();
    stage.app.themes = themes.names().iter().map(|name| themes.load(name).expect("a built-in theme").0).collect();
    stage.app.theme = position(&stage.app, DEFAULT_THEME);
    stage
}

fn position(app: &App, name: &str) -> usize {
    app.themes.iter().position(|t| t.name() == name).expect("a built-in theme")
}

fn kept(stage: &mut Stage) -> Vec<(&'static str, String)> {
    let keep = |e| if let Effect::Keep { name, value } = e { Some((name, value)) } else { None };
    stage.effects().into_iter().filter_map(keep).collect()
}

#[test]
fn a_theme_is_tried_on_as_it_is_chosen_and_kept_on_enter() {
    let mut stage = dressed();
    stage.keys("<ctrl-x>tmoss");
    assert_eq!(stage.app.theme().name(), "moss");
    stage.keys("<esc><esc>");
    assert_eq!(stage.app.theme().name(), DEFAULT_THEME, "closed, it is as it was");
    assert_eq!(kept(&mut stage), []);
    stage.keys("<ctrl-x>tmoss<enter>");
    assert_eq!(stage.app.theme().name(), "moss");
    assert_eq!(kept(&mut stage), [("theme", "moss".to_owned())]);
    stage.keys("/theme moss<enter>");
    assert_eq!(kept(&mut stage), [], "it is kept already");
    stage.keys("/theme nothing<enter>");
    assert!(stage.text().contains("there is no theme nothing"));
}

#[test]
fn what_is_wrong_in_a_theme_is_told_when_it_is_worn() {
    let mut stage = dressed();
    stage.app.theme_problems.insert("moss".to_owned(), Report::new("moss.toml:3:1: `acent` is not known here", ""));
    stage.keys("/theme moss<enter>");
    assert!(stage.text().contains("moss.toml:3:1"));
}

#[test]
fn sixteen_colours_have_a_theme_of_their_own_unless_one_is_wished() {
    let theme = |config: &Config, depth| Preferences::of(config, true, depth).theme;
    let wished = Config { theme: Some("moss".to_owned()), ..Config::default() };
    assert_eq!(theme(&Config::default(), Depth::Ansi), TERMINAL_THEME);
    assert_eq!(theme(&Config::default(), Depth::Indexed), DEFAULT_THEME);
    assert_eq!(theme(&wished, Depth::Ansi), "moss");
}
