//! Settings from the command line: `config path|show|check`, `themes`, and what a broken config costs.

use super::Run;
use serde_json::Value;
use std::fs;

/// Two mistakes: an unknown setting on line 2, a value of the wrong type on line 3.
const BROKEN: &str = "[settings]\ntop_kk = 3\ntemp = \"hot\"\ntop_p = 0.5\n";

fn home_with(config: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("ingle")).unwrap();
    fs::write(home.path().join("ingle/config.toml"), config).unwrap();
    home
}

#[test]
fn a_broken_config_is_told_by_line_and_column_and_the_rest_holds() {
    let home = home_with(BROKEN);
    let check = Run::at(home.path(), &["config", "check"]).answer();
    assert_eq!(check.status, 1);
    assert!(check.stderr.contains("config.toml:2:1") && check.stderr.contains("did you mean top_k"), "{}", check.stderr);
    assert!(check.stderr.contains("config.toml:3:"), "{}", check.stderr);
    let show = Run::at(home.path(), &["config", "show", "--json"]).answer().done();
    let shown: Value = serde_json::from_slice(&show.stdout).unwrap();
    assert_eq!(shown["settings.top_p"], serde_json::json!({ "value": 0.5, "source": "config" }));
    assert_eq!(shown["settings.temp"]["source"], "default");
    assert!(show.stderr.starts_with("warning: config.toml:2:1"), "{}", show.stderr);
    let models = Run::at(home.path(), &["models"]).answer().done();
    assert!(models.text().contains("guide"));
}

#[test]
fn the_template_is_a_sound_config_that_changes_nothing() {
    let template = Run::new(&["config", "show", "--template"]).answer().done();
    let home = home_with(template.text());
    assert_eq!(Run::at(home.path(), &["config", "check"]).answer().done().text(), "all is well\n");
    let shown = |home: &std::path::Path| Run::at(home, &["config", "show"]).answer().done().stdout;
    assert_eq!(shown(home.path()), shown(home_with("").path()));
}

#[test]
fn paths_are_where_they_are_said_to_be() {
    let home = home_with("");
    let path = Run::at(home.path(), &["config", "path"]).answer().done();
    assert_eq!(path.text().trim_end(), home.path().join("ingle/config.toml").to_str().unwrap());
    let all: Value = serde_json::from_slice(&Run::at(home.path(), &["config", "path", "--json"]).answer().done().stdout).unwrap();
    assert!(all["history"].as_str().unwrap().ends_with("history.db"));
}

#[test]
fn a_broken_theme_is_told_and_the_others_are_listed() {
    let home = home_with("");
    let themes = home.path().join("ingle/themes");
    fs::create_dir(&themes).unwrap();
    fs::write(themes.join("mine.toml"), "accent = \"no colour\"\n").unwrap();
    let listed = Run::at(home.path(), &["themes"]).answer().done();
    assert!(listed.text().contains("ember") && listed.text().contains("terminal"), "{}", listed.text());
    assert!(listed.stderr.contains("mine.toml:1:"), "{}", listed.stderr);
    Run::at(home.path(), &["config", "check"]).answer().status.checked_sub(1).expect("a broken theme fails the check");
    let all: Value = serde_json::from_slice(&Run::at(home.path(), &["themes", "--json"]).answer().done().stdout).unwrap();
    assert!(all.as_array().unwrap().len() >= 8);
}

#[test]
fn folders_of_the_config_are_searched() {
    let home = tempfile::tempdir().unwrap();
    let models = home.path().join("models");
    fs::create_dir(&models).unwrap();
    fs::write(models.join("mine.gguf"), super::models::gguf(&[("general.architecture", b"llama")])).unwrap();
    fs::create_dir_all(home.path().join("ingle")).unwrap();
    let config = format!("[shelf]\nfolders = [{:?}]\n", models.to_str().unwrap());
    fs::write(home.path().join("ingle/config.toml"), config).unwrap();
    let listed: Value = serde_json::from_slice(&Run::at(home.path(), &["models", "--json"]).answer().done().stdout).unwrap();
    assert_eq!(listed[1]["name"], "mine");
}

#[test]
fn keymap_and_the_wished_theme_are_checked_with_line_and_column() {
    let home = home_with("theme = \"embr\"\n");
    fs::write(home.path().join("ingle/keymap.toml"), "[everywhere]\nthemes = ['ctrl-x t', 'f4']\npalette = [\"f4\"]\n").unwrap();
    let check = Run::at(home.path(), &["config", "check"]).answer();
    assert_eq!(check.status, 1);
    assert!(check.stderr.contains("keymap.toml:3:12: [everywhere] F4 is both themes and palette"), "{}", check.stderr);
    assert!(check.stderr.contains("there is no theme `embr`; did you mean `ember`?"), "{}", check.stderr);
    let home = home_with("theme = \"ember\"\n");
    fs::write(home.path().join("ingle/keymap.toml"), "[everywhere]\nthemes = ['f4']\n").unwrap();
    assert_eq!(Run::at(home.path(), &["config", "check"]).answer().done().text(), "all is well\n");
}
