//! Every way out: the terminal comes back, and what was said is there.

use super::{Home, Terminal};
use portable_pty::CommandBuilder;
use std::time::Duration;

/// A link that is gone takes the program with it within a second, and a busy machine adds to that.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// Asks, until the answer streams.
fn answer(terminal: &mut Terminal) {
    terminal.until_text("A small guide answers here");
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
fn control_c_twice_quits() {
    let home = Home::new();
    let mut terminal = home.open(80, 24);
    terminal.until_text("A small guide answers here");
    terminal.keys("<ctrl-c>");
    terminal.until_text("Ctrl+C again quits");
    // Both at once: on a busy machine the first may be long ago by now.
    terminal.keys("<ctrl-c><ctrl-c>");
    assert_eq!(terminal.ended(), 0);
    terminal.assert_given_back();
}

#[test]
fn signals_end_it_with_their_code_and_the_terminal_is_given_back() {
    for (signal, code) in [(libc::SIGTERM, 143), (libc::SIGHUP, 129), (libc::SIGINT, 130), (libc::SIGQUIT, 131)] {
        let home = Home::new();
        let mut terminal = answering(&home);
        terminal.keys("half a thou");
        terminal.until_text("half a thou");
        terminal.signal(signal);
        assert_eq!(terminal.ended(), code, "signal {signal}");
        terminal.assert_given_back();
        let again = home.open(80, 24);
        again.until("what was said, and what was typed", |s| s.contains("Tell me everything") && s.contains("half a thou"));
    }
}

/// Which way the program is told, or not told, that its terminal is gone: before it starts, and whether the terminal
/// is its controlling one.
const LINKS: &[(&str, &str, bool)] =
    &[("SIGHUP comes", "", true), ("SIGHUP is ignored", "trap '' HUP; ", true), ("no controlling terminal", "", false)];

/// The guide is quick: an answer may be whole before the link drops. Then another is asked for.
const TRIES: u32 = 20;

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

#[test]
fn a_kill_loses_nothing_that_was_shown_as_sent() {
    let home = Home::new();
    for round in 0..5 {
        let mut terminal = home.open(80, 24);
        terminal.until("it is up", |s| s.contains("● "));
        let question = format!("Question number {round}");
        terminal.keys(&format!("<ctrl-n>{question}<enter>"));
        terminal.until("it is shown as sent", |s| s.contains(&question) && s.contains("you") && !s.contains("not stored yet"));
        terminal.signal(libc::SIGKILL);
        terminal.ended();
        let again = home.open(80, 24);
        again.until_text(&question);
    }
}

/// The shell it runs in is the terminal's: its own bytes are not held against the list.
#[test]
fn control_z_goes_to_the_shell_and_fg_comes_back() {
    let home = Home::new();
    let program = env!("CARGO_BIN_EXE_ingle");
    let script = format!(
        "import fcntl, os, pty, select, struct, termios, time\n\
         pid, fd = pty.fork()\n\
         if pid == 0: os.execvp('bash', ['bash', '--norc', '-i'])\n\
         fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))\n\
         seen = b''\n\
         def until(text):\n\
         \x20 global seen\n\
         \x20 end = time.monotonic() + 60\n\
         \x20 while text not in seen:\n\
         \x20   assert time.monotonic() < end, seen[-3000:]\n\
         \x20   if select.select([fd], [], [], 0.2)[0]: seen += os.read(fd, 65536)\n\
         \x20 seen = seen.split(text, 1)[1]\n\
         os.write(fd, b'{program}\\n'); until(b'small guide')\n\
         os.write(fd, b'\\x1a'); until(b'1049l'); until(b'Stopped')\n\
         os.write(fd, b'fg\\n'); until(b'1049h'); until(b'small guide')\n\
         os.write(fd, b'\\x04'); until(b'1049l')\n"
    );
    let run = std::process::Command::new("python3")
        .args(["-c", &script])
        .env("HOME", home.path())
        .env("INGLE_HOME", home.path().join("ingle"))
        .env("TERM", "xterm-256color")
        .output();
    match run {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => eprintln!("skipped: no python3 to be a shell's terminal: {error}"),
    }
}
