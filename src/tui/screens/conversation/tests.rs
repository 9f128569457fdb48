use super::*;
use crate::history::{Conversation, ConversationRow, Hit, Node, Status, Tree, Write};
use crate::protocol::{
    Channel, Command, ConversationId, Event, FinishReason, Input, Message, NodeId, Offer, Report, Role, TokenOut, TokenizeAnswer,
    TokenizeRequest,
};
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
    let text = stage.text();
    assert!(text.contains("▸ thinking for 1 s, 4 tokens\n     Let me see. It may be so.\n"), "{text}");
    stage.screen("thinking");
    stage.tokens("It is so.");
    stage.finish(FinishReason::Done);
    let text = stage.text();
    assert!(text.contains("▸ thought for 3 s, 4 tokens") && !text.contains("Let me see"), "{text}");
    stage.keys("<ctrl-o>");
    let text = stage.text();
    assert!(text.contains("▾ thought") && text.contains("Let me see. It may be so."), "{text}");
    assert!(text.contains("p50 57 ms") && text.contains("seed 42"), "figures on demand: {text}");
}

#[test]
fn thinking_without_an_answer_is_said() {
    let mut stage = Stage::ready(80, 24);
    stage.say("hard question");
    think(&mut stage, "Let me see.");
    stage.finish(FinishReason::Done);
    assert!(stage.text().contains("it thought, and gave no answer; Ctrl+X r asks once more"), "{}", stage.text());
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

fn refuse(stage: &mut Stage, what: &str, offer: Offer) {
    let job = stage.job();
    stage.engine(Event::Failed { job, report: Report::new(what, "").offer(offer), model_lost: None });
}

/// What was asked of the engine last.
fn asked(stage: &Stage) -> Vec<Message> {
    let generate = |c: &Command| match c {
        Command::Generate { input: Input::Messages { messages, .. }, .. } => Some(messages.clone()),
        _ => None,
    };
    stage.commands().iter().rev().find_map(generate).expect("an answer is asked for")
}

#[test]
fn a_template_that_refuses_is_read_and_another_way_is_offered() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("/system Be brief.<enter>");
    stage.say("2+2?");
    stage.effects();
    refuse(&mut stage, "the chat template refuses this conversation: System role not supported", Offer::Template);
    assert!(stage.text().contains("1  write the system prompt into my message"), "{}", stage.text());
    stage.screen("choose_template");
    stage.keys("<enter>");
    assert!(stage.writes().iter().any(|w| matches!(w, Write::DeleteNode { .. })), "the answer that never began is gone");
    assert!(stage.writes().iter().any(|w| matches!(w, Write::Settings { settings, .. } if settings.0.contains_key("merge_system"))));
    let commands = stage.commands();
    let Some(Command::Generate { input: Input::Messages { rendering, .. }, .. }) = commands.last() else { panic!("{commands:?}") };
    assert!(rendering.merges_system);
    stage.tokens("4.");
    stage.finish(FinishReason::Done);
    assert!(!stage.text().contains('‹') && stage.text().contains("4."), "{}", stage.text());

    // It refuses that as well: a template of ingle's own, by its number.
    stage.say("And 3+3?");
    refuse(&mut stage, "the chat template refuses this conversation: no", Offer::Template);
    stage.effects();
    assert!(!stage.text().contains("write the system prompt"));
    stage.keys("1");
    assert!(stage.text().contains("1  chatml") && stage.text().contains("3  llama3"), "{}", stage.text());
    stage.keys("<down><down><enter>");
    let commands = stage.commands();
    let Some(Command::Generate { input: Input::Messages { rendering, .. }, .. }) = commands.last() else { panic!("{commands:?}") };
    assert_eq!(rendering.template.as_deref(), Some("llama3"));
}

