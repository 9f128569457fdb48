//! A process of its own for each rendering of a template that nobody has read.
//!
//! A template can double a text until memory is gone, or nest a list until the stack is: neither can be caught within a
//! process. So ingle starts itself with a hidden command, hands over template and conversation as JSON, and takes the
//! text. The child has no environment and bounds itself before it reads a byte.

use super::error::PromptError;
use super::input::RenderInput;
use super::jinja::{self, Fault};
use crate::sys::limits::limit_self;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The hidden command: `ingle __render` calls `child_main` and nothing else.
pub const COMMAND: &str = "__render";

/// What the child may map, bytes; an empty one takes a tenth of it.
const ADDRESS_SPACE_MAX_BYTES: u64 = 512 << 20;

/// What the child may compute, seconds.
const CPU_MAX_SECONDS: u64 = 2;

/// When the child is killed, whatever it waits for.
const KILLED_AFTER: Duration = Duration::from_secs(3);

/// Most that is read from the child, bytes: the longest text a template may write.
const ANSWER_MAX_BYTES: u64 = (16 << 20) + 1;

/// The child's exit status when its output is a `Fault` and not the text.
const FAULT_STATUS: i32 = 1;

#[derive(Serialize)]
struct Request<'r> {
    template: &'r str,
    input: &'r RenderInput,
}

#[derive(Deserialize)]
struct Received {
    template: String,
    input: RenderInput,
}

/// The child's whole life.
pub fn child_main() -> ExitCode {
    match limit_self(ADDRESS_SPACE_MAX_BYTES, CPU_MAX_SECONDS).and_then(|()| answer()) {
        Ok(status) => status,
        Err(_) => ExitCode::from(2),
    }
}

fn answer() -> io::Result<ExitCode> {
    let received: Received = serde_json::from_reader(io::stdin().lock())?;
    let mut out = io::stdout().lock();
    let status = match jinja::render(&received.template, &received.input) {
        Ok(text) => {
            out.write_all(text.as_bytes())?;
            ExitCode::SUCCESS
        }
        Err(fault) => {
            serde_json::to_writer(&mut out, &fault)?;
            ExitCode::from(FAULT_STATUS as u8)
        }
    };
    out.flush()?;
    Ok(status)
}

/// Renders a template in a child of the program `exe`, which is ingle's own. Blocks until the child has ended, three
/// seconds at most.
pub fn render_in_child(exe: &Path, template: &str, input: &RenderInput) -> Result<String, PromptError> {
    let not_started = |e: io::Error| PromptError::NotStarted { reason: e.to_string() };
    let request = serde_json::to_vec(&Request { template, input }).map_err(|e| not_started(e.into()))?;
    let child = Command::new(exe)
        .arg(COMMAND)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(not_started)?;
    let (answer, status) = converse(child, &request).map_err(not_started)?;
    let stopped = |reason: &str| PromptError::Stopped { reason: reason.to_owned() };
    match (answer, status.code()) {
        (None, _) => Err(stopped("it took longer than three seconds")),
        (Some(text), Some(0)) => String::from_utf8(text).map_err(|_| stopped("it wrote no text")),
        (Some(fault), Some(FAULT_STATUS)) => {
            let fault: Option<Fault> = serde_json::from_slice(&fault).ok();
            Err(fault.map_or_else(|| stopped("it wrote no text"), PromptError::Template))
        }
        (Some(_), _) => Err(stopped(&end(status))),
    }
}

/// Hands over the request and waits for the answer; none if the child had to be killed.
fn converse(mut child: Child, request: &[u8]) -> io::Result<(Option<Vec<u8>>, ExitStatus)> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::scope(|scope| {
        // A child that ends early reads nothing more: its status tells why.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(request)));
        scope.spawn(move || {
            let mut answer = Vec::new();
            let read = stdout.map(|stdout| stdout.take(ANSWER_MAX_BYTES).read_to_end(&mut answer));
            sender.send(read.is_some_and(|r| r.is_ok()).then_some(answer)).ok();
        });
        let answer = receiver.recv_timeout(KILLED_AFTER).ok().flatten();
        if answer.is_none() {
            child.kill()?;
        }
        Ok((answer, child.wait()?))
    })
}

/// In words, how a child ended that gave no answer.
fn end(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(libc::SIGXCPU | libc::SIGKILL) => format!("it computed longer than {CPU_MAX_SECONDS} seconds"),
        Some(libc::SIGABRT | libc::SIGSEGV | libc::SIGBUS) => {
            format!("it needed more than the {} MiB it may have, or nested too deep", ADDRESS_SPACE_MAX_BYTES >> 20)
        }
        Some(signal) => format!("signal {signal}"),
        None => format!("exit status {}", status.code().unwrap_or(-1)),
    }
}
