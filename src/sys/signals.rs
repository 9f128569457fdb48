//! Signals, as messages from a thread of their own.

use super::terminal;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use std::io;
use std::thread;
use std::time::Duration;

/// A program that was told to leave is gone after this, saved or not: whoever sent the signal waits a second.
pub const LEAVE_WITHIN: Duration = Duration::from_millis(950);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// TERM, HUP, INT or QUIT: save, give the terminal back, leave with [`exit_code`].
    Leave(i32),
    /// TSTP from outside: give the terminal back and stop.
    Suspend,
    /// CONT: take the terminal again, ask its size, draw everything.
    Continue,
    /// WINCH: ask the size, draw all. Listened for from the first moment; crossterm only begins with its first read.
    Resized,
}

/// What a shell expects of a program that a signal ended.
pub fn exit_code(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(1)
}

/// Exit code of a program whose terminal went away, as if SIGHUP had said so.
pub fn lost_exit_code() -> u8 {
    exit_code(SIGHUP)
}

/// Listens from now on. `tell` only passes the signal on; the receiver does the work, in time: see [`leave_within`].
/// SIGHUP stays ignored where it was at the start, as nohup asks.
pub fn listen(mut tell: impl FnMut(Signal) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new(leaving().into_iter().chain([SIGTSTP, SIGCONT, SIGWINCH]))?;
    let listen = move || {
        let mut is_leaving = false;
        for signal in signals.forever() {
            match signal {
                SIGTSTP => tell(Signal::Suspend),
                SIGCONT => tell(Signal::Continue),
                SIGWINCH => tell(Signal::Resized),
                signal if is_leaving => leave_now(exit_code(signal)),
                signal => {
                    is_leaving = true;
                    leave_within(exit_code(signal));
                    tell(Signal::Leave(signal));
                }
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
    Ok(())
}

/// For a command without a terminal of its own to give back: it leaves at once, and stops and goes on as any program.
pub fn listen_to_leave(tell: impl FnOnce(i32) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new(leaving())?;
    let listen = move || {
        if let Some(signal) = signals.forever().next() {
            tell(signal);
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
    Ok(())
}

fn leaving() -> Vec<i32> {
    let mut signals = vec![SIGTERM, SIGINT, SIGQUIT];
    if !is_ignored(SIGHUP) {
        signals.push(SIGHUP);
    }
    signals
}

/// From now on the process has [`LEAVE_WITHIN`] to save and exit by itself; then it is ended, with the terminal back.
pub fn leave_within(code: u8) {
    let wait = move || {
        thread::sleep(LEAVE_WITHIN);
        leave_now(code);
    };
    // Without the thread the exit still happens, only not by this clock.
    let _ = thread::Builder::new().name("leave".to_owned()).spawn(wait);
}

fn leave_now(code: u8) -> ! {
    terminal::give_back();
    // SAFETY: _exit ends the process without running anything; what is on disk stays whole without that.
    unsafe { libc::_exit(i32::from(code)) }
}

fn is_ignored(signal: i32) -> bool {
    // SAFETY: asks for the current action without setting one; the struct is plain numbers.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut action) == 0 && action.sa_sigaction == libc::SIG_IGN
    }
}
