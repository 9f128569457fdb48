//! A power cut at every sync in turn: what was not synced is lost, kept or torn, the history is opened on what is left,
//! and everything that was told as stored must be there.

use super::trace::{self, Disk, Done, Keeps, Op};
use super::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread;

/// Cuts before each sync: one that keeps nothing, one that keeps all, and so many that keep some.
const TORN: &str = "INGLE_TORN";
const TORN_SHORT: u64 = 1;
/// An answer is on disk at the latest 250 ms after it was said; tracing slows both, and a busy machine adds to that.
const LAG_MAX_S: f64 = 2.0;

/// Messages, answers that grow, a deletion, an end; says what it was told, then does it once more on what is there.
#[test]
#[ignore = "talks under strace; run by a_power_cut_loses_nothing_that_was_stored"]
fn talks_and_says() {
    println!();
    for round in 0..2 {
        let (history, told) = open(&child_home());
        let gone = conversation();
        let first = message(gone, None, Role::User, "this one is deleted");
        let receipt = Receipt::Message(first.id);
        history.write(Write::Message(first)).expect("there is room");
        stored(&told, &receipt);
        let id = conversation();
        let mut parent = None;
        for n in 0..3 {
            let question = message(id, parent, Role::User, &format!("question {round}.{n}"));
            let node = question.id;
            history.write(Write::Message(question)).expect("there is room");
            stored(&told, &Receipt::Message(node));
            println!("stored question {round}.{n}");
            let answer = message(id, Some(node), Role::Assistant, "");
            let node = answer.id;
            history.write(Write::Begin(answer)).expect("there is room");
            stored(&told, &Receipt::Begin(node));
            let mut whole = String::new();
            for word in 0..25 {
                let word = format!("{round}.{n}.{word} ");
                history.write(grow(node, &word)).expect("there is room");
                whole.push_str(&word);
                println!("grown {whole}");
                // As a model answers: several flushes are due meanwhile.
                thread::sleep(Duration::from_millis(10));
            }
            history.write(end(node)).expect("there is room");
            stored(&told, &Receipt::End(node));
            println!("stored {whole}");
            parent = Some(node);
        }
        history.write(Write::Delete { conversation: gone }).expect("there is room");
        stored(&told, &Receipt::Delete(gone));
        history.close(PATIENCE).expect("all is stored");
    }
}

#[test]
fn a_power_cut_loses_nothing_that_was_stored() {
    if !trace::is_there() {
        return eprintln!("skipped: no strace to see what is synced");
    }
    let home = tempfile::tempdir().expect("a folder for the test");
    let log = tempfile::NamedTempFile::new().expect("a file for the test");
    let done = trace::record("faults::power_cut::talks_and_says", home.path(), log.path());
    let (mut disk, mut told) = (Disk::default(), Told::default());
    let torn = std::env::var(TORN).ok().and_then(|n| n.parse().ok()).unwrap_or(TORN_SHORT);
    let (mut n_syncs, mut n_cuts, mut worst) = (0, 0, 0.0f64);
    for Done { at, op } in &done {
        if matches!(op, Op::Sync(_)) {
            let some = (0..torn).map(move |n| Keeps::Some(n_syncs * torn + n));
            for keeps in [Keeps::Nothing, Keeps::All].into_iter().chain(some) {
                let left = texts_after(&disk.after_a_cut(keeps), home.path());
                worst = worst.max(told.check(&left, *at, &format!("before sync {n_syncs}, {keeps:?}")));
                n_cuts += 1;
            }
            n_syncs += 1;
        }
        disk.does(op);
        told.hears(*at, op);
    }
    told.check(&texts_after(&disk.after_a_cut(Keeps::Nothing), home.path()), 0.0, "after the last sync");
    eprintln!("{n_cuts} cuts around {n_syncs} syncs: {} texts stored, 0 lost; of an answer at most {worst:.2} s", told.stored.len());
    assert!(n_syncs > 20 && told.stored.len() == 12, "{n_syncs} syncs, {} texts", told.stored.len());
    assert!(worst < LAG_MAX_S, "{worst} s of an answer are lost");
}

/// What the program had said until a moment.
#[derive(Default)]
struct Told {
    stored: Vec<String>,
    grown: Vec<(f64, String)>,
}

impl Told {
    fn hears(&mut self, at: f64, op: &Op) {
        let Op::Said(lines) = op else { return };
        for line in lines.lines() {
            if let Some(text) = line.strip_prefix("stored ") {
                self.stored.push(text.to_owned());
            } else if let Some(text) = line.strip_prefix("grown ") {
                self.grown.push((at, text.to_owned()));
            }
        }
    }

    /// How many seconds of an answer are lost.
    fn check(&self, left: &[String], now: f64, when: &str) -> f64 {
        for text in &self.stored {
            assert!(left.contains(text), "{when}: {text:?} was stored and is lost");
        }
        let lost = self.grown.iter().find(|(_, text)| !left.iter().any(|t| t.starts_with(text)));
        lost.map_or(0.0, |(at, _)| now - at)
    }
}

/// What the history holds when it is opened after a cut.
fn texts_after(files: &BTreeMap<PathBuf, Vec<u8>>, home: &Path) -> Vec<String> {
    let after = tempfile::tempdir().expect("a folder for the test");
    for (path, bytes) in files {
        let to = after.path().join(path.strip_prefix(home).expect("all of it lies there"));
        std::fs::create_dir_all(to.parent().expect("it has one")).expect("a folder");
        std::fs::write(to, bytes).expect("a file");
    }
    let folders = Folders::within(after.path());
    let (history, opened) = History::open(&folders, NOW, drop).expect("it opens after a cut");
    assert_eq!(opened.notes, [], "nothing was damaged");
    history.close(PATIENCE).expect("it closes");
    assert_eq!(integrity(after.path()), "ok");
    let db = rusqlite::Connection::open(folders.history_file()).expect("the database opens");
    let mut rows = db.prepare("SELECT content FROM node").expect("the table is there");
    rows.query_map((), |r| r.get(0)).expect("it can be read").map(|r| r.expect("a text")).collect()
}
