//! Every way out: the terminal comes back, and what was said is there.

use super::{GUIDE, Home, Terminal};
use crate::pty;
use portable_pty::CommandBuilder;
use std::fs::File;
use std::time::Duration;

/// A link that is gone takes the program with it within a second, and a busy machine adds to that.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// The guide is quick: an answer may be whole before it can be disturbed. Then another is asked for.
const TRIES: u32 = 20;

/// Asks, until the answer streams.
fn answer(terminal: &mut Terminal) {
    terminal.until_text("answers here");
    terminal.keys("Tell me everything about ingle<enter>");
    terminal.until("it answers", |s| s.contains('▍') || s.contains(" tok   "));
}

/// A program in the middle of an answer.
fn answering(home: &Home) -> Terminal {
    let mut terminal = home.open(80, 24);
    answer(&mut terminal);
    terminal
}

#[test]
fn control_c_stops_the_answer_then_twice_quits() {
    let home = Home::new();
    let mut terminal = answering(&home);
    terminal.keys("<ctrl-c>");
    terminal.until_answered();
    terminal.keys("<ctrl-c>");
    terminal.until_text("Ctrl+C again quits");
    // Both at once: on a busy machine the first may be long ago by now.
    terminal.keys("<ctrl-c><ctrl-c>");
    assert_eq!(terminal.ended(), 0);
    terminal.assert_given_back();
}

/// What the program is doing when it is told to leave.
#[derive(Debug, Clone, Copy)]
enum Doing {
    /// The first frame stands; the guide is being loaded.
    Starting,
    Nothing,
    Answering,
}

impl Doing {
    const ALL: [Self; 3] = [Self::Starting, Self::Nothing, Self::Answering];

    fn reach(self, terminal: &mut Terminal) {
        match self {
            Self::Starting => terminal.until_drawn(),
            Self::Nothing => terminal.until("the guide is loaded", |s| s.contains("● ")),
            Self::Answering => answer(terminal),
        }
    }
}

/// Everything that is switched on is on, the mouse too.
fn home_with_mouse() -> Home {
    let home = Home::new();
    let folder = home.path().join("ingle");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("config.toml"), "mouse = true\n").expect("a file");
    home
}

#[derive(Debug)]
enum How {
    Keys(&'static str),
    Signal(i32),
}

const WAYS: &[(How, u32)] = &[
    // Asked again while it answers.
    (How::Keys("<ctrl-d><ctrl-d>"), 0),
    (How::Keys("/quit<enter>"), 0),
    (How::Signal(libc::SIGTERM), 143),
    (How::Signal(libc::SIGHUP), 129),
    (How::Signal(libc::SIGINT), 130),
    (How::Signal(libc::SIGQUIT), 131),
];

#[test]
fn every_way_out_at_every_time_gives_the_terminal_back() {
    for (how, code) in WAYS {
        for doing in Doing::ALL {
            let home = home_with_mouse();
            let mut terminal = home.open(80, 24);
            doing.reach(&mut terminal);
            match how {
                How::Keys(keys) => terminal.keys(keys),
                How::Signal(signal) => terminal.signal(*signal),
            }
            assert_eq!(terminal.ended(), *code, "{how:?} while {doing:?}");
            terminal.assert_given_back();
        }
    }
}

#[test]
fn told_to_leave_it_keeps_what_was_said_and_what_was_typed() {
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
        let home = Home::new();
        let mut terminal = answering(&home);
        terminal.keys("half a thou");
        terminal.until_text("half a thou");
        terminal.signal(signal);
        terminal.ended();
        let again = home.open(80, 24);
        again.until("what was said, and what was typed", |s| s.contains("Tell me everything") && s.contains("half a thou"));
    }
}

