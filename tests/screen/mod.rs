//! The screen from outside: the real program in a pseudo-terminal, read by an emulator. Every byte it writes is held
//! against the list of what it may write.

mod commands;
mod conversation;
mod kills;
mod leaving;
mod links;
mod mouse;
mod neighbours;
mod window;

use crate::pty::{self, Modes, PATIENCE, Pty};
use ingle::text::audit::Auditor;
use portable_pty::CommandBuilder;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The emulator holds no more than the program draws, and no less than two cells: it fails where a line wraps in its
/// only row. The program's own window has no such bounds.
const CELLS_MIN: u16 = 2;
const COLUMNS_MAX: u16 = 1_000;
const ROWS_MAX: u16 = 500;

struct Seen {
    parser: vt100::Parser,
    auditor: Auditor,
    /// Everything written, to look for the sequences that give a terminal back.
    bytes: Vec<u8>,
    ended: bool,
}

/// One run of the program in a terminal.
pub struct Terminal {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    pty: Pty,
    /// The terminal's modes before the program.
    before: Modes,
    /// What had been written when the size was last changed.
    n_bytes_resized: usize,
}

/// The file that the program carries, as a file beside it.
const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/guide/guide.gguf");

/// What is switched on, and what undoes it: the screen, paste, focus, the keyboard's flags, the mouse, the title, the
/// cursor.
const SWITCHES: &[(&str, &str)] = &[
    ("\x1b[?1049h", "\x1b[?1049l"),
    ("\x1b[?2004h", "\x1b[?2004l"),
    ("\x1b[?1004h", "\x1b[?1004l"),
    ("\x1b[>1u", "\x1b[<u"),
    ("\x1b[>4;1m", "\x1b[>4m"),
    ("\x1b[?1000h", "\x1b[?1000l"),
    ("\x1b[?1002h", "\x1b[?1002l"),
    ("\x1b[?1006h", "\x1b[?1006l"),
    ("\x1b[22;2t", "\x1b[23;2t"),
    ("\x1b[?2026h", "\x1b[?2026l"),
    ("\x1b[?25l", "\x1b[?25h"),
];

/// A home that outlives the runs in it.
pub struct Home(tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for the test"))
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    pub fn open(&self, columns: u16, rows: u16) -> Terminal {
        Terminal::start(&self.path(), columns, rows, &[])
    }

    pub fn open_with(&self, variables: &[(&str, &str)]) -> Terminal {
        let mut command = CommandBuilder::new("/usr/bin/env");
        command.args(variables.iter().map(|(name, value)| format!("{name}={value}")));
        command.arg(env!("CARGO_BIN_EXE_ingle"));
        Terminal::run(command, &self.path(), 80, 24)
    }

    /// What config.toml shall say, or says.
    pub fn config(&self) -> PathBuf {
        self.path().join("ingle/config.toml")
    }
}

/// Milliseconds that tests may look at a clock for; the program's own time is its own.
#[allow(clippy::disallowed_methods)] // a test outside the program has no `env`
fn now() -> Instant {
    Instant::now()
}

