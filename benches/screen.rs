//! What a person feels of the screen, measured on the real program in a pseudo-terminal.
//!
//! `cargo bench --bench screen [-- MODEL]`: first frame, key press to screen while tokens stream, processor and bytes
//! while idle, bytes to the terminal for each streamed token, resident memory. With the guide where no MODEL is named;
//! a MODEL that answers at length gives the streaming figures more samples, and all processors work for it: then keys are
//! timed while a long prompt is prefilled, too, and all of it once more while another process takes a core.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// With the panel of gauges, and without.
const WIDE: (u16, u16) = (120, 36);
const NARROW: (u16, u16) = (80, 24);
const STARTS: usize = 21;
const KEYS: usize = 200;
const IDLE: Duration = Duration::from_secs(20);
/// Idle begins where nothing was drawn for so long: longer than the gauges stay awake after a key.
const QUIET: Duration = Duration::from_secs(8);
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// Letters to a line of the prompt, while an answer comes.
const LETTERS: usize = 40;
/// Questions to a long prompt: some thousand tokens.
const LONG: usize = 60;
const QUESTION: &str = "Tell me everything you know about quantization, models and keys.";

/// What has come out of the terminal so far.
struct Seen {
    screen: vt100::Parser,
    bytes: u64,
    /// When the last bytes came.
    at: Instant,
}

struct Ingle {
    seen: Arc<Mutex<Seen>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    started: Instant,
    _master: Box<dyn MasterPty + Send>,
}

impl Ingle {
    fn start(home: &std::path::Path, model: Option<&str>, (cols, rows): (u16, u16)) -> Self {
        let pty = native_pty_system().openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_ingle"));
        command.env("INGLE_HOME", home);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        if let Some(model) = model {
            command.env("INGLE_MODEL", model);
        }
        let started = Instant::now();
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().unwrap();
        let seen = Arc::new(Mutex::new(Seen { screen: vt100::Parser::new(rows, cols, 0), bytes: 0, at: started }));
        let writer = seen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 {
                    break;
                }
                let mut seen = writer.lock().unwrap();
                seen.screen.process(&buffer[..n]);
                seen.bytes += n as u64;
                seen.at = Instant::now();
            }
        });
        let keys = pty.master.take_writer().unwrap();
        Self { seen, keys, child, started, _master: pty.master }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    fn type_keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the screen is as asked; when the bytes came that made it so.
    fn until(&self, what: &str, is: impl Fn(&vt100::Screen) -> bool) -> Instant {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let seen = self.seen();
            if is(seen.screen.screen()) {
                return seen.at;
            }
            drop(seen);
            std::thread::sleep(Duration::from_micros(200));
        }
        panic!("not seen: {what}\n{}", self.seen().screen.screen().contents());
    }

    fn until_text(&self, text: &str) -> Instant {
        self.until(text, |screen| screen.contents().contains(text))
    }

    fn status(&self, key: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.process_id().unwrap())).unwrap();
        let line = status.lines().find(|l| l.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Processor time so far, in clock ticks of a hundredth of a second.
    fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.process_id().unwrap())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    fn quit(mut self) {
        self.type_keys("\x03\x03\x03");
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end && self.child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
    }
}

/// A process that takes a core as long as this lives.
struct Busy(std::process::Child);

impl Busy {
    fn start() -> Self {
        Self(std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * q).round() as usize]
}

fn first_frame(home: &std::path::Path) {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let ingle = Ingle::start(home, None, WIDE);
        let at = ingle.until_text("? help");
        times.push((at - ingle.started).as_secs_f64() * 1e3);
        ingle.quit();
    }
    // The first one is not warm.
    let times = &mut times[1..];
    println!("first frame, warm        median {:6.1} ms   worst {:6.1} ms   of {}", quantile(times, 0.5), quantile(times, 1.0), STARTS - 1);
}

fn idle(ingle: &Ingle, (cols, rows): (u16, u16)) {
    let end = Instant::now() + PATIENCE;
    while ingle.seen().at.elapsed() < QUIET {
        assert!(Instant::now() < end, "it never stops drawing");
        std::thread::sleep(Duration::from_millis(100));
    }
    let (ticks, bytes, start) = (ingle.ticks(), ingle.seen().bytes, Instant::now());
    std::thread::sleep(IDLE);
    let percent = (ingle.ticks() - ticks) as f64 / start.elapsed().as_secs_f64();
    let drawn = ingle.seen().bytes - bytes;
    println!("idle, {cols:3} x {rows:<3}          {percent:6.2} % of a core   {drawn} bytes drawn in {} s", IDLE.as_secs());
}

