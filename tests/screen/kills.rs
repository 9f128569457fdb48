//! Shown as sent is on disk: the program is killed at any moment, and what its terminal showed is compared with what its
//! database holds.

use super::{Home, Terminal, lock, now};
use crate::dice::Dice;
use ingle::config::Folders;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// `INGLE_KILLS=1000` for the long form.
const KILLS: &str = "INGLE_KILLS";
const KILLS_SHORT: u64 = 4;
/// The moment of a kill is within so long after the first key: sending, answers that stream, the next in the queue.
const MOMENT_MS_MAX: u64 = 2_000;
const QUESTIONS: u64 = 3;
/// An answer is on disk at the latest 250 ms after it was shown; a machine that does much else adds to that.
const LAG_MAX: Duration = Duration::from_millis(1_250);

/// What the terminal showed, and when.
struct Showing {
    at: Instant,
    screen: String,
}

#[test]
fn what_was_shown_survives_every_kill() {
    let n_kills = std::env::var(KILLS).ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS_SHORT);
    let home = Home::new();
    let mut dice = Dice(0x1961_0713);
    let (mut n_sent, mut n_answers, mut worst) = (0, 0, Duration::ZERO);
    for kill in 0..n_kills {
        let (shown, killed_at) = talk_until_killed(&home, kill, Duration::from_millis(dice.below(MOMENT_MS_MAX)));
        let stored = Stored::read(&home.path());
        let sent: BTreeSet<&str> = shown.iter().flat_map(|s| s.screen.lines().filter_map(|l| l.trim().strip_prefix("▎ "))).collect();
        for question in &sent {
            assert!(stored.questions.iter().any(|q| q == question), "kill {kill}: {question:?} was shown as sent and is lost");
        }
        let lost = shown.iter().find(|s| !answers(&s.screen).iter().all(|a| stored.holds(a)));
        worst = worst.max(lost.map_or(Duration::ZERO, |s| killed_at.saturating_duration_since(s.at)));
        n_sent += sent.len();
        n_answers += shown.last().map_or(0, |s| answers(&s.screen).len());
    }
    eprintln!("{n_kills} kills: {n_sent} messages shown as sent, 0 lost; {n_answers} answers, at most their last {worst:?} lost");
    assert!(worst <= LAG_MAX, "{worst:?} of an answer is lost");
}

/// Asks in a new conversation, several questions one behind the other, until the moment has come.
fn talk_until_killed(home: &Home, round: u64, moment: Duration) -> (Vec<Showing>, Instant) {
    let mut terminal = Terminal::slow(&home.path(), 80, 60);
    terminal.until("the guide is loaded", |s| s.contains("● "));
    let kill_at = now() + moment;
    terminal.keys("<ctrl-n>");
    for n in 0..QUESTIONS {
        terminal.keys(&format!("Tell me everything about ingle {round}.{n}<enter>"));
    }
    let mut shown = watch(&terminal, kill_at);
    let killed_at = now();
    terminal.signal(libc::SIGKILL);
    terminal.ended();
    terminal.bytes();
    shown.push(Showing { at: killed_at, screen: terminal.screen() });
    (shown, killed_at)
}

/// Every screen that was there to be seen, until the time has come.
fn watch(terminal: &Terminal, until: Instant) -> Vec<Showing> {
    let mut shown = Vec::new();
    let mut seen = lock(&terminal.seen.0);
    loop {
        let at = now();
        shown.push(Showing { at, screen: seen.parser.screen().contents() });
        if at >= until {
            return shown;
        }
        seen = terminal.seen.1.wait_timeout(seen, until - at).unwrap_or_else(std::sync::PoisonError::into_inner).0;
    }
}

/// The words of each answer on a screen: between the model's line and how it ended or the next turn.
fn answers(screen: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside = false;
    for line in screen.lines() {
        if line.starts_with("   ingle guide  Q8_0") {
            inside = true;
            found.push(String::new());
        } else if line.starts_with("   you ") || line.contains(" tok   ") || line.contains("interrupted") || line.contains("───") {
            inside = false;
        } else if let (true, Some(answer)) = (inside, found.last_mut()) {
            answer.push_str(&words(line));
        }
    }
    found
}

/// Without spaces, line breaks and marks of markdown.
fn words(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// What the database holds after a kill.
struct Stored {
    questions: Vec<String>,
    /// As words.
    answers: Vec<String>,
}

impl Stored {
    fn read(home: &Path) -> Self {
        let db = rusqlite::Connection::open(Folders::within(&home.join("ingle")).history_file()).expect("the database opens");
        let whole: String = db.query_row("PRAGMA integrity_check", (), |r| r.get(0)).expect("it can be checked");
        assert_eq!(whole, "ok");
        let all = |sql: &str| -> Vec<String> {
            let mut rows = db.prepare(sql).expect("the tables are there");
            rows.query_map((), |r| r.get(0)).expect("it can be read").map(|r| r.expect("a text")).collect()
        };
        let questions = all("SELECT content FROM node WHERE role = 'user' AND status = 'sent'");
        let answers = all("SELECT content FROM node WHERE role = 'assistant'").iter().map(|a| words(a)).collect();
        Self { questions, answers }
    }

    fn holds(&self, answer: &str) -> bool {
        self.answers.iter().any(|a| a.contains(answer))
    }
}
