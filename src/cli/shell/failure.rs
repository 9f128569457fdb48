//! How a command ends, and what is said when it does not end well.

use crate::config::FoldersError;
use crate::protocol::Report;
use crate::shelf::ShelfError;
use crate::sys::signals;
use crate::text::Shown;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// Why a command did not end with its result printed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not be done: exit status 1.
    Report(Report),
    /// It was asked for wrongly: exit status 2.
    Usage(Report),
    /// Whoever read our output went away: they have what they wanted, so this ends quietly with 0.
    ClosedPipe,
}

impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        Failure::Report(report)
    }
}

impl From<ShelfError> for Failure {
    fn from(error: ShelfError) -> Self {
        Failure::Report(error.into())
    }
}

impl From<FoldersError> for Failure {
    fn from(error: FoldersError) -> Self {
        Failure::Report(error.into())
    }
}

impl Failure {
    /// For writes to standard output.
    pub(crate) fn from_write(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
            _ => Failure::Report(
                Report::new(format!("the result could not be written: {error}"), "Check the disk or pipe it goes to").because(error),
            ),
        }
    }

    pub(crate) fn end(self) -> ExitCode {
        match self {
            Failure::Report(report) => {
                print_report(&report);
                ExitCode::from(1)
            }
            Failure::Usage(report) => {
                print_report(&report);
                ExitCode::from(2)
            }
            Failure::ClosedPipe => ExitCode::SUCCESS,
        }
    }
}

/// From now on a signal ends the program with 128+n (130 for Ctrl+C), whatever it does.
pub(crate) fn leave_on_signals() {
    let leave = |signal| {
        let mut stderr = io::stderr();
        if stderr.is_terminal() {
            // The shell's prompt shall not stand behind half an answer.
            let _ = writeln!(stderr);
        }
        std::process::exit(i32::from(signals::exit_code(signal)));
    };
    if let Err(error) = signals::listen_to_leave(leave) {
        tracing::warn!(%error, "signals end the program by their default action");
    }
}

/// `error: what. what to do.` on standard error; the chain of causes goes to the log.
pub(crate) fn print_report(report: &Report) {
    tracing::error!(cause = report.cause, "{}", report.what);
    // Nobody is left to tell when standard error itself is gone.
    let _ = writeln!(io::stderr(), "error: {}", Shown::line(&report.to_string()));
}

/// What does not stop the command.
pub(crate) fn print_warning(report: &Report) {
    tracing::warn!(cause = report.cause, "{}", report.what);
    let _ = writeln!(io::stderr(), "warning: {}", Shown::line(&report.to_string()));
}

/// Help and version go to standard output, misuse to standard error. Either may repeat what was typed.
pub(crate) fn print_clap(error: &clap::Error) -> ExitCode {
    let text = Shown::block(&error.to_string());
    if error.use_stderr() {
        let _ = write!(io::stderr(), "{text}");
        return ExitCode::from(2);
    }
    match write!(io::stdout(), "{text}").and_then(|()| io::stdout().flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => Failure::from_write(&error).end(),
    }
}
