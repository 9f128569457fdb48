//! The terminal, as the environment tells of it. Nothing is asked of the terminal itself.

use super::Section;
use std::io::IsTerminal;
use std::process::Command;

/// What tmux needs to pass all keys and focus reports on, from this version on.
const TMUX_HINTS_FROM: (u32, u32) = (3, 5);
const TMUX_OPTIONS: &[(&str, &str)] = &[("extended-keys", "on"), ("extended-keys-format", "csi-u"), ("focus-events", "on")];

/// `own`: the standard streams are the person's own. For the screen, which asks from inside, they are not.
pub(super) fn section(own: bool) -> Section {
    let mut section = Section::new("terminal");
    let is = |name: &str, is: bool| (name.to_owned(), if is { "a terminal" } else { "no terminal" }.to_owned());
    if own {
        section.lines.push(is("standard input", std::io::stdin().is_terminal()));
        section.lines.push(is("standard output", std::io::stdout().is_terminal()));
    }
    for name in ["TERM", "COLORTERM", "TERM_PROGRAM", "LANG", "LC_ALL", "NO_COLOR", "SSH_CONNECTION"] {
        if let Ok(value) = std::env::var(name) {
            // Whose address it is does not belong into a bug report.
            section.line(name, if name == "SSH_CONNECTION" { "set" } else { &value });
        }
    }
    if let Ok((columns, rows)) = crossterm::terminal::size() {
        section.line("size", format!("{columns}x{rows}"));
    }
    let inside = [("TMUX", "tmux"), ("STY", "screen"), ("ZELLIJ", "Zellij")];
    for (variable, name) in inside {
        if std::env::var_os(variable).is_some() {
            section.line("inside", name);
        }
    }
    if std::env::var_os("TMUX").is_some() {
        tmux(&mut section);
    }
    section
}

fn tmux(section: &mut Section) {
    let ask = |arguments: &[&str]| {
        let output = Command::new("tmux").args(arguments).output().ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
    };
    let Some(version) = ask(&["-V"]) else { return };
    section.line("tmux", &version);
    if version_number(&version).is_none_or(|version| version < TMUX_HINTS_FROM) {
        return;
    }
    for (option, wanted) in TMUX_OPTIONS {
        let found = ask(&["show-options", "-gqv", option]).or_else(|| ask(&["show-options", "-sqv", option])).unwrap_or_default();
        if found != *wanted {
            section.line("hint", format!("put `set -g {option} {wanted}` into ~/.tmux.conf (now {found:?})"));
        }
    }
}

/// "tmux 3.5a" is (3, 5).
fn version_number(text: &str) -> Option<(u32, u32)> {
    let (major, rest) = text.strip_prefix("tmux ")?.trim_start_matches("next-").split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::version_number;

    #[test]
    fn versions_are_read_with_their_letters() {
        assert_eq!(version_number("tmux 3.5a"), Some((3, 5)));
        assert_eq!(version_number("tmux next-3.7"), Some((3, 7)));
        assert_eq!(version_number("tmux master"), None);
    }
}
