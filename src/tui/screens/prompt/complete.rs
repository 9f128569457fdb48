//! The menu of completions for a slash command, made from the tables.

use crate::protocol::{Kind, SETTINGS};
use crate::tui::commands::{self, COMMANDS, Completer};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What the whole prompt becomes when it is taken.
    pub line: String,
    /// What the menu shows.
    pub shown: String,
    pub help: String,
    /// Nothing needs to be added: Enter takes and runs it.
    pub whole: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    pub candidates: Vec<Candidate>,
    pub chosen: usize,
}

/// Names that only the program knows while it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    pub models: Vec<String>,
    pub themes: Vec<String>,
    /// How much thinking the model lets one choose.
    pub reasoning: Vec<&'static str>,
}

/// What may stand after the text that is there; none where it is no command.
pub fn menu(text: &str, names: &Names) -> Option<Menu> {
    let rest = text.strip_prefix('/').filter(|r| !r.starts_with('/') && !r.contains('\n'))?;
    let candidates = match rest.split_once(' ') {
        None => command_names(rest),
        Some((name, argument)) => arguments(name, argument, names),
    };
    (!candidates.is_empty()).then_some(Menu { candidates, chosen: 0 })
}

/// Commands whose name begins so, then those an alias of which does, then those that hold it.
fn command_names(typed: &str) -> Vec<Candidate> {
    let typed = typed.to_ascii_lowercase();
    let rank = |row: &commands::Row| {
        let alias = row.aliases.iter().any(|a| a.starts_with(&typed));
        [row.name.starts_with(&typed), alias, row.name.contains(&typed)].iter().position(|is| *is)
    };
    let mut found: Vec<(usize, &commands::Row)> = COMMANDS.iter().filter_map(|row| Some((rank(row)?, row))).collect();
    found.sort_by_key(|(rank, _)| *rank);
    let candidate = |row: &commands::Row| Candidate {
        line: if row.takes_argument() { format!("/{} ", row.name) } else { format!("/{}", row.name) },
        shown: format!("/{} {}", row.name, row.args).trim_end().to_owned(),
        help: row.help.to_owned(),
        whole: !row.needs_argument(),
    };
    found.into_iter().map(|(_, row)| candidate(row)).collect()
}

fn arguments(name: &str, argument: &str, names: &Names) -> Vec<Candidate> {
    let Some(row) = commands::find(name) else { return Vec::new() };
    let plain = |words: &[&str]| words.iter().map(|w| ((*w).to_owned(), String::new())).collect::<Vec<_>>();
    let words: Vec<(String, String)> = match row.completer {
        Completer::Nothing => Vec::new(),
        Completer::Words(words) => plain(words),
        Completer::Models => names.models.iter().map(|n| (n.clone(), String::new())).collect(),
        Completer::Themes => names.themes.iter().map(|n| (n.clone(), String::new())).collect(),
        Completer::Topics => COMMANDS.iter().map(|c| (c.name.to_owned(), c.help.to_owned())).collect(),
        Completer::Reasoning => plain(&names.reasoning),
        Completer::Settings => return setting(name, argument, names),
    };
    matching(name, "", argument, words)
}

fn setting(name: &str, argument: &str, names: &Names) -> Vec<Candidate> {
    match argument.split_once(' ') {
        None => {
            let words = SETTINGS.iter().map(|s| (format!("{} ", s.name), s.help.to_owned())).collect();
            matching(name, "", argument, words)
        }
        Some((setting, value)) => match crate::protocol::find_setting(setting).map(|s| (s.name, s.kind)) {
            Some((row, Kind::Choice(all))) => {
                let choices = if row == "reasoning" { names.reasoning.as_slice() } else { all };
                let words = choices.iter().map(|c| ((*c).to_owned(), String::new())).collect();
                matching(name, &format!("{setting} "), value, words)
            }
            _ => Vec::new(),
        },
    }
}

/// Words that begin so, then those that hold it; a word that is there already needs no menu.
fn matching(name: &str, before: &str, typed: &str, words: Vec<(String, String)>) -> Vec<Candidate> {
    let wanted = typed.to_lowercase();
    if words.iter().any(|(w, _)| w.to_lowercase() == wanted) {
        return Vec::new();
    }
    let (mut begin, mut hold) = (Vec::new(), Vec::new());
    for (word, help) in words {
        let lower = word.to_lowercase();
        let whole = !word.ends_with(' ');
        let candidate = Candidate { line: format!("/{name} {before}{word}"), shown: word.trim_end().to_owned(), help, whole };
        if lower.starts_with(&wanted) {
            begin.push(candidate);
        } else if lower.contains(&wanted) {
            hold.push(candidate);
        }
    }
    begin.extend(hold);
    begin
}

/// Moves the choice, round at the ends.
pub fn step(menu: &mut Menu, forward: bool) {
    let n = menu.candidates.len().max(1);
    menu.chosen = (menu.chosen + if forward { 1 } else { n - 1 }) % n;
}