/// Stopped by a key and by a signal, the terminal is the shell's; brought back, it is the screen's again.
#[test]
fn stopped_and_brought_back_at_every_time() {
    const SHELL: &str = "set -m; \"$0\"; echo \"stopped $?\"; read -r line; fg >/dev/null; echo \"left $?\"";
    for by_key in [true, false] {
        for doing in Doing::ALL {
            let home = home_with_mouse();
            let mut command = CommandBuilder::new("/bin/sh");
            command.args(["-c", SHELL, env!("CARGO_BIN_EXE_ingle")]);
            let mut terminal = Terminal::run(command, &home.path(), 80, 24);
            doing.reach(&mut terminal);
            match by_key {
                true => terminal.keys("<ctrl-z>"),
                false => pty::kill(terminal.job(), libc::SIGTSTP),
            }
            terminal.until_text(&format!("stopped {}", 128 + libc::SIGTSTP));
            terminal.assert_lent();
            terminal.keys("<enter>");
            terminal.until("it is back", |s| s.contains("ingle") && !s.contains("stopped"));
            terminal.keys("<ctrl-x>q");
            terminal.until_text("left 0");
            assert_eq!(terminal.ended(), 0, "{doing:?}");
            terminal.assert_given_back();
        }
    }
}

/// The guide's file under a name of its own, cut while it answers. An answer that is whole by then touches it no more,
/// and one that has not begun is refused: then it is tried again.
#[test]
fn a_model_that_shrinks_while_it_answers_gives_the_terminal_back_and_is_named() {
    let is_cut = || {
        let home = home_with_mouse();
        let file = home.path().join("other.gguf");
        std::fs::copy(GUIDE, &file).expect("the guide's file");
        let mut terminal = Terminal::start(&home.path(), 80, 24, &["-m", file.to_str().expect("a name that is text")]);
        answer(&mut terminal);
        File::options().write(true).open(&file).and_then(|f| f.set_len(4096)).expect("it can be cut");
        terminal.until("its end", |s| [" tok   ", "✗ other.gguf", "became shorter"].iter().any(|t| s.contains(t)));
        if !terminal.screen().contains("became shorter") {
            return false;
        }
        assert_eq!(terminal.ended(), 1);
        terminal.assert_given_back();
        assert!(terminal.screen().contains("error: other.gguf became shorter while it was in use."), "{}", terminal.screen());
        home.open(80, 24).until_text("Tell me everything about ingle");
        true
    };
    assert!((0..TRIES).any(|_| is_cut()), "no answer was interrupted");
}

/// Which way the program is told, or not told, that its terminal is gone: before it starts, and whether the terminal
/// is its controlling one.
const LINKS: &[(&str, &str, bool)] =
    &[("SIGHUP comes", "", true), ("SIGHUP is ignored", "trap '' HUP; ", true), ("no controlling terminal", "", false)];

#[test]
fn a_dropped_link_leaves_an_answer_that_can_go_on() {
    for (how, before, controlling) in LINKS {
        let is_cut = || {
            let home = Home::new();
            let mut command = CommandBuilder::new("/bin/sh");
            command.args(["-c", &format!("{before}exec \"$0\""), env!("CARGO_BIN_EXE_ingle")]);
            command.set_controlling_tty(*controlling);
            let mut terminal = Terminal::run(command, &home.path(), 80, 24);
            answer(&mut terminal);
            terminal.hang_up();
            assert_eq!(terminal.ended_within(GONE_WITHIN), Some(129), "{how}");
            goes_on(&home)
        };
        assert!((0..TRIES).any(|_| is_cut()), "{how}: no answer was interrupted");
    }
}

/// The answer is there, and goes on to its end where it was cut; false where it was whole before.
fn goes_on(home: &Home) -> bool {
    let mut again = home.open(80, 24);
    again.until("the answer", |s| s.contains("Tell me everything about ingle") && (s.contains("interrupted") || s.contains(" tok   ")));
    if !again.screen().contains("interrupted") {
        return false;
    }
    again.until("the guide is loaded", |s| s.contains("● "));
    again.keys("<ctrl-x>c");
    again.until_answered();
    assert!(!again.screen().contains("interrupted"), "{}", again.screen());
    true
}
