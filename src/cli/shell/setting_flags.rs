//! One flag for each row of the settings table.

use crate::protocol::{Kind, ON_OFF, SETTINGS, Setting, Settings};
use crate::text::Shown;
use clap::{Arg, ArgAction, ArgMatches, Command, error::ErrorKind};

/// The settings said on this command line.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SettingFlags(pub(crate) Settings);

/// `--cache T` stands for both halves of the KV cache.
const CACHE_BOTH: &str = "cache";
/// `--grammar` from a file.
const GRAMMAR_FILE: &str = "grammar-file";

impl SettingFlags {
    fn flag(row: &'static Setting) -> Arg {
        let kebab = |name: &str| name.replace('_', "-");
        let mut arg = Arg::new(row.name)
            .long(kebab(row.name))
            .help(row.help)
            .value_name(match row.kind {
                Kind::Float { .. } | Kind::Int { .. } => "N",
                Kind::Choice(_) => "TYPE",
                Kind::Text | Kind::Texts => "TEXT",
                Kind::Model => "MODEL",
                Kind::Biases => "ID+BIAS",
                Kind::Steps => "NAMES",
                Kind::Schema | Kind::Grammar => "FILE|TEXT",
            })
            .allow_negative_numbers(true)
            .help_heading("Settings")
            .action(if row.kind.is_list() { ArgAction::Append } else { ArgAction::Set });
        if row.kind == Kind::Choice(ON_OFF) {
            arg = arg.num_args(0..=1).require_equals(true).default_missing_value("on");
        }
        for alias in row.aliases {
            let mut letters = alias.chars();
            arg = match (letters.next(), letters.next()) {
                (Some(letter), None) => arg.short(letter),
                _ => arg.alias(kebab(alias)),
            };
        }
        arg
    }
}

impl clap::Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        let command = SETTINGS.iter().fold(command, |command, row| command.arg(Self::flag(row)));
        let command = command.arg(
            Arg::new(CACHE_BOTH)
                .long(CACHE_BOTH)
                .value_name("TYPE")
                .help("Type of keys and values in the KV cache")
                .help_heading("Settings")
                .conflicts_with_all(["cache_type_k", "cache_type_v"]),
        );
        command.arg(
            Arg::new(GRAMMAR_FILE)
                .long(GRAMMAR_FILE)
                .value_name("FILE")
                .help("The answer must follow the grammar in this file")
                .help_heading("Settings")
                .conflicts_with_all(["grammar", "json_schema"]),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let wrong = |error: crate::protocol::SettingError| clap::Error::raw(ErrorKind::ValueValidation, format!("{error}.\n"));
        for row in SETTINGS {
            for text in matches.get_many::<String>(row.name).into_iter().flatten() {
                let text = if row.names_file(text) { file_text(text)? } else { text.clone() };
                self.0.set(row.name, &text).map_err(wrong)?;
            }
        }
        if let Some(file) = matches.get_one::<String>(GRAMMAR_FILE) {
            self.0.set("grammar", &file_text(file)?).map_err(wrong)?;
        }
        if let Some(both) = matches.get_one::<String>(CACHE_BOTH) {
            for half in ["cache_type_k", "cache_type_v"] {
                self.0.set(half, both).map_err(wrong)?;
            }
        }
        Ok(())
    }
}

fn file_text(path: &str) -> Result<String, clap::Error> {
    let failed = |error| format!("{} could not be read: {error}. Check the path.\n", Shown::line(path));
    std::fs::read_to_string(path).map_err(|error| clap::Error::raw(ErrorKind::Io, failed(error)))
}
