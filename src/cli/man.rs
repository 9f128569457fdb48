//! `ingle man`: the manual, made from the same list as the help.

use super::shell::args::Cli;
use super::shell::env::Env;
use super::shell::failure::Failure;
use clap::CommandFactory;
use clap_mangen::Man;

/// Print the manual page
///
/// `ingle man | man -l -` reads it; `ingle man run` prints the page of one command.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The command whose page to print
    command: Option<String>,
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    let mut root = Cli::command();
    root.build();
    let page = match &args.command {
        None => root,
        Some(name) => root.find_subcommand(name).filter(|c| !c.is_hide_set()).cloned().ok_or_else(|| {
            Failure::Usage(crate::protocol::Report::new(format!("there is no command {name}"), "`ingle --help` lists them").offender(name))
        })?,
    };
    let mut text = Vec::new();
    Man::new(page).render(&mut text).map_err(|error| Failure::from_write(&error))?;
    env.write_bytes(&text)
}
