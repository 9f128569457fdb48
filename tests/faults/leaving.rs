//! Every way out gives the terminal back: modes as before, what was switched on switched off, the right exit status.
//! A child takes the terminal through `sys` as the screen does; marks stand for the sequences, so that their order shows.

use super::HOME;
use crate::pty::{Modes, PATIENCE, Pty, kill};
use ingle::sys::signals::{self, Signal};
use ingle::sys::terminal::{self, Guard, Sequences};
use ingle::sys::{maps, panics};
use portable_pty::{CommandBuilder, PtySize};
use std::fs::File;
use std::sync::mpsc::{Receiver, channel};
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
        "panic here" => panic!("as asked"),
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

/// A child in a terminal, and what it wrote so far.
struct Stage {
    pty: Pty,
    pieces: Receiver<Vec<u8>>,
    seen: String,
    before: Modes,
}

impl Stage {
    /// Runs the child through a shell: `{}` in the script is the child's command line.
    fn new(script: &str, how: &str) -> Self {
        let exe = std::env::current_exe().expect("a test knows its own file");
        let line = format!("'{}' --exact faults::leaving::takes_the_terminal --ignored --nocapture --test-threads=1", exe.display());
        let mut command = CommandBuilder::new("/bin/sh");
        command.args(["-c", &script.replace("{}", &line)]);
        command.env(HOW, how);
        command.env(HOME, std::env::temp_dir().join(format!("ingle-leaving-{}", std::process::id())));
        let (tell, pieces) = channel();
        let pass_on = move |piece: &[u8]| {
            // Nobody reads when the test is over.
            let _ = tell.send(piece.to_vec());
        };
        let (pty, before) = Pty::start(command, PtySize::default(), pass_on);
        Self { pty, pieces, seen: String::new(), before }
    }

    /// Waits until this was written, and takes it and all before it away.
    fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let piece = self.pieces.recv_timeout(PATIENCE).ok().filter(|p| !p.is_empty());
            let piece = piece.unwrap_or_else(|| panic!("no {text:?} after {:?}", self.seen));
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
        self.pty.modes()
    }

    fn code(&mut self) -> u32 {
        self.pty.ended().expect("it ends")
    }
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

    // In a thread of its own; in the one that leaves, whose code is then the test harness' own.
    for (how, code) in [("panic", 7), ("panic here", 101)] {
        let mut stage = Stage::new("exec {}", how);
        let before = stage.until("panicked: as asked at tests/faults/leaving.rs:");
        assert!(before.contains("<out>"), "restored first, then told: {before}");
        assert_eq!(stage.code(), code, "{how}");
        assert_eq!(stage.modes(), stage.before, "{how}");
    }
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
    stage.pty.write(b"\n");
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
        stage.pty.hang_up();
        assert_eq!(stage.code(), 129, "{script}");
    }
}
