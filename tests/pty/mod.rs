//! A program in a pseudo-terminal, held so that it can be let go: no copy of the terminal's own end outlives
//! [`Pty::hang_up`], so that the program sees what it would see when a window is closed or a link drops.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Nothing here takes so long but on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How a terminal treats what is typed and written: input, output, control and local modes.
pub type Modes = (u32, u32, u32, u32);

pub struct Pty {
    /// What keeps the terminal open; absent once it was hung up.
    held: Option<Held>,
    id: i32,
    ended: Receiver<u32>,
    code: Option<u32>,
}

struct Held {
    master: Box<dyn MasterPty + Send>,
    keyboard: File,
    /// Closing it wakes the reader for its end.
    wake: PipeWriter,
    reader: JoinHandle<()>,
}

impl Pty {
    /// `take` is given all that is written, from a thread of its own, and an empty piece at the end.
    /// Given back with it: the terminal's modes before the program.
    pub fn start(command: CommandBuilder, size: PtySize, take: impl FnMut(&[u8]) + Send + 'static) -> (Self, Modes) {
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let before = modes(pair.master.as_raw_fd().expect("a descriptor"));
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let master = pair.master;
        let (keyboard, screen) = (copy(&*master), copy(&*master));
        let (asleep, wake) = std::io::pipe().expect("a pipe");
        let reader = thread::spawn(move || read(screen, &asleep, take));
        let id = child.process_id().and_then(|id| i32::try_from(id).ok()).expect("it has an id");
        let held = Some(Held { master, keyboard, wake, reader });
        (Self { held, id, ended: wait(child), code: None }, before)
    }

    fn held(&self) -> &Held {
        self.held.as_ref().expect("the terminal is open")
    }

    pub fn write(&mut self, bytes: &[u8]) {
        let keyboard = &mut self.held.as_mut().expect("the terminal is open").keyboard;
        keyboard.write_all(bytes).expect("the program reads");
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.held().master.resize(size(columns, rows)).expect("a new size");
    }

    pub fn modes(&self) -> Modes {
        modes(self.held().keyboard.as_raw_fd())
    }

    /// The person closes the window, or the link drops: every descriptor of the terminal's own end is closed.
    pub fn hang_up(&mut self) {
        if let Some(Held { master, keyboard, wake, reader }) = self.held.take() {
            drop(wake);
            let _ = reader.join();
            drop((master, keyboard));
        }
    }

    pub fn id(&self) -> i32 {
        self.id
    }

    pub fn signal(&self, signal: i32) {
        assert!(self.code.is_none(), "the program has ended");
        kill(self.id, signal);
    }

    /// Waits for the program's end: its exit status, 1 where a signal ended it.
    pub fn ended(&mut self) -> Option<u32> {
        self.ended_within(PATIENCE)
    }

    pub fn ended_within(&mut self, within: Duration) -> Option<u32> {
        if self.code.is_none() {
            self.code = self.ended.recv_timeout(within).ok();
        }
        self.code
    }

    /// Whatever it does now.
    pub fn end(&mut self) {
        if self.ended_within(Duration::ZERO).is_none() {
            kill(self.id, libc::SIGKILL);
            self.ended();
        }
        self.hang_up();
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.end();
    }
}

pub fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

pub fn kill(id: i32, signal: i32) {
    // SAFETY: kill has no preconditions.
    unsafe { libc::kill(id, signal) };
}

fn copy(master: &dyn MasterPty) -> File {
    let fd = master.as_raw_fd().expect("a descriptor");
    // SAFETY: the master is open over the call.
    unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned().expect("a copy").into()
}

/// Waits for the child from a thread of its own, so that its end can be waited for with a limit.
fn wait(mut child: Box<dyn Child + Send + Sync>) -> Receiver<u32> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let code = child.wait().expect("it is ours").exit_code();
        // Nobody asks when the test is over.
        let _ = tell.send(code);
    });
    told
}

/// Reads until the program has closed the terminal, or until it is woken.
fn read(mut screen: File, asleep: &PipeReader, mut take: impl FnMut(&[u8])) {
    let mut piece = [0; 4096];
    let ready = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    loop {
        let mut both = [ready(screen.as_raw_fd()), ready(asleep.as_raw_fd())];
        // SAFETY: two whole pollfds; both descriptors are open.
        unsafe { libc::poll(both.as_mut_ptr(), 2, -1) };
        let n = match both[1].revents {
            0 => screen.read(&mut piece).unwrap_or(0),
            _ => 0,
        };
        take(&piece[..n]);
        if n == 0 {
            return;
        }
    }
}

fn modes(fd: RawFd) -> Modes {
    // SAFETY: tcgetattr fills the struct, which is plain numbers.
    unsafe {
        let mut t: libc::termios = std::mem::zeroed();
        assert_eq!(libc::tcgetattr(fd, &mut t), 0);
        (t.c_iflag as u32, t.c_oflag as u32, t.c_cflag as u32, t.c_lflag as u32)
    }
}
