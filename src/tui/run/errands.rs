//! Small work on threads of its own: nothing of it may hold up the loop.

use super::inbox::Inbox;
use super::reads::write_new;
use crate::config::{Config, Folders};
use crate::protocol::Report;
use crate::tui::app::Action;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// A schema or a grammar; what is longer is refused by its own limit.
const SETTING_BYTES_MAX: u64 = 1 << 20;

/// Runs it beside the loop. Where no thread is to be had it is said as any failure.
fn beside(inbox: &Inbox, name: &str, work: impl FnOnce() -> Action + Send + 'static) {
    let answers = inbox.clone();
    if let Err(e) = std::thread::Builder::new().name(name.to_owned()).spawn(move || answers.act(work())) {
        inbox.act(Action::Failed(Report::new("no thread is left for this", "Close other programs and try again").because(&e)));
    }
}

/// A new file.
pub fn write(inbox: &Inbox, path: PathBuf, text: String) {
    beside(inbox, "write", move || match write_new(&path, &text) {
        Ok(()) => Action::Said(format!("written to {}", path.display())),
        Err(e) => {
            let there = e.kind() == std::io::ErrorKind::AlreadyExists;
            let remedy = if there { "There is such a file already; name another" } else { "Name another place" };
            Action::Failed(Report::new(format!("{} could not be written", path.display()), remedy).because(&e))
        }
    });
}

/// A setting's value that somebody keeps in a file.
pub fn read_setting(inbox: &Inbox, name: &'static str, path: PathBuf) {
    beside(inbox, "setting", move || {
        let mut value = String::new();
        match File::open(&path).and_then(|file| file.take(SETTING_BYTES_MAX).read_to_string(&mut value)) {
            Ok(_) => Action::Setting { name, value },
            Err(e) => Action::Failed(Report::new(format!("{} could not be read: {e}", path.display()), "Check the path").because(&e)),
        }
    });
}

/// A choice that outlives this screen. Where it cannot be kept it counts all the same until then.
pub fn keep(inbox: &Inbox, one_at_a_time: &Arc<Mutex<()>>, folders: Folders, name: &'static str, value: String) {
    let turn = Arc::clone(one_at_a_time);
    beside(inbox, "config", move || {
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        match Config::keep(&folders, name, &value) {
            Ok(()) => Action::Said("kept in config.toml".to_owned()),
            Err(error) => {
                let what = format!("{name} = \"{value}\" is not kept: {error}");
                Action::Failed(Report::new(what, "It counts until you leave").because(&error))
            }
        }
    });
}

/// The command of that name does the looking; it is told whose sockets are meant.
pub fn doctor(inbox: &Inbox, program: Option<PathBuf>) {
    beside(inbox, "doctor", move || {
        let failed = Report::new("the doctor could not look", "Try `ingle doctor` in a shell");
        let Some(program) = program else { return Action::Failed(failed) };
        let own = std::process::id().to_string();
        match Command::new(program).args(["doctor", "--color", "never", "--process", &own]).stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => Action::Doctor(String::from_utf8_lossy(&output.stdout).into_owned()),
            Ok(_) => Action::Failed(failed),
            Err(e) => Action::Failed(failed.because(&e)),
        }
    });
}
