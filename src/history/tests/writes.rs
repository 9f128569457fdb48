use super::*;
use crate::history::{queue, tokens};
use crate::protocol::{Fingerprint, ModelFacts, Report, TopToken, Value};

#[test]
fn a_conversation_comes_back_as_it_was_said() {
    let mut house = House::new();
    let (id, question) = house.ask("What is an\ningle? Tell me at length, please, since I want to know all about it");
    let node = house.node();
    let fingerprint = Fingerprint("f00".to_owned());
    let facts = ModelFacts { name: "Llama".to_owned(), quantization: "Q4_K_M".to_owned(), ..ModelFacts::default() };
    house.stored(Write::Model(ModelRecord { fingerprint: fingerprint.clone(), path: None, facts: Box::new(facts) }));
    let mut begin = new(node, id, Some(question), Role::Assistant, "");
    begin.model = Some(fingerprint.clone());
    begin.settings.set("temp", "0.5").unwrap();
    house.stored(Write::Begin(begin));
    house.write(Write::Grow { node, channel: Channel::Thinking, text: "hm".to_owned(), tokens: Vec::new() });
    house.write(grow(node, "A fi"));
    assert_eq!(house.conversation(id).tree.get(node).unwrap().status, Status::Streaming);
    house.write(grow(node, "re."));
    house.stored(end(node));

    let home = house.close();
    let house = House::at(home);
    assert_eq!(house.opened, Opened::default());
    let rows = house.reader().conversations(10).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].title, "What is an");
    assert_eq!((rows[0].n_nodes, rows[0].tip), (2, Some(node)));
    let conversation = house.conversation(id);
    let path: Vec<&str> = conversation.tree.path(node).iter().map(|n| n.content.as_str()).collect();
    assert_eq!(path, ["What is an\ningle? Tell me at length, please, since I want to know all about it", "A fire."]);
    let answer = conversation.tree.get(node).unwrap();
    assert_eq!((answer.status, answer.finish), (Status::Done, Some(FinishReason::Done)));
    assert_eq!(answer.thinking.as_deref(), Some("hm"));
    assert_eq!(answer.statistics.as_ref().map(|s| (s.predicted_n, s.seed)), Some((3, 7)));
    assert_eq!(answer.settings.0.get("temp"), Some(&Value::Float(0.5)));
    let label = answer.model.as_ref().unwrap();
    assert_eq!((label.name.as_str(), label.quantization.as_str(), &label.fingerprint), ("Llama", "Q4_K_M", &fingerprint));
    let ids: Vec<u32> = house.reader().tokens(node).unwrap().iter().map(|t| t.id).collect();
    assert_eq!(ids, "A fire.".chars().map(u32::from).collect::<Vec<_>>());
}

#[test]
fn an_answer_is_flushed_while_it_grows() {
    let mut house = House::new();
    let at = house.ask("count");
    let node = house.node();
    house.stored(Write::Begin(new(node, at.0, Some(at.1), Role::Assistant, "")));
    for i in 0..20 {
        house.write(grow(node, &format!("{i} ")));
    }
    let reader = house.reader();
    let wait_until = queue::now() + PATIENCE;
    while reader.conversation(at.0).unwrap().unwrap().tree.get(node).unwrap().content.split(' ').count() < 20 {
        assert!(queue::now() < wait_until, "never flushed");
        thread::yield_now();
    }
}

#[test]
fn an_answer_ends_in_four_ways_and_can_go_on() {
    let mut house = House::new();
    let at = house.ask("x");
    let report = Report::new("the model is gone", "Load it again");
    let ends = [
        (End::Finished(FinishReason::Length), Status::Done, Some(FinishReason::Length)),
        (End::Finished(FinishReason::Cancelled), Status::Stopped, Some(FinishReason::Cancelled)),
        (End::Failed(report.clone()), Status::Failed, None),
    ];
    let mut nodes = Vec::new();
    for (end, status, finish) in ends {
        let node = house.node();
        nodes.push(node);
        house.stored(Write::Begin(new(node, at.0, Some(at.1), Role::Assistant, "")));
        house.write(grow(node, "half"));
        house.stored(Write::End { node, end, statistics: None });
        let found = house.conversation(at.0).tree.get(node).unwrap().clone();
        assert_eq!((found.status, found.finish, found.content.as_str()), (status, finish, "half"));
    }
    assert_eq!(house.conversation(at.0).tree.get(nodes[2]).unwrap().report, Some(report));
    assert_eq!(house.conversation(at.0).tree.siblings(nodes[0]), nodes);

    house.stored(Write::Continue { node: nodes[1] });
    house.write(grow(nodes[1], " and half"));
    house.stored(end(nodes[1]));
    let whole = house.conversation(at.0).tree.get(nodes[1]).unwrap().clone();
    assert_eq!((whole.status, whole.content.as_str()), (Status::Done, "half and half"));
    assert_eq!(house.reader().tokens(nodes[1]).unwrap().len(), "half and half".len());
}