#[test]
fn who_declines_keeps_message_and_sentence() {
    let mut stage = Stage::ready(80, 24);
    stage.say("2+2?");
    refuse(&mut stage, "the chat template refuses this conversation: no", Offer::Template);
    stage.keys("<esc>");
    let text = stage.text();
    assert!(stage.app.overlays.is_empty() && text.contains("2+2?") && text.contains("✗ the chat template refuses"), "{text}");
}

/// Three exchanges, then a question that is too much; the sizes of the turns are told.
fn overflow(stage: &mut Stage) {
    for n in 1..=3 {
        stage.exchange(&format!("question {n}"), &format!("answer {n}"));
    }
    stage.say("question 4");
    stage.effects();
    let what = "the conversation takes 8,100 of the context's 8,192 tokens, which leaves too few for an answer";
    refuse(stage, what, Offer::Context { n_prompt: 8_100, n_ctx: 8_192 });
    let commands = stage.commands();
    let Some(Command::Tokenize { job, request: TokenizeRequest::Count { texts }, .. }) = commands.last() else { panic!("{commands:?}") };
    assert_eq!(texts.len(), 8, "the answer that failed is the last");
    stage.engine(Event::Tokenized { job: *job, answer: TokenizeAnswer::Counts(vec![1_000, 1_300, 1_100, 1_200, 900, 2_000, 400, 0]) });
    stage.effects();
}

#[test]
fn a_full_context_is_asked_about_and_what_is_dropped_is_shown() {
    let mut stage = Stage::ready(80, 24);
    overflow(&mut stage);
    let text = stage.text();
    assert!(text.contains("1  drop the 2 oldest turns (~2,300 tokens)"), "{text}");
    assert!(text.contains("2  summarize the 4 oldest turns (~4,600 tokens)"), "{text}");
    assert!(text.contains("3  raise the context to 16,384"), "{text}");
    stage.screen("choose_context");
    stage.keys("1");
    let contents: Vec<String> = asked(&stage).into_iter().map(|m| m.content).collect();
    assert_eq!(contents, ["question 2", "answer 2", "question 3", "answer 3", "question 4"]);
    stage.tokens("answer 4");
    stage.finish(FinishReason::Done);
    stage.keys("<ctrl-home>");
    assert!(stage.text().contains("── the model sees from here on, not the 2 turns before ──"), "{}", stage.text());
    assert!(stage.text().contains("question 1"), "what is dropped stays to be read");
    stage.screen("cut");
    // It holds for another wording and for another answer, too.
    stage.effects();
    stage.keys("<ctrl-x>r");
    assert_eq!(asked(&stage).len(), 5);
}

#[test]
fn a_summary_is_written_by_the_model_and_stands_for_what_it_summarizes() {
    let mut stage = Stage::ready(80, 24);
    overflow(&mut stage);
    stage.keys("<down><enter>");
    let messages = asked(&stage);
    assert_eq!(messages.len(), 5, "four turns and what is asked of them");
    let job = stage.app.conversation.compacting.as_ref().unwrap().job;
    let token = TokenOut { id: 5, logprob: None, top: Vec::new() };
    for (channel, text) in [(Channel::Thinking, "Hm."), (Channel::Answer, "Two questions were asked and answered.")] {
        stage.engine(Event::Tokens { job, channel, text: text.to_owned(), tokens: vec![token.clone()] });
    }
    assert!(stage.text().contains("◔ summarizing 4 turns, 2 tokens"), "{}", stage.text());
    stage.effects();
    stage.engine(Event::Finished { job, reason: FinishReason::Done, statistics: None });
    let contents: Vec<String> = asked(&stage).into_iter().map(|m| m.content).collect();
    assert_eq!(contents.len(), 3);
    assert_eq!(contents[0], "[What was said before, in short: Two questions were asked and answered.]\n\nquestion 3");
    let writes = stage.writes();
    let Some(Write::Message(cut)) = writes.iter().find(|w| matches!(w, Write::Message(_))) else { panic!("{writes:?}") };
    assert_eq!((cut.role, cut.content.as_str()), (Role::System, "Two questions were asked and answered."));
    assert!(writes.iter().any(|w| matches!(w, Write::Tip { .. })), "what is looked at is no cut");
    stage.tokens("answer 4");
    stage.finish(FinishReason::Done);
    stage.keys("<ctrl-end><pgup>");
    assert!(stage.text().contains("── ▸ summary of 4 turns; the model sees it, and from here on"), "{}", stage.text());
    stage.keys("<ctrl-end><tab>");
    while !stage.app.conversation.chosen.is_some_and(|id| stage.app.conversation.tree.is_cut(id)) {
        let before = stage.app.conversation.chosen;
        stage.keys("[");
        assert_ne!(stage.app.conversation.chosen, before, "the cut is on the way");
    }
    stage.keys("o");
    assert!(stage.text().contains("▾ summary of 4 turns") && stage.text().contains("  Two questions were asked"), "{}", stage.text());
    stage.screen("summary");
}

