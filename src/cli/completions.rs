//! `ingle completions SHELL`.

use super::shell::args::Cli;
use super::shell::env::Env;
use super::shell::failure::Failure;
use clap::CommandFactory;
use clap_complete::Shell;

/// Print a completion script for a shell
///
/// bash: `ingle completions bash > ~/.local/share/bash-completion/completions/ingle`;
/// zsh: `ingle completions zsh > "${fpath[1]}/_ingle"`; fish: `ingle completions fish > ~/.config/fish/completions/ingle.fish`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    shell: Shell,
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ingle", &mut script);
    env.write_bytes(&script)
}
