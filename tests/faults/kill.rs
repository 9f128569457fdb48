//! Shown as sent is on disk: killed at any moment, reopened, compared with what it had told.

use super::*;
use crate::dice::Dice;
use ingle::history::{Reader, Status};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::ChildStdout;
use std::thread;

/// `INGLE_KILLS=1000` for the long form.
const KILLS: &str = "INGLE_KILLS";
const KILLS_SHORT: u32 = 12;

/// Talks to the history until it is killed, and says what it was told: `sent ID TEXT`, `grown ID LENGTH`.
#[test]
#[ignore = "runs until it is killed, by what_was_told_as_stored_survives_every_kill"]
fn writes_until_killed() {
    let (history, told) = open(&child_home());
    println!();
    let id = conversation();
    let mut parent = None;
    for n in 0.. {
        let question = message(id, parent, Role::User, &format!("question {n}"));
        let (receipt, node) = (Receipt::Message(question.id), question.id);
        println!("said {} {}", node.0, question.content);
        history.write(Write::Message(question)).expect("there is room");
        stored(&told, &receipt);
        println!("sent {}", node.0);
        let answer = message(id, Some(node), Role::Assistant, "");
        let node = answer.id;
        history.write(Write::Begin(answer)).expect("there is room");
        stored(&told, &Receipt::Begin(node));
        println!("begun {}", node.0);
        for word in 0..n % 50 {
            history.write(grow(node, &format!("{word} "))).expect("there is room");
        }
        if n % 3 == 0 {
            history.write(end(node)).expect("there is room");
            stored(&told, &Receipt::End(node));
            println!("whole {} {}", node.0, n % 50);
        }
        parent = Some(node);
    }
}

/// What a child said until it was killed.
#[derive(Default)]
struct Told {
    said: HashMap<String, String>,
    sent: Vec<String>,
    begun: Vec<String>,
    whole: HashMap<String, usize>,
}

impl Told {
    /// Reads until the end of the pipe; `enough` is called after each message that was sent.
    fn read(from: ChildStdout, mut enough: impl FnMut(usize)) -> Self {
        let mut told = Self::default();
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut words = line.splitn(3, ' ').map(str::to_owned);
            match (words.next().as_deref(), words.next(), words.next()) {
                (Some("said"), Some(id), Some(text)) => drop(told.said.insert(id, text)),
                (Some("sent"), Some(id), _) => {
                    told.sent.push(id);
                    enough(told.sent.len());
                }
                (Some("begun"), Some(id), _) => told.begun.push(id),
                (Some("whole"), Some(id), Some(n)) => drop(told.whole.insert(id, n.parse().expect("a number of words"))),
                _ => {}
            }
        }
        told
    }
}

#[test]
fn what_was_told_as_stored_survives_every_kill() {
    let n_kills = std::env::var(KILLS).ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS_SHORT);
    let home = tempfile::tempdir().expect("a folder for the test");
    let mut dice = Dice(0x1961_0713);
    let (mut n_sent, mut n_growing) = (0, 0);
    for kill in 0..n_kills {
        let mut child = child("faults::kill::writes_until_killed", home.path());
        let wanted = dice.below(12) as usize;
        let pause = Duration::from_micros(dice.below(30_000));
        let pipe = child.stdout.take().expect("it was asked for");
        let (tell, enough) = channel();
        let told_enough = move |n| {
            if n >= wanted {
                // Heard once; later ones find nobody.
                let _ = tell.send(());
            }
        };
        let reading = thread::spawn(move || Told::read(pipe, told_enough));
        enough.recv_timeout(PATIENCE).expect("the child sends messages");
        // A moment between two messages: not a wait for anything.
        thread::sleep(pause);
        child.kill().expect("it still runs");
        child.wait().expect("it is ours");
        let told = reading.join().expect("its lines are text");
        compare(home.path(), &told, kill);
        (n_sent, n_growing) = (n_sent + told.sent.len(), n_growing + told.begun.len() - told.whole.len());
        assert_eq!(integrity(home.path()), "ok", "kill {kill}");
    }
    eprintln!("{n_kills} kills: {n_sent} messages and {n_growing} growing answers all there");
}

fn compare(home: &Path, told: &Told, kill: u32) {
    // Opening finds what was interrupted.
    let (history, _told) = open(home);
    let reader = history.reader().expect("it can be read");
    let newest = &reader.conversations(1).expect("it can be read")[0];
    let tree = reader.conversation(newest.id).expect("it can be read").expect("it was just listed").tree;
    let node =
        |id: &str| tree.get(NodeId(uuid::Uuid::parse_str(id).expect("an id"))).unwrap_or_else(|| panic!("kill {kill}: {id} is lost"));
    for id in &told.sent {
        assert_eq!(node(id).content, told.said[id], "kill {kill}");
        assert_eq!(node(id).status, Status::Sent);
    }
    for id in &told.begun {
        let found = node(id);
        let words: Vec<usize> = found.content.split_whitespace().map(|w| w.parse().expect("words are numbers")).collect();
        assert!(words.iter().copied().eq(0..words.len()), "kill {kill}: {} is no beginning of the answer", found.content);
        match told.whole.get(id) {
            Some(n) => assert_eq!((words.len(), found.status), (*n, Status::Done), "kill {kill}"),
            // Its end may have been stored and the kill come before it could say so.
            None => assert!(matches!(found.status, Status::Interrupted | Status::Done), "kill {kill}: {:?}", found.status),
        }
    }
    drop(Reader::open(&Folders::within(home)).expect("a second reader does no harm"));
}
