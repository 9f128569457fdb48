//! What is read: standard input, files, lists of ids.

use super::failure::Failure;
use crate::protocol::Report;
use crate::text::Shown;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::Path;

/// Standard input is held in memory; a model's context is a thousandth of this.
const STDIN_BYTES_MAX: u64 = 64 << 20;

/// All of standard input as text.
pub(crate) fn stdin_text() -> Result<String, Failure> {
    let bytes = stdin_bytes()?;
    String::from_utf8(bytes).map_err(|error| Report::new("standard input is not UTF-8 text", "Convert it first").because(&error).into())
}

fn stdin_bytes() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(STDIN_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > STDIN_BYTES_MAX {
        return Err(Report::new("standard input is larger than 64 MiB", "Split it").into());
    }
    Ok(bytes)
}

/// Text that was piped in; nothing where standard input is the keyboard.
pub(crate) fn piped_text() -> Result<Option<String>, Failure> {
    if io::stdin().is_terminal() { Ok(None) } else { stdin_text().map(Some) }
}

/// Calls `each` with every line of standard input, as it comes.
pub(crate) fn each_stdin_line(mut each: impl FnMut(&str) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut input = io::stdin().lock();
    let mut line = String::new();
    loop {
        line.clear();
        let n = (&mut input).take(STDIN_BYTES_MAX).read_line(&mut line).map_err(|error| unreadable(&error))?;
        if n == 0 {
            return Ok(());
        }
        each(line.strip_suffix('\n').unwrap_or(&line))?;
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Report::new(format!("standard input could not be read: {error}"), "Check what is piped in").because(error).into()
}

pub(crate) fn file_text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        let path = Shown::path(path);
        Report::new(format!("{path} could not be read: {error}"), "Check the path").offender(path.to_string()).because(&error).into()
    })
}

/// Token ids, parted by commas or white space, in brackets or not, as people and JSON write them.
pub(crate) fn ids(text: &str) -> Result<Vec<u32>, Failure> {
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    let words = inner.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
    words
        .map(|word| {
            word.parse().map_err(|_| {
                Failure::Usage(Report::new(format!("{word} is no token id"), "Write whole numbers parted by commas").offender(word))
            })
        })
        .collect()
}

/// `1,2,3`, or `@FILE` with such a list inside.
pub(crate) fn ids_or_file(text: &str) -> Result<Vec<u32>, Failure> {
    match text.strip_prefix('@') {
        Some(path) => ids(&file_text(Path::new(path))?),
        None => ids(text),
    }
}
