//! What keeping a conversation costs: `cargo bench --bench history [FOLDER]`. FOLDER is on the disk to be measured; the
//! default is the system's temporary folder.

use ingle::config::Folders;
use ingle::history::{End, FLUSH, History, HistoryEvent, NewNode, Reader, Receipt, Write};
use ingle::protocol::{Channel, ConversationId, FinishReason, NodeId, Role, Settings, TokenOut};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const MESSAGES: usize = 2_000;
const CONVERSATIONS: usize = 100;
/// An answer of 30 seconds at 20 tokens a second, told faster than that.
const FLUSHES: usize = 60;
const NOW: u64 = 1_767_225_600_000;
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let place = std::env::args().skip(1).find(|a| !a.starts_with('-')).map_or_else(std::env::temp_dir, Into::into);
    let home = tempfile::tempdir_in(place).expect("a folder on the disk that is measured");
    let folders = Folders::within(home.path());
    let (opened, (history, told)) = timed(|| open(&folders));
    row("first opening", &mut [opened]);
    row("a message until it is stored", &mut messages(&history, &told));
    row("handing a write over", &mut growth(&history, &told));
    history.close(PATIENCE).expect("all is stored");
    let mut openings = Vec::new();
    for _ in 0..20 {
        let (time, (history, _told)) = timed(|| open(&folders));
        openings.push(time);
        history.close(PATIENCE).expect("all is stored");
    }
    row(&format!("opening with {MESSAGES} messages"), &mut openings);
    let reader = Reader::open(&folders).expect("it is ours").expect("it is there");
    let times = |work: &dyn Fn()| (0..50).map(|_| timed(work).0).collect::<Vec<_>>();
    row("list of 100 conversations", &mut times(&|| drop(reader.conversations(100))));
    row("search", &mut times(&|| drop(reader.search("lantern 17", 50))));
    row("search that reads through", &mut times(&|| drop(reader.search("antern", 50))));
}

fn open(folders: &Folders) -> (History, Receiver<HistoryEvent>) {
    let (tell, told) = channel();
    let (history, _) = History::open(folders, NOW, move |event| {
        let _ = tell.send(event);
    })
    .expect("the history opens");
    (history, told)
}

fn stored(told: &Receiver<HistoryEvent>, receipt: &Receipt) {
    while told.recv_timeout(PATIENCE).expect("the history answers") != HistoryEvent::Stored(receipt.clone()) {}
}

fn message(conversation: ConversationId, role: Role, content: String) -> NewNode {
    let id = NodeId(uuid::Uuid::now_v7());
    NewNode { id, conversation, parent: None, role, created_ms: NOW, content, model: None, settings: Settings::default() }
}

fn messages(history: &History, told: &Receiver<HistoryEvent>) -> Vec<Duration> {
    let conversations: Vec<_> = (0..CONVERSATIONS).map(|_| ConversationId(uuid::Uuid::now_v7())).collect();
    let text = "The keeper trims the lantern and writes what the night was like. ".repeat(12);
    let one = |n: usize| {
        let new = message(conversations[n % CONVERSATIONS], Role::User, format!("{n} {text}"));
        let receipt = Receipt::Message(new.id);
        timed(|| {
            history.write(Write::Message(new)).expect("there is room");
            stored(told, &receipt);
        })
        .0
    };
    (0..MESSAGES).map(one).collect()
}

/// An answer that grows while it is flushed: what the screen's thread waits for each piece.
fn growth(history: &History, told: &Receiver<HistoryEvent>) -> Vec<Duration> {
    let answer = message(ConversationId(uuid::Uuid::now_v7()), Role::Assistant, String::new());
    let node = answer.id;
    history.write(Write::Begin(answer)).expect("there is room");
    stored(told, &Receipt::Begin(node));
    let mut times = Vec::new();
    for _ in 0..FLUSHES {
        for _ in 0..10 {
            let tokens = vec![TokenOut { id: 7, logprob: None, top: Vec::new() }];
            let grow = Write::Grow { node, channel: Channel::Answer, text: "word ".to_owned(), tokens };
            times.push(timed(|| history.write(grow).expect("there is room")).0);
        }
        std::thread::sleep(FLUSH / 10);
    }
    history.write(Write::End { node, end: End::Finished(FinishReason::Done), statistics: None }).expect("there is room");
    stored(told, &Receipt::End(node));
    times
}

#[expect(clippy::disallowed_methods, reason = "measuring time")]
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = work();
    (start.elapsed(), done)
}

fn row(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let ms = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!("{what:32} p50 {:8.3} ms   p99 {:8.3} ms   max {:8.3} ms   n {}", ms(50), ms(99), ms(100), times.len());
}
