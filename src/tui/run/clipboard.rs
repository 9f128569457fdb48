//! To the terminal's clipboard. It is never read.

use super::writer::Writer;
use crate::protocol::Report;
use crate::text::sequences::{self, CLIPBOARD_BYTES_MAX};
use crate::tui::figures;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Copies, and says how: whether the terminal took it nobody can know.
pub fn copy(text: &str, command: Option<&str>, tmux: bool, data: &Path, writer: &Writer) -> Result<String, Report> {
    if let Some(command) = command {
        pipe(Command::new("sh").args(["-c", command]), text)
            .map_err(|e| Report::new("copy_command did not take the text", "Mend it in config.toml").because(&e))?;
        return Ok("sent to copy_command".to_owned());
    }
    if text.len() > CLIPBOARD_BYTES_MAX {
        let path = data.join("copied.txt");
        let no_file =
            |e: &std::io::Error| Report::new("too long for the terminal's clipboard, and no file could be written", "").because(e);
        std::fs::write(&path, text).map_err(|e| no_file(&e))?;
        let size = figures::bytes(text.len() as u64);
        return Ok(format!("{size} are too long for the terminal's clipboard; they are in {}", path.display()));
    }
    // tmux's own door works with its default settings, which drop the sequence.
    if tmux && pipe(Command::new("tmux").args(["load-buffer", "-w", "-"]), text).is_ok() {
        return Ok("sent to tmux and the terminal's clipboard".to_owned());
    }
    writer.say(sequences::copy(text).as_bytes());
    Ok("sent to the terminal's clipboard".to_owned())
}

fn pipe(command: &mut Command, text: &str) -> std::io::Result<()> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    if child.wait()?.success() { Ok(()) } else { Err(std::io::Error::other("it failed")) }
}
