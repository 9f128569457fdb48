use super::*;
use crate::history::{Conversation, ConversationRow, Hit, Node, Status, Tree, Write};
use crate::protocol::{Channel, ConversationId, Event, FinishReason, NodeId, Role, TokenOut};
use crate::tui::app::{Action, Effect, Read, ReadAnswer, Size};
use crate::tui::stage::Stage;
use crate::tui::{Links, view};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const ANSWER: &str = "You keep most of what Q8_0 would choose and gain speed.\n\nBelow Q3_K the answers begin to wander.";

fn long(stage: &mut Stage) {
    for n in 0..8 {
        stage.exchange(&format!("question {n}"), &format!("answer {n}\n\nits second paragraph"));
    }
}

fn think(stage: &mut Stage, text: &str) {
    let token = || TokenOut { id: 3, logprob: None, top: Vec::new() };
    let (job, tokens) = (stage.job(), vec![token(), token()]);
    stage.engine(Event::Tokens { job, channel: Channel::Thinking, text: text.to_owned(), tokens });
    stage.now_ms += 1_500;
}

/// A conversation as the history gives it: one question, one answer.
fn stored(status: Status, unsent: Option<&str>) -> Conversation {
    let id = ConversationId::new(5, [1; 10]);
    let node = |n: u8, parent, role, content: &str, status| Node {
        id: NodeId::new(u64::from(n), [n; 10]),
        conversation: id,
        parent,
        role,
        created_ms: 1_795_208_640_000,
        status,
        content: content.to_owned(),
        thinking: None,
        model: None,
        settings: Default::default(),
        statistics: None,
        finish: None,
        report: None,
    };
    let question = node(1, None, Role::User, "Tell me of fires", Status::Sent);
    let answer = node(2, Some(question.id), Role::Assistant, "A fire is kept by", status);
    let row = ConversationRow {
        id,
        title: "Tell me of fires".to_owned(),
        starred: true,
        settings: Default::default(),
        tip: Some(answer.id),
        created_ms: 1_795_208_640_000,
        updated_ms: 1_795_208_640_000,
        n_nodes: 2,
    };
    let unsent = unsent.map(|text| node(3, Some(answer.id), Role::User, text, Status::Unsent));
    Conversation { row, tree: Tree::new([question, answer]), unsent }
}

#[test]
fn text_that_grows_never_moves_a_reader_who_went_up() {
    let mut stage = Stage::ready(80, 24);
    long(&mut stage);
    stage.say("and now?");
    stage.tokens("first");
    stage.keys("<pgup>");
    let top = |stage: &Stage| stage.text().lines().skip(2).take(10).map(str::to_owned).collect::<Vec<_>>();
    let before = top(&stage);
    for _ in 0..30 {
        stage.tokens("more\n\n");
    }
    assert_eq!(top(&stage), before);
    assert!(stage.text().contains("↓ "));
    stage.keys("<ctrl-end>");
    assert_eq!(stage.app.conversation.scroll, Scroll::Follow);
    assert!(!stage.text().contains("↓ "));
    stage.keys("<ctrl-home>");
    assert!(stage.text().contains("question 0"));
}

#[test]
fn a_reader_stays_with_the_turn_when_the_window_changes() {
    let mut stage = Stage::ready(80, 24);
    long(&mut stage);
    stage.keys("<tab>[[[");
    let chosen = stage.app.conversation.chosen;
    let shown = |stage: &Stage| stage.text().contains("question 6");
    assert!(shown(&stage));
    stage.act(Action::Resize(Size { columns: 1, rows: 1 }));
    stage.act(Action::Resize(Size { columns: 160, rows: 14 }));
    assert_eq!(stage.app.conversation.chosen, chosen);
}

#[test]
fn an_interrupted_answer_is_marked_and_can_go_on() {
    let mut stage = Stage::new(80, 24);
    stage.act(Action::Started);
    let conversation = Some(Box::new(stored(Status::Interrupted, Some("half a thou"))));
    stage.act(Action::Read(ReadAnswer::Newest { conversation, model: None }));
    stage.loaded("guide", "Q8_0");
    let text = stage.text();
    assert!(text.contains("⚡ interrupted, Ctrl+X c continues") && text.contains("half a thou"), "{text}");
    stage.effects();
    stage.keys("<ctrl-x>c");
    assert!(matches!(stage.writes()[..], [Write::Continue { .. }]));
    stage.keys("<ctrl-x>c");
    assert_eq!(stage.commands().len(), 1, "it goes on once");
}

#[test]
fn a_typed_word_is_not_overwritten_by_what_was_looked_at_last() {
    let mut stage = Stage::new(80, 24);
    stage.act(Action::Started);
    stage.keys("quick");
    let conversation = Some(Box::new(stored(Status::Done, None)));
    stage.act(Action::Read(ReadAnswer::Newest { conversation, model: None }));
    assert_eq!(stage.app.prompt.text(), "quick");
    assert!(stage.app.conversation.is_empty());
}

#[test]
fn thinking_folds_to_one_line_with_its_time_and_tokens() {
    let mut stage = Stage::ready(80, 24);
    stage.say("hard question");
    think(&mut stage, "Let me see. ");
    think(&mut stage, "It may be so.");
    assert!(stage.text().contains("▸ thinking"));
    stage.tokens("It is so.");
    stage.finish(FinishReason::Done);
    let text = stage.text();
    assert!(text.contains("▸ thought for 3.0 s · 4 tok") && !text.contains("Let me see"), "{text}");
    stage.keys("<ctrl-o>");
    let text = stage.text();
    assert!(text.contains("▾ thought") && text.contains("Let me see. It may be so."), "{text}");
    assert!(text.contains("p50 57 ms") && text.contains("seed 42"), "figures on demand: {text}");
}

