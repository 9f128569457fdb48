//! A disk that fails for a while: one sentence, nothing old lost, on it goes once the disk does.

use super::*;
use std::io::Read;

/// System calls that fail, with which error, from which of them on and for how many.
const FAULTS: &[(&str, &str, &[u32], u32)] = &[
    ("fsync", "EIO", &[1, 2, 4, 7], 1),
    ("pwrite64", "ENOSPC", &[1, 4, 9, 20, 40], 3),
    ("pwrite64", "EIO", &[2, 12, 30], 1),
    ("pwrite64", "EROFS", &[25], 2),
    ("ftruncate", "EIO", &[1, 2, 3], 1),
];
const MESSAGES: usize = 6;

#[test]
#[ignore = "runs on a failing disk, by a_failing_disk_loses_nothing_and_is_told_once"]
fn says_what_it_stores() {
    println!();
    let (tell, told) = channel();
    let folders = Folders::within(&child_home());
    let history = match History::open(&folders, NOW, move |event| drop(tell.send(event))) {
        Ok((history, opened)) if !opened.is_read_only => history,
        Ok((_, opened)) => return opened.notes.iter().for_each(|note| println!("refused: {note}")),
        Err(error) => return println!("refused: {}", error.report()),
    };
    let id = conversation();
    let mut waiting: Vec<Receipt> = Vec::new();
    for n in 0..MESSAGES {
        let write = message(id, None, Role::User, &format!("new {n}"));
        waiting.push(Receipt::Message(write.id));
        history.write(Write::Message(write)).expect("there is room");
        // One by one, so that each is a transaction of its own.
        while waiting.len() == 1 {
            match told.recv_timeout(PATIENCE).expect("the history answers") {
                HistoryEvent::Stored(receipt) => waiting.retain(|r| *r != receipt),
                HistoryEvent::Stalled(report) => println!("stalled: {report}"),
                HistoryEvent::Flowing => println!("flowing"),
                HistoryEvent::Note(report) => println!("note: {report}"),
                refused => panic!("{refused:?}"),
            }
        }
    }
    history.close(PATIENCE).expect("all is stored");
    println!("stored");
}

#[test]
fn a_failing_disk_loses_nothing_and_is_told_once() {
    if !trace::is_there() {
        return eprintln!("skipped: no strace to make calls fail");
    }
    let cases = FAULTS.iter().flat_map(|(call, error, from, n)| from.iter().map(move |from| (call, error, *from, *n)));
    let run = |(call, error, from, n): (&&str, &&str, u32, u32)| {
        let home = tempfile::tempdir().expect("a folder for the test");
        let (history, told) = open(home.path());
        let old = message(conversation(), None, Role::User, "old");
        let receipt = Receipt::Message(old.id);
        history.write(Write::Message(old)).expect("there is room");
        stored(&told, &receipt);
        history.close(PATIENCE).expect("all is stored");
        let inject = format!("inject={call}:error={error}:when={from}..{}", from + n - 1);
        let child = trace::run("faults::disk_errors::says_what_it_stores", home.path(), &["-o", "/dev/null", "-e", &inject]);
        (inject, home, child)
    };
    // All at once: each waits a second before it tries again.
    let running: Vec<_> = cases.map(run).collect();
    let mut n_stalled = 0;
    for (fault, home, mut child) in running {
        let mut said = String::new();
        child.stdout.take().expect("it was asked for").read_to_string(&mut said).expect("it is text");
        let done = child.wait().expect("it ends");
        let n = |start: &str| said.lines().filter(|l| l.starts_with(start)).count();
        let was_refused = n("refused: ") == 1;
        assert!(done.success() && n("stored") + n("refused: ") == 1, "{fault}: {said}");
        assert!(n("stalled: ") == n("flowing") && n("stalled: ") <= 1, "{fault}: {said}");
        n_stalled += n("stalled: ");
        let (history, _told) = open(home.path());
        let rows = history.reader().and_then(|r| r.conversations(10)).expect("it can be read");
        let n_nodes: u64 = rows.iter().map(|r| r.n_nodes).sum();
        assert!(rows.iter().any(|r| r.title == "old"), "{fault}: what was old is lost");
        assert_eq!(n_nodes, if was_refused { 1 } else { 1 + MESSAGES as u64 }, "{fault}: {said}");
        assert_eq!(integrity(home.path()), "ok", "{fault}");
        eprintln!("{fault}: {}", said.lines().find(|l| l.starts_with("refused") || l.starts_with("stalled")).unwrap_or("not noticed"));
    }
    assert!(n_stalled >= 3, "{n_stalled} faults hit a write");
}
