//! Slash commands: one row each. Completion, help and the palette are made from the rows.

mod run;
pub use run::from_palette;
#[cfg(test)]
mod tests;

use super::app::{App, Effect, Env};

/// What completes a command's argument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Completer {
    Nothing,
    Words(&'static [&'static str]),
    Models,
    Themes,
    /// Names and values of the settings table.
    Settings,
    /// How much thinking the model's template lets one choose.
    Reasoning,
    /// The commands themselves.
    Topics,
}

pub struct Row {
    pub name: &'static str,
    /// Names that hands know from other programs.
    pub aliases: &'static [&'static str],
    /// `NAME` must be said, `[NAME]` may be.
    pub args: &'static str,
    pub help: &'static str,
    pub completer: Completer,
    /// Takes what stands behind the name, trimmed.
    pub run: fn(&mut App, &str, &Env) -> Vec<Effect>,
}

impl Row {
    pub fn takes_argument(&self) -> bool {
        !self.args.is_empty()
    }

    pub fn needs_argument(&self) -> bool {
        !self.args.is_empty() && !self.args.starts_with('[')
    }
}

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    args: &'static str,
    help: &'static str,
    completer: Completer,
    run: fn(&mut App, &str, &Env) -> Vec<Effect>,
) -> Row {
    Row { name, aliases, args, help, completer, run }
}

use Completer::{Models, Nothing, Reasoning, Settings, Themes, Topics, Words};

pub const COMMANDS: &[Row] = &[
    row("help", &["?"], "[COMMAND]", "Help, or what one command does", Topics, run::help),
    row("model", &["load"], "[NAME]", "Choose the model that answers", Models, run::model),
    row("models", &["list"], "", "Models on this machine", Nothing, run::models),
    row("unload", &[], "", "Give the model's memory back", Nothing, run::unload),
    row("new", &["clear", "reset"], "", "Start a new conversation; this one stays", Nothing, run::new),
    row("resume", &["history"], "[WORDS]", "Go to another conversation", Nothing, run::resume),
    row("search", &[], "WORDS", "Search all conversations", Nothing, run::search),
    row("rename", &[], "[TITLE]", "Name this conversation; without a title, by its first words", Nothing, run::rename),
    row("star", &[], "", "Star this conversation, or take the star away", Nothing, run::star),
    row("delete", &[], "", "Delete this conversation for good (asks)", Nothing, run::delete),
    row("regen", &["regenerate", "retry"], "[N-TH LAST]", "Answer once more, beside the first answer", Nothing, run::regenerate),
    row("edit", &[], "[N-TH LAST]", "Edit my last message; the first wording stays", Nothing, run::edit),
    row("continue", &[], "", "Go on with an answer that was cut short", Nothing, run::go_on),
    row("undo", &[], "", "Take my last message back into the prompt", Nothing, run::undo),
    row("fork", &[], "", "Go on from here in a conversation of its own", Nothing, run::fork),
    row("stop", &[], "", "Stop the answer", Nothing, run::stop),
    row("set", &[], "[NAME VALUE]", "Set something for this conversation; alone: all settings", Settings, run::set),
    row("think", &[], "[on|off|low|medium|high]", "How much the model thinks first", Reasoning, run::think),
    row("system", &[], "[TEXT]", "What the model is told first; alone: what it is now; - takes it away", Nothing, run::system),
    row(
        "show",
        &[],
        "[info|parameters|template|system|license|tensors]",
        "What the model's file says, and what it is told",
        Words(&["info", "parameters", "template", "system", "license", "tensors"]),
        run::show,
    ),
    row("copy", &[], "[answer|code|all]", "Copy to the terminal's clipboard", Words(&["answer", "code", "all"]), run::copy),
    row("export", &["save"], "[md|json] [FILE]", "Write this conversation to a file", Words(&["md", "json"]), run::export),
    row("compact", &["summarize"], "", "Let the model summarize the older turns", Nothing, run::compact),
    row("context", &[], "", "Which turns take how much of the context", Nothing, run::context),
    row("tokens", &[], "[TEXT]", "Ids and pieces of a text; alone: of the last answer", Nothing, run::tokens),
    row("dump", &[], "[FILE]", "The exact prompt of the last answer, with its ids; with a name: as a JSON file", Nothing, run::dump),
    row("stats", &[], "", "Figures of the last answer", Nothing, run::stats),
    row("theme", &["themes"], "[NAME]", "Choose colours", Themes, run::theme),
    row("gauges", &[], "[line|strip|panel|full]", "Show more or fewer gauges", Words(&["line", "strip", "panel", "full"]), run::gauges),
    row("keys", &[], "", "All keys", Nothing, run::keys),
    row("config", &["settings"], "", "Settings, and where each comes from", Nothing, run::config),
    row("mouse", &[], "", "Mouse on or off", Nothing, run::mouse),
    row("doctor", &[], "", "This machine, and every file and socket that ingle uses", Nothing, run::doctor),
    row("exit", &["quit", "bye", "q"], "", "Leave; everything is saved", Nothing, run::exit),
];

/// The row of a name or alias.
pub fn find(name: &str) -> Option<&'static Row> {
    let name = name.to_ascii_lowercase();
    COMMANDS.iter().find(|row| row.name == name || row.aliases.contains(&name.as_str()))
}

/// What a text from the prompt is.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// To be sent. `//` at the beginning was one slash.
    Message(&'a str),
    Command {
        name: &'a str,
        argument: &'a str,
    },
}

/// A slash counts only as the very first character. What looks like a path ("/etc/hosts is...") is a message: no
/// command's name holds a slash.
pub fn parse(text: &str) -> Line<'_> {
    let Some(rest) = text.strip_prefix('/') else { return Line::Message(text) };
    if rest.starts_with('/') {
        return Line::Message(rest);
    }
    let (name, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if name.contains('/') { Line::Message(text) } else { Line::Command { name, argument: argument.trim() } }
}

/// Runs a command line. An unknown command is told; nothing is sent.
pub fn run(app: &mut App, name: &str, argument: &str, env: &Env) -> Result<Vec<Effect>, String> {
    let Some(row) = find(name) else {
        let names: Vec<&str> = COMMANDS.iter().map(|row| row.name).collect();
        let near = crate::text::nearest(name, names.iter().copied());
        let hint = near.map(|n| format!(", did you mean /{n}?")).unwrap_or_default();
        return Err(format!("there is no command /{name}{hint}"));
    };
    if row.needs_argument() && argument.is_empty() {
        return Err(format!("/{} {}: {}", row.name, row.args, row.help));
    }
    Ok((row.run)(app, argument, env))
}