/// Tokens told by the last answer's footer, "412 tok  17.2 tok/s ...".
fn footer_tokens(screen: &vt100::Screen) -> Option<u64> {
    let text = screen.contents();
    let line = text.lines().rev().find(|l| l.contains(" tok ") && l.contains("TTFT"))?;
    line.split(" tok ").next()?.trim().rsplit(' ').next()?.replace(',', "").parse().ok()
}

/// A run of letters in the prompt as long as the screen is so; each must be seen before the next is typed.
fn type_while(ingle: &mut Ingle, delays: &mut Vec<f64>, is: impl Fn(&vt100::Screen) -> bool) {
    let mut typed = String::new();
    while is(ingle.seen().screen.screen()) && typed.len() < LETTERS && delays.len() < KEYS {
        typed.push(char::from(b'a' + (typed.len() % 26) as u8));
        let start = Instant::now();
        ingle.type_keys(&typed[typed.len() - 1..]);
        let at = ingle.until_text(&format!("› {typed}"));
        delays.push((at.max(start) - start).as_secs_f64() * 1e3);
    }
}

fn say_delays(what: &str, delays: &mut [f64]) {
    println!(
        "key to screen, {what:<24} p50 {:6.1} ms   p95 {:6.1} ms   p99 {:6.1} ms   worst {:6.1} ms   of {}",
        quantile(delays, 0.5),
        quantile(delays, 0.95),
        quantile(delays, 0.99),
        quantile(delays, 1.0),
        delays.len()
    );
}

/// Keys while a long prompt is computed, with all processors.
fn prefilling(ingle: &mut Ingle, beside: &str) {
    let mut delays = Vec::new();
    while delays.len() < KEYS {
        ingle.type_keys(&format!("\x1b[200~{}\x1b[201~", QUESTION.repeat(LONG)));
        ingle.until_text("[pasted ");
        ingle.type_keys("\r");
        ingle.until("the prefill begins", |s| s.contents().contains('◔'));
        type_while(ingle, &mut delays, |s| s.contents().contains('◔'));
        ingle.type_keys("\x1b");
        ingle.until("the answer's footer", |s| footer_tokens(s).is_some() || !s.contents().contains('◔'));
        ingle.type_keys("\x15\x0e");
        ingle.until("an empty conversation", |s| !s.contents().contains(&QUESTION[..20]));
    }
    say_delays(&format!("prefilling{beside}"), &mut delays);
}

fn streaming(ingle: &mut Ingle, beside: &str) {
    let mut delays = Vec::new();
    let (mut tokens, mut bytes) = (0, 0);
    while delays.len() < KEYS {
        ingle.type_keys(QUESTION);
        ingle.until_text(&QUESTION[QUESTION.len() - 20..]);
        let before = ingle.seen().bytes;
        ingle.type_keys("\r");
        ingle.until("the answer begins", |s| s.contents().contains('●') && footer_tokens(s).is_none());
        let n_before = delays.len();
        type_while(ingle, &mut delays, |s| footer_tokens(s).is_none());
        let typed_bytes = (delays.len() - n_before) as u64 * 40;
        if footer_tokens(ingle.seen().screen.screen()).is_none() {
            ingle.type_keys("\x1b");
        }
        ingle.until("the answer's footer", |s| footer_tokens(s).is_some());
        tokens += footer_tokens(ingle.seen().screen.screen()).unwrap();
        bytes += ingle.seen().bytes - before - typed_bytes;
        ingle.type_keys("\x15\x0e");
        ingle.until("an empty conversation", |s| footer_tokens(s).is_none());
    }
    say_delays(&format!("streaming{beside}"), &mut delays);
    println!("bytes to the terminal    {:6.1} for each streamed token   of {tokens}", bytes as f64 / tokens as f64);
}

fn main() {
    let model = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    let home = tempfile::tempdir().unwrap();
    first_frame(home.path());
    let ingle = Ingle::start(home.path(), model.as_deref(), NARROW);
    ingle.until_text("●");
    idle(&ingle, NARROW);
    ingle.quit();
    let mut ingle = Ingle::start(home.path(), model.as_deref(), WIDE);
    ingle.until_text("●");
    idle(&ingle, WIDE);
    streaming(&mut ingle, "");
    if model.is_some() {
        prefilling(&mut ingle, "");
        let _busy = Busy::start();
        streaming(&mut ingle, ", a core taken");
        prefilling(&mut ingle, ", a core taken");
    }
    let (resident, peak) = (ingle.status("VmRSS:"), ingle.status("VmHWM:"));
    println!("resident                 {:6.1} MiB now   {:6.1} MiB at most", resident as f64 / 1024.0, peak as f64 / 1024.0);
    ingle.quit();
}
