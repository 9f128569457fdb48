//! The log: a file in the state folder that tells what ran and what failed, and never what was said.

use crate::config::{self, Folders};
use tracing_appender::rolling::{Builder, Rotation};
use tracing_subscriber::filter::EnvFilter;

/// `INGLE_LOG=debug`, `INGLE_LOG=engine=debug,shelf=trace`.
pub(crate) const VARIABLE: &str = "INGLE_LOG";
const LEVEL: &str = "info";
/// Days that are kept.
const FILES_MAX: usize = 7;
const FILE_PREFIX: &str = "ingle";

/// From here on. A log that cannot be written is no reason not to run: whatever else needs the disk will say so.
pub(crate) fn start() {
    let Ok(folders) = Folders::of_user() else { return };
    let folder = folders.logs();
    if config::create_private(&folder).is_err() {
        return;
    }
    let files = Builder::new().rotation(Rotation::DAILY).filename_prefix(FILE_PREFIX).filename_suffix("log").max_log_files(FILES_MAX);
    let Ok(file) = files.build(folder) else { return };
    let filter = EnvFilter::new(directives(&std::env::var(VARIABLE).unwrap_or_default()));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::sync::Mutex::new(file));
    // Only a second start in one process could fail here.
    let _ = log.try_init();
}

/// Room names become this package's modules. Other packages stay silent: they do not know what may not be said.
fn directives(said: &str) -> String {
    let rooms = said.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| match part.split_once('=') {
        Some((room, level)) => format!("ingle::{room}={level}"),
        None => format!("ingle={part}"),
    });
    let rooms: Vec<String> = rooms.collect();
    if rooms.is_empty() { format!("off,ingle={LEVEL}") } else { format!("off,ingle={LEVEL},{}", rooms.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::directives;

    #[test]
    fn rooms_are_named_as_people_know_them_and_other_packages_are_silent() {
        assert_eq!(directives(""), "off,ingle=info");
        assert_eq!(directives("debug"), "off,ingle=info,ingle=debug");
        assert_eq!(directives("engine=debug, shelf=trace"), "off,ingle=info,ingle::engine=debug,ingle::shelf=trace");
    }
}