/// A test that failed with the lock does not make the others fail.
fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Terminal {
    pub fn start(home: &Path, columns: u16, rows: u16, arguments: &[&str]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_ingle"));
        command.args(arguments);
        Self::run(command, home, columns, rows)
    }

    /// With the plainest kernels, so that answers stream for a second each.
    pub fn slow(home: &Path, columns: u16, rows: u16) -> Self {
        let mut command = CommandBuilder::new("/usr/bin/env");
        command.args(["INGLE_CPU=scalar", env!("CARGO_BIN_EXE_ingle")]);
        Self::run(command, home, columns, rows)
    }

    /// Any command in which the program runs.
    pub fn run(mut command: CommandBuilder, home: &Path, columns: u16, rows: u16) -> Self {
        command.env_clear();
        for (name, value) in [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin")] {
            command.env(name, value);
        }
        command.env("HOME", home);
        command.env("INGLE_HOME", home.join("ingle"));
        command.cwd(home);
        let seen = Seen { parser: vt100::Parser::new(rows, columns, 0), auditor: Auditor::default(), bytes: Vec::new(), ended: false };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let shared = Arc::clone(&seen);
        let (pty, before) = Pty::start(command, pty::size(columns, rows), move |piece| {
            let mut seen = lock(&shared.0);
            seen.ended = piece.is_empty();
            seen.parser.process(piece);
            seen.auditor.feed(piece);
            seen.bytes.extend_from_slice(piece);
            shared.1.notify_all();
        });
        Self { seen, pty, before, n_bytes_resized: 0 }
    }

    /// Text is typed, `<enter>`, `<ctrl-x>`, `<f2>` and the like are pressed.
    pub fn keys(&mut self, script: &str) {
        let mut bytes = Vec::new();
        let mut rest = script;
        while let Some(c) = rest.chars().next() {
            match rest.strip_prefix('<').and_then(|r| r.split_once('>')) {
                Some((name, after)) => {
                    bytes.extend_from_slice(key(name).as_bytes());
                    rest = after;
                }
                None => {
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        self.write(&bytes);
    }

    pub fn paste(&mut self, text: &str) {
        self.write(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    fn write(&mut self, bytes: &[u8]) {
        self.pty.write(bytes);
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        let mut seen = lock(&self.seen.0);
        self.n_bytes_resized = seen.bytes.len();
        seen.parser.screen_mut().set_size(rows.clamp(CELLS_MIN, ROWS_MAX), columns.clamp(CELLS_MIN, COLUMNS_MAX));
        drop(seen);
        self.pty.resize(columns, rows);
    }

    pub fn screen(&self) -> String {
        lock(&self.seen.0).parser.screen().contents()
    }

    /// Waits until the screen is as wished; shows it when that does not come.
    pub fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        self.wait(what, |seen| is_so(&seen.parser.screen().contents()));
    }

    fn wait(&self, what: &str, is_so: impl Fn(&Seen) -> bool) {
        let deadline = now() + PATIENCE;
        let mut seen = lock(&self.seen.0);
        while !is_so(&seen) {
            let left = deadline.saturating_duration_since(now());
            assert!(!left.is_zero() && !seen.ended, "not seen: {what}\n{}", seen.parser.screen().contents());
            seen = self.seen.1.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Until something was drawn since the last change of size.
    pub fn until_drawn(&self) {
        self.wait("another frame", |seen| seen.bytes.len() > self.n_bytes_resized);
    }

    /// The most memory that the program ever held.
    pub fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pty.id())).expect("it runs");
        let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).expect("the system counts it");
        peak.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    pub fn until_text(&self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// Until the answer has its figures.
    pub fn until_answered(&self) {
        self.until("an answer's figures", |screen| screen.contains(" tok   ") && !screen.contains('▍'));
    }

    pub fn signal(&self, signal: i32) {
        self.pty.signal(signal);
    }

    /// The person closes the window, or the link drops.
    pub fn hang_up(&mut self) {
        self.pty.hang_up();
    }

    /// Waits for the program's end and gives its exit status.
    pub fn ended(&mut self) -> u32 {
        let code = self.pty.ended();
        code.unwrap_or_else(|| panic!("it does not end:\n{}", self.screen()))
    }

    pub fn ended_within(&mut self, within: Duration) -> Option<u32> {
        self.pty.ended_within(within)
    }

    /// Everything that was written, once the program is gone.
    pub fn bytes(&self) -> Vec<u8> {
        let deadline = now() + PATIENCE;
        let mut seen = lock(&self.seen.0);
        while !seen.ended {
            let left = deadline.saturating_duration_since(now());
            assert!(!left.is_zero(), "the terminal stays open");
            seen = self.seen.1.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        seen.bytes.clone()
    }

    /// The terminal is as it was: its modes, no alternate screen, the cursor there, no paste marks, no mouse, no reports.
    pub fn assert_given_back(&self) {
        self.assert_as_before(&self.bytes());
    }

    fn assert_as_before(&self, bytes: &[u8]) {
        let last = |sequence: &str| bytes.windows(sequence.len()).rposition(|w| w == sequence.as_bytes());
        for (on, off) in SWITCHES {
            assert!(last(on).is_none_or(|on| last(off) > Some(on)), "{on:?} is not undone");
        }
        assert_eq!(self.pty.modes(), self.before);
    }

    /// It is the shell's for a while.
    pub fn assert_lent(&self) {
        self.assert_as_before(&lock(&self.seen.0).bytes);
    }

    /// The program's own id where a shell runs it.
    pub fn job(&self) -> i32 {
        let id = self.pty.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("the shell runs");
        children.trim().parse().expect("it runs one program")
    }

    pub fn expect_copies(&self) {
        lock(&self.seen.0).auditor.expect_copies(true);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.pty.end();
        if std::thread::panicking() {
            return;
        }
        let seen = lock(&self.seen.0);
        let violations: Vec<String> = seen.auditor.violations().iter().map(ToString::to_string).collect();
        assert!(violations.is_empty(), "written and not on the list: {violations:#?}");
    }
}

fn key(name: &str) -> String {
    let fixed = match name {
        "enter" => "\r",
        "esc" => "\x1b",
        "tab" => "\t",
        "backspace" => "\x7f",
        "up" => "\x1b[A",
        "down" => "\x1b[B",
        "right" => "\x1b[C",
        "left" => "\x1b[D",
        "pgup" => "\x1b[5~",
        "pgdn" => "\x1b[6~",
        "f1" => "\x1bOP",
        "f2" => "\x1bOQ",
        "lt" => "<",
        _ => "",
    };
    match name.strip_prefix("ctrl-").and_then(|n| n.bytes().next()) {
        Some(letter) => char::from(letter.to_ascii_uppercase() & 0x1F).to_string(),
        None if !fixed.is_empty() => fixed.to_owned(),
        None => panic!("no key is called {name}"),
    }
}