#[test]
fn a_context_is_raised_by_loading_the_model_again() {
    let mut stage = Stage::ready(80, 24);
    stage.app.models.command.set("ctx_size", "8192").unwrap();
    overflow(&mut stage);
    stage.keys("3");
    let commands = stage.commands();
    assert!(commands.iter().any(|c| matches!(c, Command::Load { options, .. } if options.n_ctx == 16_384)), "{commands:?}");
    stage.effects();
    stage.loaded("guide", "Q8_0");
    assert_eq!(asked(&stage).len(), 7, "all of it is sent");
}

#[test]
fn an_answer_that_fills_the_context_asks_as_well_and_goes_on() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("question 1", "answer 1");
    stage.say("question 2");
    stage.tokens("half an answer");
    stage.effects();
    stage.finish(FinishReason::Context);
    let commands = stage.commands();
    let Some(Command::Tokenize { job, .. }) = commands.last() else { panic!("{commands:?}") };
    stage.engine(Event::Tokenized { job: *job, answer: TokenizeAnswer::Counts(vec![2_000, 900, 100, 100]) });
    stage.keys("<esc>");
    assert!(stage.text().contains("cut: the context is full, Ctrl+X c continues"), "{}", stage.text());
    // What goes on is refused for the same reason, and asked about once more.
    stage.keys("<ctrl-x>c");
    stage.effects();
    refuse(
        &mut stage,
        "the conversation takes 8,192 tokens, and the context holds 8,192",
        Offer::Context { n_prompt: 8_192, n_ctx: 8_192 },
    );
    let commands = stage.commands();
    let Some(Command::Tokenize { job, .. }) = commands.last() else { panic!("{commands:?}") };
    stage.engine(Event::Tokenized { job: *job, answer: TokenizeAnswer::Counts(vec![2_000, 900, 100, 100]) });
    stage.effects();
    stage.keys("<enter>");
    let messages = asked(&stage);
    assert_eq!((messages.len(), messages.last().unwrap().content.as_str()), (2, "half an answer"));
    assert!(stage.writes().iter().any(|w| matches!(w, Write::Continue { .. })));
}

#[test]
fn compact_leaves_the_last_exchange_and_can_be_stopped() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("/compact<enter>");
    assert_eq!(stage.commands(), []);
    stage.exchange("question 1", "answer 1");
    stage.exchange("question 2", "answer 2");
    stage.keys("/compact<enter>");
    assert_eq!(asked(&stage).len(), 3);
    let job = stage.app.conversation.compacting.as_ref().unwrap().job;
    stage.effects();
    stage.wait(60_000);
    stage.keys("<esc>");
    assert!(matches!(stage.commands()[..], [Command::Cancel { target, .. }] if target == job));
    stage.engine(Event::Finished { job, reason: FinishReason::Cancelled, statistics: None });
    stage.effects();
    stage.say("question 3");
    assert_eq!(asked(&stage).len(), 5, "all turns are still sent");
}
