//! The command line: arguments become one command, or the screen.
//!
//! Begin with [`main`]. Each command is a file here with its arguments and one `run`; `shell/args.rs` lists them, and
//! help, man page and completions are made from that list; `shell/` is what stands around every command. A command prints its result through [`Env`] and returns a
//! [`Failure`] for anything that went wrong: only [`main`] writes errors and only it decides the exit status.
//!
//! Never here: computing (the engine's protocol is spoken instead), a question to the user, a colour code written by hand.

mod bench;
mod completions;
mod config;
mod doctor;
mod history;
mod logits;
mod man;
mod models;
mod quantize;
mod render;
mod run;
mod screen;
mod shell;
mod show;
#[cfg(test)]
mod tests;
mod themes;
mod tokenize;

use crate::engine;
use crate::prompt::sandbox;
use clap::{CommandFactory, FromArgMatches};
use shell::args::{Cli, Command};
use shell::env::Env;
use shell::failure::{self, Failure};
use shell::logs;
use shell::short_forms;
use std::ffi::OsString;
use std::process::ExitCode;

/// The whole program: what it does with these arguments, and its exit status.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    // ingle itself asks for this, with no environment: nothing else may happen before.
    if arguments.get(1).is_some_and(|a| a == sandbox::COMMAND) {
        return sandbox::child_main();
    }
    let arguments = short_forms::spell_out(arguments);
    let parsed = Cli::command().try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return failure::print_clap(&error),
    };
    logs::start();
    if let Err(report) = engine::check_cpu() {
        return Failure::Usage(report).end();
    }
    let env = Env::new(&cli.global);
    match dispatch(cli, &env) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.end(),
    }
}

fn dispatch(cli: Cli, env: &Env) -> Result<(), Failure> {
    if cli.command.is_some() && cli.screen != screen::Arguments::default() {
        let report = crate::protocol::Report::new("options of the screen stand before a command", "Write them after the command's name");
        return Err(Failure::Usage(report));
    }
    if cli.command.is_some() {
        failure::leave_on_signals();
    }
    match cli.command {
        // The screen listens for itself: it has a terminal to give back.
        None => screen::run(cli.screen, env),
        Some(Command::Models(args)) => models::run(args, env),
        Some(Command::Show(args)) => show::run(args, env),
        Some(Command::Bench(args)) => bench::run(args, env),
        Some(Command::Quantize(args)) => quantize::run(args, env),
        Some(Command::History(args)) => history::run(args, env),
        Some(Command::Config(args)) => config::run(args, env),
        Some(Command::Themes(args)) => themes::run(args, env),
        Some(Command::Run(args)) => run::run(args, env),
        Some(Command::Tokenize(args)) => tokenize::run(args, env),
        Some(Command::Logits(args)) => logits::run(args, env),
        Some(Command::Doctor(args)) => doctor::run(args, env),
        Some(Command::Render(args)) => render::run(args, env),
        Some(Command::Completions(args)) => completions::run(args, env),
        Some(Command::Man(args)) => man::run(args, env),
    }
}
