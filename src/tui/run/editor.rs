//! The prompt in $VISUAL.

use crate::config::create_private;
use crate::protocol::Report;
use std::path::Path;
use std::process::Command;

/// Opens the text in the person's editor and gives it back as it was left. The terminal is the editor's meanwhile.
pub fn edit(text: &str, folder: &Path) -> Result<String, Report> {
    let name = std::env::var("VISUAL").or_else(|_| std::env::var("EDITOR")).unwrap_or_else(|_| "vi".to_owned());
    let path = folder.join(format!("message-{}.md", std::process::id()));
    let no_file = |e: &std::io::Error| Report::new("the message could not be given to an editor", "Is the disk full?").because(e);
    create_private(folder).map_err(|e| e.report())?;
    write_private(&path, text).map_err(|e| no_file(&e))?;
    // $VISUAL may hold options, so a shell parts them; the path is an argument of its own.
    let status = Command::new("sh").args(["-c", &format!("exec {name} \"$1\""), "sh"]).arg(&path).status();
    let edited = std::fs::read_to_string(&path);
    let _ = std::fs::remove_file(&path);
    let remedy = "Set VISUAL to an editor that is installed";
    match status {
        Ok(status) if status.success() => edited.map_err(|e| no_file(&e)),
        Ok(_) => Err(Report::new(format!("{name} ended with an error; the message is as it was"), remedy)),
        Err(e) => Err(Report::new(format!("{name} could not be started"), remedy).because(&e)),
    }
}

/// A message is nobody else's to read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