#[test]
fn an_interrupted_answer_is_found_and_goes_on() {
    let mut house = House::new();
    let at = house.ask("x");
    let node = house.node();
    house.stored(Write::Begin(new(node, at.0, Some(at.1), Role::Assistant, "")));
    house.write(grow(node, "so far"));
    // Leaving without an end is what a signal does: what waits is stored, the lock goes.
    let house = House::at(house.close());
    let created_ms = house.conversation(at.0).tree.get(node).unwrap().created_ms;
    assert_eq!(house.opened.interrupted, [Interrupted { conversation: at.0, node, created_ms }]);
    let found = house.conversation(at.0).tree.get(node).unwrap().clone();
    assert_eq!((found.status, found.content.as_str()), (Status::Interrupted, "so far"));
    assert_eq!(house.reader().search("far", 5).unwrap().len(), 1, "what was interrupted can be found");
    house.stored(Write::Continue { node });
    house.write(grow(node, " so good"));
    house.stored(end(node));
    assert_eq!(house.conversation(at.0).tree.get(node).unwrap().content, "so far so good");
    assert_eq!(house.reader().search("good", 5).unwrap().len(), 1);
}

#[test]
fn two_ingles_do_not_disturb_each_other() {
    let mut house = House::new();
    let at = house.ask("mine");
    let node = house.node();
    house.stored(Write::Begin(new(node, at.0, Some(at.1), Role::Assistant, "")));
    let (other, opened, told) = open(&house.home).unwrap();
    assert_eq!(opened.interrupted, [], "a live answer is no crashed one");
    assert_eq!(other.reader().unwrap().conversation(at.0).unwrap().unwrap().tree.get(node).unwrap().status, Status::Streaming);
    other.write(Write::Continue { node }).unwrap();
    assert!(matches!(told.recv_timeout(PATIENCE).unwrap(), HistoryEvent::Refused { .. }), "another's live answer is left alone");

    const N: u64 = 300;
    thread::scope(|scope| {
        scope.spawn(move || {
            for i in 0..N {
                let id = ConversationId::new(NOW, random());
                let write = Write::Message(new(NodeId::new(NOW + i, random()), id, None, Role::User, "theirs"));
                other.write(write).unwrap();
                assert!(matches!(told.recv_timeout(PATIENCE).unwrap(), HistoryEvent::Stored(_)));
            }
        });
        for _ in 0..N {
            house.ask("mine too");
        }
    });
    house.stored(end(node));
    assert_eq!(house.reader().conversations(2000).unwrap().len() as u64, 2 * N + 1);
}

#[test]
fn unsent_text_is_kept_and_becomes_the_message() {
    let mut house = House::new();
    let (id, node) = (ConversationId::new(NOW, random()), house.node());
    let unsent = |text: &str| Write::Unsent { node, conversation: id, parent: None, text: text.to_owned(), now_ms: NOW };
    house.write(unsent("hel"));
    house.write(unsent("hello"));
    let mut house = House::at(house.close());
    let kept = house.reader().unsent().unwrap();
    assert_eq!(kept.iter().map(|n| n.content.as_str()).collect::<Vec<_>>(), ["hello"]);
    assert_eq!(house.conversation(id).unsent.unwrap().content, "hello");
    assert!(house.conversation(id).tree.is_empty());
    assert!(house.reader().search("hello", 5).unwrap().is_empty());

    house.write(unsent("hello you"));
    house.stored(Write::Message(new(node, id, None, Role::User, "hello you!")));
    assert!(house.conversation(id).unsent.is_none());
    assert_eq!(house.conversation(id).tree.get(node).unwrap().status, Status::Sent);
    assert_eq!(house.reader().search("hello", 5).unwrap().len(), 1);

    // Emptied before anything was sent, it leaves nothing.
    let (id, node) = (ConversationId::new(NOW, random()), house.node());
    let unsent = |text: &str| Write::Unsent { node, conversation: id, parent: None, text: text.to_owned(), now_ms: NOW };
    house.write(unsent("never mind"));
    house.write(unsent(""));
    let house = House::at(house.close());
    assert!(house.reader().conversation(id).unwrap().is_none());
}

