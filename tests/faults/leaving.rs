//! Every way out gives the terminal back: modes as before, what was switched on switched off, the right exit status.
//! A child takes the terminal through `sys` as the screen does; marks stand for the sequences, so that their order shows.

use super::{HOME, PATIENCE};
use ingle::sys::signals::{self, Signal};
use ingle::sys::terminal::{self, Guard, Sequences};
use ingle::sys::{maps, panics};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::fs::File;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// How a child leaves by itself.
const HOW: &str = "INGLE_TEST_LEAVE";

#[test]
#[ignore = "takes a terminal; run by the tests below"]
fn takes_the_terminal() {
    let how = std::env::var(HOW).unwrap_or_default();
    let (tell, told) = channel();
    let tell_panic = tell.clone();
    panics::install(move |panicked| {
        eprintln!("panicked: {} at {}", panicked.message, panicked.place);
        let _ = tell_panic.send(Signal::Leave(0));
    });
    let guard = Guard::take(Sequences { enter: b"<in>".to_vec(), leave: b"<out>".to_vec() }).expect("there is a terminal");
    let tell_lost = tell.clone();
    let tell_signal = move |signal| {
        // Nobody listens any more when it leaves.
        let _ = tell.send(signal);
    };
    signals::listen(tell_signal).expect("signals can be listened to");
    terminal::watch(move || {
        signals::leave_within(signals::lost_exit_code());
        let _ = tell_lost.send(Signal::Leave(1));
    })
    .expect("the terminal can be watched");
    println!("ready {}", std::process::id());
    match how.as_str() {
        "quit" => drop(guard),
        "panic" => drop(thread::spawn(|| panic!("as asked")).join()),
        "bus" => touch_a_cut_file(),
        // Told to leave, it does not: the clock ends it.
        "hang" => loop {
            thread::park();
        },
        _ => {
            for signal in told {
                match signal {
                    Signal::Leave(number) => {
                        drop(guard);
                        std::process::exit(i32::from(signals::exit_code(number)));
                    }
                    Signal::Suspend => guard.suspend_alone().expect("the terminal can be taken again"),
                    Signal::Continue => guard.take_again().expect("the terminal can be taken again"),
                    Signal::Resized => {}
                }
            }
        }
    }
    std::process::exit(7);
}

fn touch_a_cut_file() {
    let path = std::env::var_os(HOME).expect("a file");
    let file = File::options().create(true).truncate(true).read(true).write(true).open(&path).expect("a file");
    std::fs::remove_file(&path).expect("what is open stays");
    file.set_len(1 << 16).expect("it grows");
    // SAFETY: it is cut below; that is what is tested.
    let map = unsafe { memmap2::Mmap::map(&file).expect("a map") };
    let _watched = maps::watch(&map, "model.gguf");
    file.set_len(1).expect("it shrinks");
    std::hint::black_box(map[map.len() - 1]);
}

/// A pseudo-terminal with a child in it, and what it wrote so far.
struct Stage {
    master: Option<Box<dyn MasterPty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    reader: Option<thread::JoinHandle<()>>,
    is_closed: Arc<AtomicBool>,
    pieces: Receiver<Vec<u8>>,
    seen: String,
    before: Modes,
}

type Modes = (u32, u32, u32, u32);

impl Stage {
    /// Runs the child through a shell: `{}` in the script is the child's command line.
    fn new(script: &str, how: &str) -> Self {
        let pair = native_pty_system().openpty(PtySize::default()).expect("a pseudo-terminal");
        let before = modes(pair.master.as_raw_fd().expect("a descriptor"));
        let exe = std::env::current_exe().expect("a test knows its own file");
        let line = format!("'{}' --exact faults::leaving::takes_the_terminal --ignored --nocapture --test-threads=1", exe.display());
        let mut command = CommandBuilder::new("/bin/sh");
        command.args(["-c", &script.replace("{}", &line)]);
        command.env(HOW, how);
        command.env(HOME, std::env::temp_dir().join(format!("ingle-leaving-{}", std::process::id())));
        let child = pair.slave.spawn_command(command).expect("a shell");
        let (tell, pieces) = channel();
        let is_closed = Arc::new(AtomicBool::new(false));
        let (fd, stop) = (pair.master.as_raw_fd().expect("a descriptor"), Arc::clone(&is_closed));
        let reader = thread::spawn(move || pass_on(fd, &stop, &tell));
        Self { master: Some(pair.master), child, reader: Some(reader), is_closed, pieces, seen: String::new(), before }
    }

