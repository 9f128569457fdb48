//! The terminal, taken and given back on every way out.
//!
//! Whoever leaves first gives it back; the others find nothing left to do: the pointer to what must be restored is
//! swapped out, never read twice.

use std::fs::File;
use std::io;
use std::os::fd::{IntoRawFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::Duration;

/// Nobody waits longer than this for a terminal that does not read: a stopped or dead link must not hold up the exit.
const GIVE_BACK_MS_MAX: u64 = 300;
/// A stop signal sent to the own group takes effect in other threads a moment after `kill` returns.
const STOP_TAKES: Duration = Duration::from_millis(10);

/// What to write to make the terminal the screen's, and to undo it: alternate screen, paste, focus, keys, title.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sequences {
    pub enter: Vec<u8>,
    pub leave: Vec<u8>,
}

/// What is needed to give the terminal back, readable from a signal handler.
struct Held {
    input: RawFd,
    output: RawFd,
    before: libc::termios,
    leave: Vec<u8>,
}

/// Null while the terminal is the shell's. What it points to is leaked, so that a handler never reads freed memory;
/// one small block for each time the terminal is taken.
static HELD: AtomicPtr<Held> = AtomicPtr::new(ptr::null_mut());
/// How many threads are giving the terminal back: one that finds it gone lets the others finish before it may exit.
static GIVING: AtomicUsize = AtomicUsize::new(0);
/// Held over each frame, so that a frame and the restoring bytes never mix.
static GATE: Mutex<()> = Mutex::new(());

/// The taken terminal. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Guard {
    input: RawFd,
    output: RawFd,
    sequences: Sequences,
}

impl Guard {
    /// Takes the terminal that standard input and output are on: raw mode, then `enter`.
    pub fn take(sequences: Sequences) -> io::Result<Self> {
        Self::take_on(input()?, libc::STDOUT_FILENO, sequences)
    }

    pub(super) fn take_on(input: RawFd, output: RawFd, sequences: Sequences) -> io::Result<Self> {
        let guard = Self { input, output, sequences };
        guard.take_again()?;
        Ok(guard)
    }

    /// Takes the terminal once more after it was given back: on SIGCONT, or after another program used it. What the
    /// shell has set meanwhile is what will be restored.
    pub fn take_again(&self) -> io::Result<()> {
        if is_held() {
            return Ok(());
        }
        let before = attributes(self.input)?;
        let held = Box::new(Held { input: self.input, output: self.output, before, leave: self.sequences.leave.clone() });
        // Registered before anything changes: a panic or signal between here and the end still restores.
        HELD.store(Box::into_raw(held), Ordering::SeqCst);
        let mut raw = before;
        // SAFETY: `raw` is a whole termios that tcgetattr filled.
        unsafe { libc::cfmakeraw(&mut raw) };
        let taken = set_attributes(self.input, &raw).and_then(|()| {
            let _gate = gate();
            write_within(self.output, &self.sequences.enter, GIVE_BACK_MS_MAX)
        });
        if taken.is_err() {
            give_back();
        }
        taken
    }

    /// Ctrl+Z: gives the terminal back, stops the whole job as the terminal itself would, and takes the terminal again
    /// once the shell lets the job go on. The caller then asks the size and draws everything.
    pub fn suspend(&self) -> io::Result<()> {
        give_back();
        stop_job(0);
        self.take_again()
    }

    /// SIGTSTP from outside: the same, for this process alone.
    pub fn suspend_alone(&self) -> io::Result<()> {
        give_back();
        // SAFETY: getpid has no preconditions.
        stop_job(unsafe { libc::getpid() });
        self.take_again()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

/// The descriptor that keys come from: standard input where it is a terminal, else the controlling terminal.
fn input() -> io::Result<RawFd> {
    // SAFETY: isatty only looks at the descriptor.
    if unsafe { libc::isatty(libc::STDIN_FILENO) } == 1 {
        return Ok(libc::STDIN_FILENO);
    }
    Ok(File::options().read(true).write(true).open("/dev/tty")?.into_raw_fd())
}

/// Whether a full screen can be shown: keys come from a terminal and output goes to one.
pub fn is_there() -> bool {
    // SAFETY: isatty only looks at the descriptor.
    unsafe { libc::isatty(libc::STDIN_FILENO) == 1 && libc::isatty(libc::STDOUT_FILENO) == 1 }
}

pub fn is_held() -> bool {
    !HELD.load(Ordering::SeqCst).is_null()
}

/// Writes a frame, whole, if the terminal is held; false where it is not (given back, suspended). Blocks while the
/// terminal does not read, so it belongs on the writer thread.
pub fn write(frame: &[u8]) -> io::Result<bool> {
    let _gate = gate();
    let held = HELD.load(Ordering::SeqCst);
    if held.is_null() {
        return Ok(false);
    }
    // SAFETY: what HELD points to is leaked, so it lives as long as the process.
    let output = unsafe { (*held).output };
    let mut rest = frame;
    // What is given back in the middle of a frame gets no more of it.
    while !rest.is_empty() && HELD.load(Ordering::SeqCst) == held {
        rest = &rest[write_some(output, rest)?..];
    }
    Ok(rest.is_empty())
}

/// Gives the terminal back, whoever holds it, at most once. Called by the guard, the panic hook and the signal thread.
pub fn give_back() {
    let _gate = is_held().then(|| gate_within(GIVE_BACK_MS_MAX));
    give_back_now();
}

/// The same without the gate: async-signal-safe, for the SIGBUS handler.
pub(super) fn give_back_now() {
    GIVING.fetch_add(1, Ordering::SeqCst);
    let held = HELD.swap(ptr::null_mut(), Ordering::SeqCst);
    // SAFETY: what HELD points to is leaked, so it lives as long as the process; nobody changes it.
    if let Some(held) = unsafe { held.as_ref() } {
        let _ = write_within(held.output, &held.leave, GIVE_BACK_MS_MAX);
        let _ = set_attributes(held.input, &held.before);
    }
    GIVING.fetch_sub(1, Ordering::SeqCst);
    if held.is_null() {
        wait_for_others();
    }
}

/// Async-signal-safe. Each of the others is held up by the terminal at most so long.
fn wait_for_others() {
    const STEP_MS: u64 = 5;
    for _ in 0..GIVE_BACK_MS_MAX.div_ceil(STEP_MS) {
        if GIVING.load(Ordering::SeqCst) == 0 {
            return;
        }
        // SAFETY: no descriptors to look at: only a pause.
        unsafe { libc::poll(ptr::null_mut(), 0, STEP_MS as i32) };
    }
}

fn gate() -> MutexGuard<'static, ()> {
    GATE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The gate, or nothing where a frame hangs in it: restoring matters more than a torn frame.
fn gate_within(ms: u64) -> Option<MutexGuard<'static, ()>> {
    const STEP_MS: u64 = 5;
    for _ in 0..ms.div_ceil(STEP_MS) {
        match GATE.try_lock() {
            Ok(gate) => return Some(gate),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(STEP_MS)),
        }
    }
    None
}

