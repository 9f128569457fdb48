//! What can be written after `ingle`.

use crate::cli::{bench, completions, config, doctor, history, logits, man, models, quantize, render, run, screen, show, themes, tokenize};
use crate::config::ColorWhen;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "ingle",
    version,
    about = "Talk to language models on your own machine",
    long_about = "ingle keeps a language model on your own machine: a full-screen program to talk to it, and commands for pipes and \
                  scripts. Without a command it opens the screen. MODEL is a path to a GGUF file, a name that `ingle models` \
                  lists, any part of one that names it alone, or `guide`, the small model inside the program.",
    after_help = "Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 128+n ended by signal n.",
    disable_help_subcommand = true,
    color = clap::ColorChoice::Never,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(flatten)]
    pub(crate) screen: screen::Arguments,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to colour what is printed
    #[arg(long, global = true, value_name = "WHEN", value_parser = color_when())]
    pub(crate) color: Option<ColorWhen>,
}

/// The config's words for it.
fn color_when() -> impl TypedValueParser<Value = ColorWhen> {
    PossibleValuesParser::new(ColorWhen::NAMES).map(|name| ColorWhen::from_name(&name).unwrap_or_default())
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::Arguments),
    Models(models::Arguments),
    Show(show::Arguments),
    Bench(bench::Arguments),
    Tokenize(tokenize::Arguments),
    Render(render::Arguments),
    Logits(logits::Arguments),
    History(history::Arguments),
    Quantize(quantize::Arguments),
    Config(config::Arguments),
    Themes(themes::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}