    /// Closes the terminal as a window that is closed does.
    fn close(&mut self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.reader.take().map(thread::JoinHandle::join);
        drop(self.master.take());
    }

    /// Waits until this was written, and takes it and all before it away.
    fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let piece = self.pieces.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {text:?} after {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&piece));
        }
    }

    /// The child's id, once it holds the terminal.
    fn ready(&mut self) -> i32 {
        self.until("<in>");
        self.until("ready ");
        let id = self.until("\n").trim().parse().expect("an id");
        assert_ne!(self.modes(), self.before, "raw");
        id
    }

    fn modes(&self) -> Modes {
        modes(self.master.as_ref().and_then(|m| m.as_raw_fd()).expect("it is open"))
    }

    fn code(&mut self) -> u32 {
        self.child.wait().expect("it is ours").exit_code()
    }
}

/// Reads from the terminal on its own descriptor, not a copy, which would keep it open after it is closed.
fn pass_on(fd: RawFd, stop: &AtomicBool, tell: &Sender<Vec<u8>>) {
    const LOOK_MS: i32 = 20;
    let mut piece = [0u8; 4096];
    while !stop.load(Ordering::SeqCst) {
        let mut ready = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: one whole pollfd; the buffer's own pointer and length; the descriptor is open until this ends.
        let n = unsafe {
            match libc::poll(&mut ready, 1, LOOK_MS) {
                0 => continue,
                _ => libc::read(fd, piece.as_mut_ptr().cast(), piece.len()),
            }
        };
        match usize::try_from(n) {
            Ok(n) if n > 0 && tell.send(piece[..n].to_vec()).is_ok() => {}
            _ => return,
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.close();
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

fn kill(id: i32, signal: i32) {
    // SAFETY: kill has no preconditions; the id is the child's, which still runs.
    assert_eq!(unsafe { libc::kill(id, signal) }, 0);
}

#[test]
fn each_signal_gives_the_terminal_back_and_its_own_status() {
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
        let mut stage = Stage::new("exec {}", "");
        kill(stage.ready(), signal);
        stage.until("<out>");
        assert_eq!(stage.code(), 128 + signal as u32);
        assert_eq!(stage.modes(), stage.before, "signal {signal}");
    }
}

#[test]
fn quitting_and_panics_give_it_back() {
    let mut stage = Stage::new("exec {}", "quit");
    stage.until("<out>");
    assert_eq!(stage.code(), 7);
    assert_eq!(stage.modes(), stage.before);

    let mut stage = Stage::new("exec {}", "panic");
    let before = stage.until("panicked: as asked at tests/faults/leaving.rs:");
    assert!(before.contains("<out>"), "restored first, then told: {before}");
    assert_eq!(stage.code(), 7);
    assert_eq!(stage.modes(), stage.before);
}

#[test]
fn a_file_that_shrinks_gives_it_back_and_is_named() {
    let mut stage = Stage::new("exec {}", "bus");
    stage.until("<out>");
    stage.until("error: model.gguf became shorter while it was in use.");
    assert_eq!(stage.code(), 1);
    assert_eq!(stage.modes(), stage.before);
}

#[test]
fn who_does_not_leave_in_time_is_ended() {
    let mut stage = Stage::new("exec {}", "hang");
    kill(stage.ready(), libc::SIGTERM);
    stage.until("<out>");
    assert_eq!(stage.code(), 128 + libc::SIGTERM as u32);
    assert_eq!(stage.modes(), stage.before);
}

#[test]
fn suspended_and_brought_back() {
    let mut stage = Stage::new("set -m; {}; echo \"stopped $?\"; read line; fg; echo \"left $?\"", "");
    let id = stage.ready();
    kill(id, libc::SIGTSTP);
    stage.until("<out>");
    stage.until(&format!("stopped {}", 128 + libc::SIGTSTP));
    assert_eq!(stage.modes(), stage.before, "the shell's while it is stopped");
    let mut keyboard = stage.master.as_ref().and_then(|m| m.take_writer().ok()).expect("a keyboard");
    std::io::Write::write_all(&mut keyboard, b"\n").expect("it takes keys");
    stage.until("<in>");
    kill(id, libc::SIGTERM);
    stage.until("<out>");
    stage.until(&format!("left {}", 128 + libc::SIGTERM));
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    for script in ["exec {}", "trap '' HUP; exec {}"] {
        let mut stage = Stage::new(script, "");
        stage.ready();
        stage.close();
        assert_eq!(stage.code(), 129, "{script}");
    }
}