fn attributes(fd: RawFd) -> io::Result<libc::termios> {
    // SAFETY: termios is plain numbers, for which zeros are valid; tcgetattr fills it.
    unsafe {
        let mut attributes: libc::termios = std::mem::zeroed();
        if libc::tcgetattr(fd, &mut attributes) == 0 { Ok(attributes) } else { Err(io::Error::last_os_error()) }
    }
}

fn set_attributes(fd: RawFd, attributes: &libc::termios) -> io::Result<()> {
    loop {
        // SAFETY: `attributes` is a whole termios. TCSANOW: waiting for the output to drain could wait for ever.
        if unsafe { libc::tcsetattr(fd, libc::TCSANOW, attributes) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Async-signal-safe. Writes all, waiting for a terminal that does not read for at most `ms` at a time. Byte by byte:
/// poll promises room for one, and a longer write would block in the middle. Restoring takes about a hundred.
pub(super) fn write_within(fd: RawFd, bytes: &[u8], ms: u64) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let mut ready = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
        // SAFETY: one whole pollfd, which lives over the call.
        if unsafe { libc::poll(&mut ready, 1, i32::try_from(ms).unwrap_or(i32::MAX)) } == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        rest = &rest[write_some(fd, &rest[..1])?..];
    }
    Ok(())
}

/// How many bytes went out; 0 where a signal came between or a descriptor does not block.
fn write_some(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the pointer and length are those of a live slice.
    let n = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
    match usize::try_from(n) {
        Ok(n) => Ok(n),
        Err(_) => match io::Error::last_os_error() {
            e if e.kind() == io::ErrorKind::Interrupted => Ok(0),
            e if e.kind() == io::ErrorKind::WouldBlock => {
                let mut ready = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
                // SAFETY: one whole pollfd, which lives over the call.
                unsafe { libc::poll(&mut ready, 1, -1) };
                Ok(0)
            }
            e => Err(e),
        },
    }
}

/// Stops with SIGTSTP's own action (`pid` as for kill: 0 is the whole group, so that a script around ingle stops too),
/// then puts the handler back. Returns once the job goes on.
fn stop_job(pid: libc::pid_t) {
    // SAFETY: sigaction and kill with a valid signal and whole structs; `before` is what the first call filled.
    unsafe {
        let mut default: libc::sigaction = std::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        let mut before: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(libc::SIGTSTP, &default, &mut before) != 0 {
            return;
        }
        libc::kill(pid, libc::SIGTSTP);
        thread::sleep(STOP_TAKES);
        libc::sigaction(libc::SIGTSTP, &before, ptr::null_mut());
    }
}

/// Watches for the terminal's end from a thread of its own and calls `lost` once: the program that shows it was
/// closed, or the link dropped. crossterm would spin on it. Needed beside SIGHUP, which may be ignored or, without a
/// controlling terminal, never come.
pub fn watch(lost: impl FnOnce() + Send + 'static) -> io::Result<()> {
    watch_on(input()?, lost)
}

pub(super) fn watch_on(fd: RawFd, lost: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let wait = move || {
        loop {
            // No event asked for: only hang-up and error, which poll always tells.
            let mut state = libc::pollfd { fd, events: 0, revents: 0 };
            // SAFETY: one whole pollfd, which lives over the call.
            let n = unsafe { libc::poll(&mut state, 1, -1) };
            if n > 0 && state.revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0 {
                return lost();
            }
            if n < 0 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return;
            }
        }
    };
    thread::Builder::new().name("terminal-watch".to_owned()).spawn(wait)?;
    Ok(())
}
