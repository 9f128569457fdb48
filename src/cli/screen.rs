//! `ingle` alone: the screen.

use super::shell::env::Env;
use super::shell::failure::Failure;
use super::shell::setting_flags::SettingFlags;
use crate::protocol::Report;
use std::io::IsTerminal;

#[derive(Debug, Default, PartialEq, clap::Args)]
pub(crate) struct Arguments {
    /// The model to open with
    #[arg(long, short, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

pub(crate) fn run(_args: Arguments, _env: &Env) -> Result<(), Failure> {
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        return Err(Failure::Usage(Report::new(
            "the screen needs a terminal",
            "In a pipe or a script use `ingle run`: echo question | ingle run",
        )));
    }
    Ok(())
}