#[test]
fn a_search_goes_from_match_to_match() {
    let mut stage = Stage::ready(80, 24);
    long(&mut stage);
    stage.keys("<ctrl-x>/answer 1<enter>");
    let text = stage.text();
    assert!(text.contains("find: answer 1  1 line") && text.contains("answer 1"), "{text}");
    stage.keys("<esc>");
    assert!(stage.app.conversation.find.is_none());
}

#[test]
fn another_conversation_is_opened_and_the_queue_stays_with_this_one() {
    let mut stage = Stage::ready(80, 24);
    stage.say("one");
    stage.tokens("long answer");
    stage.keys("queued<enter><ctrl-x>l");
    assert_eq!(stage.effects().last(), Some(&Effect::Read(Read::Conversations)));
    let other = stored(Status::Done, None);
    stage.act(Action::Read(ReadAnswer::Conversations(vec![other.row.clone()])));
    let mine = stage.app.conversation.id;
    stage.keys("<enter>");
    let writes = stage.writes();
    assert!(writes.is_empty() || writes.iter().all(|w| matches!(w, Write::Unsent { conversation, .. } if *conversation == mine)));
    assert_eq!(stage.effects().last(), Some(&Effect::Read(Read::Conversation(other.row.id))));
    stage.act(Action::Read(ReadAnswer::Conversation(Box::new(other))));
    assert!(stage.text().contains("Tell me of fires"));
    stage.tokens(" goes on");
    assert!(matches!(&stage.writes()[..], [Write::Grow { .. }]));
}

#[test]
fn what_a_search_found_is_shown_where_it_stands() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("/search fires<enter>");
    assert_eq!(stage.effects().last(), Some(&Effect::Read(Read::Search("fires".to_owned()))));
    let found = stored(Status::Done, None);
    let node = found.row.tip.unwrap();
    let hit = Hit {
        conversation: found.row.id,
        title: "Tell me of fires".to_owned(),
        node,
        role: Role::Assistant,
        created_ms: 1_795_208_640_000,
        snippet: "A \u{1}fire\u{2} is kept by".to_owned(),
    };
    stage.act(Action::Read(ReadAnswer::Search { words: "fires".to_owned(), hits: vec![hit] }));
    stage.screen("found");
    stage.keys("<enter>");
    stage.act(Action::Read(ReadAnswer::Conversation(Box::new(found))));
    assert_eq!(stage.app.conversation.chosen, Some(node));
}

#[test]
fn deleting_asks_first_and_says_when_it_is_done() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("secret", "hush");
    let id = stage.app.conversation.id;
    stage.keys("<ctrl-x>D");
    stage.screen("ask_delete");
    stage.keys("n");
    assert_eq!(stage.writes(), []);
    stage.keys("<ctrl-x>Dy");
    assert_eq!(stage.writes(), [Write::Delete { conversation: id }]);
    assert!(stage.app.conversation.is_empty());
    stage.stored();
    assert!(stage.text().contains("deleted"));
}

#[test]
fn copying_takes_the_answer_or_its_last_code() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("how?", "Run\n\n```bash\ningle run\n```\n\nor\n\n```\ningle\n```\n");
    stage.keys("<ctrl-x>Y");
    assert_eq!(stage.effects(), [Effect::Copy("ingle\n".to_owned())]);
    stage.keys("/copy all<enter>");
    assert!(matches!(stage.effects().last(), Some(Effect::Copy(text)) if text.starts_with("you:\nhow?\n\nassistant:\nRun")));
}

#[test]
fn looks() {
    let mut stage = Stage::ready(80, 24);
    stage.screen("welcome");
    stage.keys("<down>");
    stage.screen("welcome_offer");
    stage.say("What do I lose when I go from Q8_0 to Q4_K_M on this machine?");
    stage.tokens("You keep most of what Q8_0 would choose");
    stage.screen("streaming");
    stage.keys("and with a Q8_0 cache?<enter>");
    stage.screen("queued");
    stage.finish(FinishReason::Cancelled);
    stage.stored();
    stage.tokens(ANSWER);
    stage.finish(FinishReason::Done);
    stage.keys("<ctrl-x>r");
    stage.tokens("Another answer to the same question.");
    stage.finish(FinishReason::Done);
    stage.screen("answered");
    stage.keys("<ctrl-o>");
    stage.screen("figures");
    stage.keys("<tab>");
    stage.screen("transcript_focus");
    stage.keys("q");
    stage.say("once more");
    stage.fail("llama-3.gguf ends inside tensor blk.3.ffn_up.weight (1.2 of 1.9 GB present)", "Pull it again");
    stage.screen("failed");
}

/// The links' numbers ride in the cells: a list that lies over them has none of its own.
#[test]
fn what_lies_over_a_link_takes_it_away() {
    let n_linked = |stage: &Stage| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).expect("a screen in memory never fails");
        let mut links = Links::new(true);
        terminal.draw(|frame| view(&stage.app, &mut links, frame)).expect("a screen in memory never fails");
        let cells = &terminal.backend().buffer().content;
        assert!(cells.iter().filter_map(|c| links.target(c)).all(|url| url.as_str() == "https://example.org/"));
        cells.iter().filter(|c| links.target(c).is_some()).count()
    };
    let mut stage = Stage::ready(80, 24);
    stage.exchange("where?", "At [it](https://example.org/).");
    assert_eq!(n_linked(&stage), "it (https://example.org/)".len());
    stage.keys("<f1>");
    assert_eq!(n_linked(&stage), 0, "{}", stage.text());
    stage.keys("<esc>");
    assert_eq!(n_linked(&stage), "it (https://example.org/)".len());
}