#[test]
fn a_conversation_is_renamed_starred_and_its_branch_chosen() {
    let mut house = House::new();
    let at = house.ask("first words");
    let first = house.answer(at, "one");
    let second = house.answer(at, "two");
    assert_eq!(house.conversation(at.0).row.tip, Some(second));
    house.stored(Write::Tip { conversation: at.0, tip: first });
    house.stored(Write::Rename { conversation: at.0, title: " Fires ".to_owned() });
    house.stored(Write::Star { conversation: at.0, starred: true });
    let mut settings = Settings::default();
    settings.set("temp", "0").unwrap();
    house.stored(Write::Settings { conversation: at.0, settings: settings.clone() });
    let row = house.conversation(at.0).row;
    assert_eq!((row.title.as_str(), row.starred, row.tip, &row.settings), ("Fires", true, Some(first), &settings));
    house.stored(Write::Rename { conversation: at.0, title: String::new() });
    assert_eq!(house.conversation(at.0).row.title, "first words");
}

#[test]
fn what_is_wrong_in_itself_is_refused_and_harms_nothing_else() {
    let mut house = House::new();
    let (other, _) = house.ask("other");
    let at = house.ask("x");
    let nowhere = house.node();
    let node = house.node();
    assert_eq!(
        house.refused(Write::Message(new(node, other, Some(at.1), Role::User, "x"))),
        "the history holds no message that this one answers. `ingle history list` shows what is there."
    );
    house.refused(Write::Message(new(node, at.0, Some(nowhere), Role::User, "x")));
    house.refused(Write::Tip { conversation: other, tip: at.1 });
    house.refused(Write::Continue { node: nowhere });
    house.refused(grow(nowhere, "x"));
    house.refused(end(nowhere));
    house.refused(Write::Delete { conversation: ConversationId::new(1, random()) });
    house.refused(Write::DeleteNode { node: nowhere });
    house.answer(at, "still works");
}

#[test]
fn a_write_may_come_twice() {
    let mut house = House::new();
    let at = house.ask("x");
    let node = house.node();
    let message = Write::Message(new(node, at.0, Some(at.1), Role::User, "again"));
    house.stored(message.clone());
    house.stored(message);
    assert_eq!(house.conversation(at.0).tree.len(), 2);
}

#[test]
fn a_deep_branch_is_deleted_with_all_under_it() {
    let mut house = House::new();
    let at = house.ask("root");
    let branch = house.answer(at, "branch");
    let mut parent = branch;
    // SQLite follows a cascade 1,000 deep.
    for _ in 0..3 {
        for _ in 0..500 {
            let node = house.node();
            house.write(Write::Message(new(node, at.0, Some(parent), Role::User, "deeper")));
            parent = node;
        }
        for _ in 0..500 {
            assert!(matches!(house.event(), HistoryEvent::Stored(_)));
        }
    }
    house.stored(Write::DeleteNode { node: branch });
    let left = house.conversation(at.0);
    assert_eq!((left.tree.len(), left.row.tip), (1, Some(at.1)));
    house.stored(Write::DeleteNode { node: at.1 });
    assert!(house.reader().conversation(at.0).unwrap().is_none());
}

#[test]
fn tokens_with_alternatives_come_back() {
    let top = vec![TopToken { id: 9, logprob: -1.5 }, TopToken { id: 8, logprob: -2.5 }];
    let some = [
        TokenOut { id: 7, logprob: None, top: Vec::new() },
        TokenOut { id: u32::MAX, logprob: Some(-0.5), top },
        TokenOut { id: 1, logprob: Some(0.0), top: Vec::new() },
    ];
    let mut blob = tokens::empty();
    tokens::push(&mut blob, &some);
    assert_eq!(tokens::read(&blob), some);
    for cut in 0..blob.len() {
        assert!(tokens::read(&blob[..cut]).len() < some.len());
    }
    assert!(tokens::read(b"\x07what is this").is_empty());
}
