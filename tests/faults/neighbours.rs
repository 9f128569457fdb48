//! Several ingles on one database, each a process of its own.

use super::*;

const MESSAGES: u64 = 150;

#[test]
#[ignore = "one of several; run by two_writers_and_a_deleter_do_not_disturb_each_other"]
fn writes_many() {
    let (history, told) = open(&child_home());
    for n in 0..MESSAGES {
        let write = message(conversation(), None, Role::User, &format!("kept {n}"));
        let receipt = Receipt::Message(write.id);
        history.write(Write::Message(write)).expect("there is room");
        stored(&told, &receipt);
    }
    history.close(PATIENCE).expect("all is stored");
}

#[test]
fn two_writers_and_a_deleter_do_not_disturb_each_other() {
    let home = tempfile::tempdir().expect("a folder for the test");
    let writers = [(); 2].map(|()| child("faults::neighbours::writes_many", home.path()));
    let (history, told) = open(home.path());
    // Each deletion ends, when idle, in VACUUM, checkpoint and new backups, beside the others' writes.
    for n in 0..20 {
        let (id, gone) = (conversation(), format!("gone {n}"));
        let write = message(id, None, Role::User, &gone);
        let receipt = Receipt::Message(write.id);
        history.write(Write::Message(write)).expect("there is room");
        stored(&told, &receipt);
        history.write(Write::Delete { conversation: id }).expect("there is room");
        stored(&told, &Receipt::Delete(id));
    }
    for writer in writers {
        let done = writer.wait_with_output().expect("it ends");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    }
    let reader = history.reader().expect("it can be read");
    let rows = reader.conversations(10_000).expect("it can be read");
    assert_eq!(rows.len() as u64, 2 * MESSAGES);
    assert!(rows.iter().all(|r| r.title.starts_with("kept")));
    history.close(PATIENCE).expect("all is stored");
    assert_eq!(integrity(home.path()), "ok");
}
