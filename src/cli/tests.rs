use super::*;
use crate::config::ColorWhen;
use crate::protocol::{Kind, SETTINGS, Value};
use shell::args::Command;
use shell::color;
use shell::setting_flags::SettingFlags;

fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
    let arguments = std::iter::once("ingle").chain(arguments.iter().copied()).map(OsString::from).collect();
    let matches = Cli::command().try_get_matches_from(short_forms::spell_out(arguments))?;
    Cli::from_arg_matches(&matches)
}

#[test]
fn the_arguments_are_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_setting_is_a_flag_that_takes_its_default() {
    for row in SETTINGS {
        let value = match row.kind {
            Kind::Texts => "text".to_owned(),
            Kind::Biases => "1-inf".to_owned(),
            _ => row.default.value().to_string(),
        };
        let flag = format!("--{}", row.name.replace('_', "-"));
        let cli = parse(&[&format!("{flag}={value}")]).unwrap_or_else(|error| panic!("{flag} {value}: {error}"));
        assert!(cli.screen.settings.0.0.contains_key(row.name), "{flag}");
    }
}

#[test]
fn flags_are_known_by_the_names_that_hands_know() {
    let settings = |arguments: &[&str]| parse(arguments).unwrap().screen.settings;
    assert_eq!(settings(&["-n", "5"]), settings(&["--max-tokens", "5"]));
    assert_eq!(settings(&["-s", "-1"]), settings(&["--seed=-1"]));
    assert_eq!(settings(&["-ctk", "f32", "-ctv", "f32"]), settings(&["--cache", "f32"]));
    assert_eq!(settings(&["-sys", "be brief"]).0.0["system_prompt"], Value::Text("be brief".to_owned()));
    assert_eq!(
        settings(&["--typ-p", "0.5", "-l", "1+2", "-l", "2-inf"]),
        settings(&["--typical", "0.5", "--logit-bias", "1+2", "--logit-bias=2-inf"])
    );
    assert_eq!(settings(&["--mirostat-ent", "3", "--mirostat-lr", "1"]), settings(&["--mirostat-tau", "3", "--mirostat-eta", "1"]));
    assert_eq!(settings(&[]), SettingFlags::default());
    assert!(parse(&["--top-p", "2"]).unwrap_err().to_string().contains("top_p is 2, expected a number from 0 to 1"));
}

#[test]
fn short_forms_end_where_options_end() {
    let spelt = |arguments: &[&str]| short_forms::spell_out(arguments.iter().map(OsString::from).collect());
    assert_eq!(spelt(&["-ngl", "9", "-ctk=f16"]), ["--gpu-layers", "9", "--cache-type-k=f16"]);
    assert_eq!(spelt(&["--", "-ngl"]), ["--", "-ngl"]);
}

#[test]
fn options_of_the_screen_do_not_stand_before_a_command() {
    let cli = parse(&["--temp", "1", "models"]).unwrap();
    let env = Env::new(&cli.global);
    assert!(matches!(dispatch(cli, &env), Err(Failure::Usage(_))));
}

#[test]
fn colour_is_decided_by_the_first_that_says() {
    let decide = |flag, variables: &[(&str, &str)], is_terminal| {
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value));
        color::decide(flag, ColorWhen::Auto, &variable, is_terminal)
    };
    assert!(decide(None, &[("TERM", "xterm")], true));
    assert!(!decide(None, &[], false));
    assert!(!decide(None, &[("TERM", "dumb")], true));
    assert!(!decide(None, &[("NO_COLOR", "1")], true));
    assert!(decide(None, &[("NO_COLOR", "")], true), "an empty variable says nothing");
    assert!(decide(None, &[("CLICOLOR_FORCE", "1")], false));
    assert!(!decide(None, &[("CLICOLOR", "0")], true));
    assert!(decide(Some(ColorWhen::Always), &[("NO_COLOR", "1")], false));
    assert!(!decide(Some(ColorWhen::Never), &[("CLICOLOR_FORCE", "1")], true));
}

#[test]
fn a_switch_alone_means_on_and_takes_no_word_after_it() {
    let cli = parse(&["run", "--merge-system", "guide", "hello"]).unwrap();
    let Some(Command::Run(args)) = cli.command else { panic!() };
    assert_eq!(format!("{args:?}").matches(r#""merge_system": Text("on")"#).count(), 1, "{args:?}");
}
