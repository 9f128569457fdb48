//! `ingle` alone: the screen.

use super::shell::env::Env;
use super::shell::failure::Failure;
use super::shell::setting_flags::SettingFlags;
use crate::config::{ColorDepth, ColorWhen, Config};
use crate::protocol::Report;
use crate::shelf::Surroundings;
use crate::sys::terminal;
use crate::text::sequences::Features;
use crate::tui;
use crate::tui::theme::{ColourChoice, ColourEnv, Depth, colour_wanted};
use std::process::Command;

#[derive(Debug, Default, PartialEq, clap::Args)]
pub(crate) struct Arguments {
    /// The model to open with
    #[arg(long, short, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    if !terminal::is_there() {
        return Err(Failure::Usage(Report::new(
            "the screen needs a terminal",
            "In a pipe or a script use `ingle run`: echo question | ingle run",
        )));
    }
    let code = tui::run(options(args, env)?)?;
    if code != 0 {
        // Everything is stored and the terminal is given back; a shell expects 128 + n of what a signal ended.
        std::process::exit(i32::from(code));
    }
    Ok(())
}

fn options(args: Arguments, env: &Env) -> Result<tui::Options, Failure> {
    let folders = env.folders()?;
    let (config, problems) = Config::load(&folders);
    let mut notes: Vec<Report> = problems.iter().map(|problem| problem.report()).collect();
    let keymap = tui::keymap::read(&folders.keymap_file()).unwrap_or_else(|problem| {
        notes.push(problem.report());
        None
    });
    let lookup = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let colours = ColourEnv::of(lookup);
    let term = lookup("TERM").unwrap_or_default();
    let tmux = std::env::var_os("TMUX").is_some();
    let depth = depth(env.color_flag(), &config, &colours);
    let mut preferences = tui::Preferences::of(&config, shows_braille(&term, lookup), depth);
    preferences.home = std::env::home_dir();
    // Command line, then environment, then config.
    let model = args.model.or_else(|| lookup("INGLE_MODEL")).or_else(|| config.model.clone());
    Ok(tui::Options {
        surroundings: Surroundings {
            home: std::env::home_dir(),
            variables: std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect(),
            folders: config.folders.clone(),
            data: Some(folders.data.clone()),
        },
        model: model.map(|text| env.model(&text)).transpose()?,
        command: args.settings.0,
        keymap,
        depth,
        features: Features::for_terminal(&term, tmux.then(tmux_tells_keys_apart), preferences.mouse),
        preferences,
        tmux,
        program: std::env::current_exe().ok(),
        notes,
        config,
        folders,
    })
}

fn depth(flag: Option<ColorWhen>, config: &Config, colours: &ColourEnv) -> Depth {
    let choice = |when| match when {
        ColorWhen::Auto => ColourChoice::Auto,
        ColorWhen::Always => ColourChoice::Always,
        ColorWhen::Never => ColourChoice::Never,
    };
    let set = match config.color_depth {
        ColorDepth::Auto => None,
        ColorDepth::TrueColor => Some(Depth::True),
        ColorDepth::C256 => Some(Depth::Indexed),
        ColorDepth::C16 => Some(Depth::Ansi),
    };
    let flag = flag.map_or(ColourChoice::Auto, choice);
    if colour_wanted(flag, choice(config.color), colours, true) { Depth::detect(set, colours) } else { Depth::None }
}

/// Braille needs UTF-8, and more signs than a console's font has.
fn shows_braille(term: &str, lookup: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| lookup(name)).unwrap_or_default().to_lowercase();
    term != "linux" && (locale.contains("utf-8") || locale.contains("utf8"))
}

/// What tmux is set to; one that does not answer does not tell keys apart.
fn tmux_tells_keys_apart() -> bool {
    let asked = Command::new("tmux").args(["show-options", "-gv", "extended-keys-format"]).output();
    asked.is_ok_and(|output| output.stdout.trim_ascii() == b"csi-u")
}
