//! The command line from outside: the real program, its streams and its exit status.

mod answers;
mod basics;
mod config;
mod doors;
mod history;
mod lab;
mod models;
mod thinking;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// One run of the program, at home in a folder of its own, knowing nothing of this machine's models or settings.
pub struct Run {
    command: Command,
    stdin: Vec<u8>,
    _home: Option<tempfile::TempDir>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Run {
    pub fn new(arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a folder for the test");
        let mut run = Self::at(home.path(), arguments);
        run._home = Some(home);
        run
    }

    /// At home in `home`, which stays.
    pub fn at(home: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ingle"));
        command.args(arguments).env_clear().env("HOME", home).env("INGLE_HOME", home.join("ingle")).env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, stdin: Vec::new(), _home: None }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Whoever reads the result has gone before it comes.
    pub fn closed_stdout(mut self) -> Self {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        self.command.stdout(writer);
        self
    }

    pub fn answer(mut self) -> Answer {
        let mut child = self.command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        let bytes = std::mem::take(&mut self.stdin);
        // A program that does not read its input closes the pipe; that is not this thread's to judge.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
        let output = child.wait_with_output().expect("the program ends");
        writer.join().expect("writing does not panic");
        Answer {
            status: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).expect("standard error is text"),
        }
    }
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("standard output is text")
    }

    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.status, 0, "{}", self.stderr);
        self
    }

    /// Failed with this status and one sentence that holds each of `parts`.
    #[track_caller]
    pub fn failed(self, status: i32, parts: &[&str]) -> Self {
        assert_eq!(self.status, status, "{}", self.stderr);
        let mut lines = self.stderr.lines();
        let sentence = lines.next().unwrap_or_default();
        assert!(sentence.starts_with("error: ") && sentence.ends_with(['.', '?', '!']), "{}", self.stderr);
        assert_eq!(lines.next(), None, "more than a sentence: {}", self.stderr);
        for part in parts {
            assert!(sentence.contains(part), "{sentence:?} does not say {part:?}");
        }
        assert!(!self.stderr.contains(|c: char| c.is_control() && c != '\n'), "{:?}", self.stderr);
        self
    }
}
