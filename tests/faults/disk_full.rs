//! A full disk: one sentence, nothing lost, and on it goes once there is space.

use super::*;

const LIMIT_BYTES: u64 = 400 * 1024;

/// Files of this process may grow to so many bytes. Beyond, writing fails as on a full disk, but for the number of the
/// error, which SQLite treats alike.
fn limit_files(n_bytes: u64) {
    // SAFETY: plain calls with whole structs; the signal that would end the process is ignored.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        assert_eq!(libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit), 0);
        limit.rlim_cur = n_bytes.min(limit.rlim_max);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
}

#[test]
#[ignore = "limits its own process; run by a_full_disk_loses_nothing_and_goes_on"]
fn fills_the_disk() {
    let (history, told) = open(&child_home());
    limit_files(LIMIT_BYTES);
    let id = conversation();
    let text = "x".repeat(10_000);
    let mut receipts = Vec::new();
    let mut stalled = None;
    let mut n_stored = 0;
    while stalled.is_none() {
        let write = message(id, None, Role::User, &format!("{n_stored} {text}"));
        receipts.push(Receipt::Message(write.id));
        history.write(Write::Message(write)).expect("there is room in the queue");
        match told.recv_timeout(PATIENCE).expect("the history answers") {
            HistoryEvent::Stored(receipt) => {
                assert_eq!(receipt, receipts[n_stored]);
                n_stored += 1;
            }
            HistoryEvent::Stalled(report) => stalled = Some(report.to_string()),
            other => panic!("{other:?}"),
        }
        assert!(n_stored < 1000, "the limit holds nothing back");
    }
    println!("\nstalled after {n_stored}: {}", stalled.expect("the loop ended so"));
    // More is said meanwhile; it waits.
    for n in 0..3 {
        let write = message(id, None, Role::User, &format!("meanwhile {n}"));
        receipts.push(Receipt::Message(write.id));
        history.write(Write::Message(write)).expect("there is room in the queue");
    }
    limit_files(u64::MAX);
    assert_eq!(told.recv_timeout(PATIENCE).expect("it tries again"), HistoryEvent::Flowing);
    for receipt in &receipts[n_stored..] {
        stored(&told, receipt);
    }
    history.close(PATIENCE).expect("all is stored");
    println!("stored {}", receipts.len());
}

#[test]
fn a_full_disk_loses_nothing_and_goes_on() {
    let home = tempfile::tempdir().expect("a folder for the test");
    let done = child("faults::disk_full::fills_the_disk", home.path()).wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}");
    assert!(said.contains("history.db cannot be"), "{said}");
    let n: u64 = said.lines().find_map(|l| l.strip_prefix("stored ")).expect("it says how many").parse().expect("a number");
    let (history, _told) = open(home.path());
    assert_eq!(history.reader().expect("it can be read").conversations(1).expect("it can be read")[0].n_nodes, n);
    assert_eq!(integrity(home.path()), "ok");
}
