use super::*;
use crate::history::{End, HistoryEvent, Receipt, Status, Write};
use crate::protocol::{Channel, Command, Event, FinishReason, Grammar, Input, ModelRef, Report, Role, Value};
use crate::tui::stage::Stage;

fn said(stage: &Stage) -> Vec<(Role, String)> {
    stage.app.conversation.path().iter().map(|n| (n.role, n.content.clone())).collect()
}

#[test]
fn nothing_is_loaded_before_the_first_frame() {
    let mut stage = Stage::new(80, 24);
    assert_eq!(stage.effects(), []);
    stage.act(Action::Started);
    assert_eq!(stage.commands(), [], "it is not known yet which model answered last");
    stage.act(Action::Read(ReadAnswer::Newest { conversation: None, model: None }));
    assert!(matches!(&stage.commands()[..], [Command::Load { model: ModelRef::Guide, .. }]));
}

#[test]
fn a_message_is_on_disk_before_it_is_shown_as_sent_and_before_the_engine_is_asked() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("What is an ingle?<enter>");
    let writes = stage.writes();
    let Some(Write::Message(message)) = writes.iter().find(|w| matches!(w, Write::Message(_))) else { panic!("{writes:?}") };
    assert_eq!(message.content, "What is an ingle?");
    assert_eq!(stage.commands(), []);
    assert!(stage.text().contains("not stored yet"));
    stage.stored();
    assert!(!stage.text().contains("not stored yet"));
    let commands = stage.commands();
    let [Command::Generate { input: Input::Messages { messages, .. }, conversation, .. }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(messages.len(), 1);
    assert_eq!(*conversation, Some(stage.app.conversation.id));
    assert!(stage.writes().iter().any(|w| matches!(w, Write::Begin(new) if new.parent == Some(message.id))));
}

#[test]
fn text_not_sent_becomes_the_message_under_its_own_id() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("hi");
    let Some(Write::Unsent { node, text, .. }) = stage.writes().pop() else { panic!() };
    assert_eq!(text, "hi");
    stage.keys("<enter>");
    assert!(stage.writes().iter().any(|w| matches!(w, Write::Message(new) if new.id == node)));
    stage.effects();
    stage.stored();
    assert!(!stage.writes().iter().any(|w| matches!(w, Write::Unsent { .. })), "nothing is left to keep");
}

#[test]
fn a_refused_message_goes_back_into_the_prompt() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("hello<enter>");
    let receipt = stage.writes().pop().unwrap().receipt();
    assert!(matches!(receipt, Receipt::Message(_)));
    stage.act(Action::History(HistoryEvent::Refused { receipt, report: Report::new("history.db is read-only", "Free it") }));
    assert_eq!(stage.app.prompt.text(), "hello");
    assert!(stage.app.conversation.is_empty());
    assert!(stage.text().contains("history.db is read-only"));
}

#[test]
fn an_answer_streams_and_ends_with_its_figures() {
    let mut stage = Stage::ready(80, 24);
    stage.say("Hello?");
    stage.tokens("Good ");
    stage.tokens("evening.");
    assert!(stage.text().contains("Good evening.▍"));
    stage.finish(FinishReason::Done);
    let text = stage.text();
    assert!(text.contains("412 tok   17.2 tok/s   TTFT 0.31 s   pp 1,204 (980 reused) 412 tok/s"), "{text}");
    assert!(!text.contains('▍'));
    let grown: String =
        stage.writes().iter().filter_map(|w| if let Write::Grow { text, .. } = w { Some(text.clone()) } else { None }).collect();
    assert_eq!(grown, "Good evening.");
    assert!(matches!(stage.writes().last(), Some(Write::End { end: End::Finished(FinishReason::Done), statistics: Some(_), .. })));
}

#[test]
fn messages_queue_visibly_while_an_answer_runs() {
    let mut stage = Stage::ready(80, 24);
    stage.say("one");
    stage.tokens("first answer");
    stage.effects();
    stage.keys("two<enter>");
    assert!(stage.text().contains("‖ 1 queued"));
    assert_eq!(stage.commands(), []);
    assert!(stage.writes().iter().any(|w| matches!(w, Write::Unsent { text, .. } if text == "two")), "the queue is kept on disk");
    stage.finish(FinishReason::Done);
    stage.stored();
    assert!(stage.commands().iter().any(|c| matches!(c, Command::Generate { .. })));
    assert_eq!(said(&stage).iter().filter(|(role, _)| *role == Role::User).count(), 2);
}

#[test]
fn control_c_stops_then_closes_then_clears_then_quits() {
    let mut stage = Stage::ready(80, 24);
    stage.say("one");
    let job = stage.job();
    stage.keys("<f2>unsent");
    stage.effects();
    stage.keys("<ctrl-c>");
    assert!(matches!(stage.commands()[..], [Command::Cancel { target, .. }] if target == job));
    stage.finish(FinishReason::Cancelled);
    assert_eq!(stage.app.conversation.tip_node().unwrap().status, Status::Stopped);
    assert_eq!(stage.app.overlays.len(), 1);
    stage.keys("<ctrl-c>");
    assert_eq!(stage.app.overlays.len(), 0);
    stage.keys("words<ctrl-c>");
    assert!(stage.app.prompt.is_empty());
    stage.keys("<up>");
    assert_eq!(stage.app.prompt.text(), "words", "Up brings it back");
    stage.keys("<ctrl-c><ctrl-c>");
    assert!(stage.text().contains("Ctrl+C again quits"));
    assert!(!stage.effects().contains(&Effect::Quit));
    stage.wait(2_500);
    stage.keys("<ctrl-c>");
    assert!(!stage.effects().contains(&Effect::Quit), "too long ago");
    stage.keys("<ctrl-c>");
    assert!(stage.effects().contains(&Effect::Quit));
}

#[test]
fn escape_twice_clears_the_prompt_or_picks_an_earlier_turn() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("first", "one");
    stage.exchange("second", "two");
    stage.keys("text<esc><esc>");
    assert!(stage.app.prompt.is_empty());
    stage.keys("<esc><esc>");
    assert!(stage.text().contains("edit a message"));
    stage.keys("<down><enter>");
    assert_eq!(stage.app.prompt.text(), "first");
    stage.keys(" again<enter>");
    stage.stored();
    let root = stage.app.conversation.path()[0].id;
    assert_eq!(stage.app.conversation.tree.siblings(root).len(), 2, "the first wording stays");
    stage.keys("<esc>");
    stage.wait(700);
    stage.keys("<esc>");
    assert!(stage.app.overlays.is_empty(), "two slow ones are two");
}

#[test]
fn control_d_quits_on_an_empty_prompt_and_asks_while_answering() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("ab<left><ctrl-d>");
    assert_eq!(stage.app.prompt.text(), "a");
    stage.keys("<backspace>");
    stage.say("question");
    stage.effects();
    stage.keys("<ctrl-d>");
    assert!(!stage.effects().contains(&Effect::Quit));
    stage.keys("<ctrl-d>");
    let effects = stage.effects();
    assert!(effects.iter().any(|e| matches!(e, Effect::Store(Write::End { end: End::Finished(FinishReason::Cancelled), .. }))));
    assert_eq!(effects.last(), Some(&Effect::Quit));
}

#[test]
fn regenerating_makes_a_sibling_and_arrows_go_between() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("question", "first answer");
    stage.keys("<ctrl-x>r");
    stage.tokens("second answer");
    stage.finish(FinishReason::Done);
    assert!(stage.text().contains("‹ 2/2 ›"));
    stage.effects();
    stage.keys("<tab><left>");
    assert!(stage.text().contains("‹ 1/2 ›") && stage.text().contains("first answer"));
    assert!(matches!(stage.writes()[..], [Write::Tip { .. }]));
}

#[test]
fn a_stopped_answer_goes_on_from_where_it_was() {
    let mut stage = Stage::ready(80, 24);
    stage.say("count");
    stage.tokens("one, two");
    stage.finish(FinishReason::Cancelled);
    assert!(stage.text().contains("■ stopped"));
    stage.effects();
    stage.keys("<ctrl-x>c");
    let commands = stage.commands();
    let [Command::Generate { input: Input::Messages { messages, .. }, .. }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(messages.last().map(|m| (m.role, m.content.as_str())), Some((Role::Assistant, "one, two")));
    assert!(matches!(stage.writes()[..], [Write::Continue { .. }]));
    stage.tokens(", three");
    assert_eq!(said(&stage)[1].1, "one, two, three");
}

#[test]
fn undo_takes_the_last_message_back() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("first", "one");
    stage.exchange("second", "two");
    stage.keys("<ctrl-x>u");
    assert_eq!(stage.app.prompt.text(), "second");
    assert_eq!(said(&stage).len(), 2);
    stage.keys("<ctrl-c><ctrl-x>u");
    assert_eq!((stage.app.prompt.text().as_str(), said(&stage).len()), ("first", 0));
}

#[test]
fn a_fork_is_a_conversation_of_its_own() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("first", "one");
    let before = (stage.app.conversation.id, said(&stage));
    stage.keys("<ctrl-x>f");
    assert_ne!(stage.app.conversation.id, before.0);
    assert_eq!(said(&stage), before.1);
    let writes = stage.writes();
    assert!(matches!(writes[..], [Write::Message(_), Write::Begin(_), Write::Grow { .. }, Write::End { .. }]), "{writes:?}");
}

#[test]
fn a_failure_stands_where_it_happened_and_the_queue_comes_back() {
    let mut stage = Stage::ready(80, 24);
    stage.say("question");
    stage.keys("next<enter>");
    stage.fail("the model fell silent", "Load it again");
    let text = stage.text();
    assert!(text.contains("✗ the model fell silent. Load it again."), "{text}");
    assert_eq!(stage.app.prompt.text(), "next");
}

#[test]
fn a_lost_model_is_loaded_again_by_the_next_message() {
    let mut stage = Stage::ready(80, 24);
    stage.say("question");
    let (job, model) = (stage.job(), stage.app.models.current.as_ref().unwrap().id);
    stage.engine(Event::Failed { job, report: Report::new("a panic in a kernel", ""), model_lost: Some(model) });
    assert!(stage.text().contains('○'));
    stage.effects();
    stage.keys("again<enter>");
    stage.stored();
    assert!(matches!(stage.commands()[..], [Command::Load { .. }]));
    stage.loaded("guide", "Q8_0");
    assert!(matches!(stage.commands().last(), Some(Command::Generate { .. })));
}

#[test]
fn switching_models_lets_go_of_the_old_one() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("/model /models/Llama-3.2-1B.gguf<enter>");
    let commands = stage.commands();
    assert!(
        matches!(&commands[..], [Command::Load { model: ModelRef::File(path), .. }] if path.ends_with("Llama-3.2-1B.gguf")),
        "{commands:?}"
    );
    assert!(stage.text().contains("◐"));
    stage.loaded("Llama-3.2-1B", "Q4_K_M");
    assert!(matches!(stage.commands().last(), Some(Command::Unload { .. })));
    assert!(stage.text().contains("Llama-3.2-1B Q4_K_M"));
}

#[test]
fn a_model_that_cannot_be_loaded_leaves_the_old_one() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("/model x.gguf<enter>");
    let job = stage.app.models.loading.as_ref().unwrap().job;
    stage.engine(Event::Failed { job, report: Report::new("x.gguf is empty", "Pull it again"), model_lost: None });
    let text = stage.text();
    assert!(text.contains("x.gguf is empty") && text.contains("Pull it again") && text.contains("● "), "{text}");
}

#[test]
fn an_answer_goes_on_while_the_reader_is_elsewhere() {
    let mut stage = Stage::ready(80, 24);
    stage.say("long story");
    stage.tokens("once ");
    let (first, node) = (stage.app.conversation.id, stage.app.conversation.tip.unwrap());
    stage.keys("<ctrl-n>");
    stage.effects();
    stage.tokens("upon a time");
    assert!(matches!(&stage.writes()[..], [Write::Grow { node: grown, .. }] if *grown == node));
    assert!(!stage.text().contains("once"));
    stage.keys("wait<enter>");
    assert_eq!(stage.app.conversation.queue.len(), 1, "one answer at a time");
    assert_ne!(stage.app.conversation.id, first);
}

#[test]
fn settings_say_where_they_come_from() {
    let mut stage = Stage::ready(160, 50);
    stage.keys("/set temperature 0.3<enter>");
    assert!(stage.text().contains("temp is 0.3, from this conversation"));
    stage.keys("/set top_kk 3<enter>");
    assert!(stage.text().contains("there is no setting top_kk, did you mean top_k?"));
    stage.keys("<ctrl-c><ctrl-x>s");
    let text = stage.text();
    let row = text.lines().find(|l| l.contains(" temp ")).unwrap_or_default();
    assert!(row.contains("0.3") && row.contains("this conversation"), "{text}");
    stage.keys("<esc>");
    stage.say("hi");
    assert!(matches!(stage.commands().last(), Some(Command::Generate { sampling, .. }) if sampling.temp == 0.3));
}

#[test]
fn what_is_set_before_the_first_message_is_stored_with_it() {
    let mut stage = Stage::ready(80, 24);
    stage.effects();
    stage.keys("/set temperature 0.3<enter>");
    assert_eq!(stage.writes(), [], "there is no conversation yet");
    stage.keys("hi<enter>");
    let id = stage.app.conversation.id;
    let stored = |writes: &[Write]| {
        matches!(writes, [.., Write::Message(_), Write::Settings { conversation, settings }]
            if *conversation == id && settings.0["temp"] == Value::Float(0.3))
    };
    let writes = stage.writes();
    assert!(stored(&writes), "{writes:?}");
    stage.stored();
    stage.effects();
    stage.say("and more");
    assert!(!stage.writes().iter().any(|w| matches!(w, Write::Settings { .. })));
}

#[test]
fn a_schema_may_lie_in_a_file() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("/set json_schema person.json<enter>");
    let read = Effect::ReadSetting { name: "json_schema", path: "person.json".into() };
    assert!(stage.effects().contains(&read));
    stage.act(Action::Setting { name: "json_schema", value: "{\"type\": \"object\"}\n".to_owned() });
    assert!(stage.text().contains("json_schema is {\"type\": \"object\"}"));
    stage.say("hi");
    let grammar = |stage: &Stage| match stage.commands().last() {
        Some(Command::Generate { sampling, .. }) => sampling.grammar.clone(),
        _ => None,
    };
    assert_eq!(grammar(&stage), Some(Grammar::JsonSchema("{\"type\": \"object\"}".to_owned())));
}

#[test]
fn unknown_commands_are_told_and_nothing_is_sent() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("/modle x<enter>");
    assert!(stage.text().contains("there is no command /modle, did you mean /model?"));
    assert_eq!(stage.app.prompt.text(), "/modle x");
    assert!(!stage.writes().iter().any(|w| matches!(w, Write::Message(_))));
    stage.keys("<ctrl-c>//etc is a folder<enter>");
    assert!(stage.writes().iter().any(|w| matches!(w, Write::Message(m) if m.content == "/etc is a folder")));
}

#[test]
fn the_leader_shows_what_may_follow_after_a_moment() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("<ctrl-x>");
    assert!(!stage.text().contains("Ctrl+X then"));
    assert_eq!(stage.app.wake_at_ms(), Some(stage.now_ms - 1 + 400));
    stage.wait(400);
    assert!(stage.text().contains("Ctrl+X then"));
    stage.keys("m");
    assert!(stage.text().contains("models") && !stage.text().contains("Ctrl+X then"));
}

#[test]
fn nothing_wakes_an_idle_screen() {
    let mut stage = Stage::ready(80, 24);
    assert_eq!(stage.app.wake_at_ms(), None);
    stage.exchange("question", "answer");
    assert_eq!(stage.app.wake_at_ms(), None);
}

#[test]
fn any_window_can_be_drawn() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("question", "answer");
    for keys in ["", "<f2>", "<esc><ctrl-p>", "<esc>/", "<ctrl-c><f1>", "<esc>"] {
        stage.keys(keys);
        for columns in [0, 1, 2, 3, 5, 8, 13, 19, 20, 33, 59, 60, 80, 109, 110, 200] {
            for rows in [0, 1, 2, 3, 5, 6, 7, 11, 12, 14, 18, 24, 60] {
                stage.act(Action::Resize(Size { columns, rows }));
                stage.text();
            }
        }
        stage.act(Action::Resize(Size { columns: 80, rows: 24 }));
    }
}

/// A click in the middle of what stands on the screen.
fn click(stage: &mut Stage, what: &str) {
    let text = stage.text();
    let (row, line) = text.lines().enumerate().find(|(_, l)| l.contains(what)).unwrap_or_else(|| panic!("{what}:\n{text}"));
    let before = crate::text::width(&line[..line.find(what).unwrap_or_default()]) + what.len() / 2;
    stage.act(Action::Click { column: before as u16, row: row as u16 });
}

#[test]
fn a_click_gives_the_keys_to_what_it_is_on() {
    let mut stage = Stage::ready(160, 50);
    stage.exchange("what?", "that");
    click(&mut stage, "that");
    assert_eq!((stage.app.focus, stage.app.conversation.chosen), (Focus::Transcript, stage.app.conversation.tip));
    click(&mut stage, "you");
    assert_ne!(stage.app.conversation.chosen, stage.app.conversation.tip);
    click(&mut stage, "system free");
    assert_eq!(stage.app.focus, Focus::Panel);
    click(&mut stage, " ›");
    assert_eq!((stage.app.focus, stage.app.conversation.chosen), (Focus::Prompt, None));
}

#[test]
fn a_click_opens_what_is_folded() {
    let mut stage = Stage::ready(80, 24);
    stage.say("why?");
    let job = stage.job();
    let thought = Event::Tokens { job, channel: Channel::Thinking, text: "a hidden reason".to_owned(), tokens: Vec::new() };
    stage.engine(thought);
    stage.tokens("because");
    stage.finish(FinishReason::Done);
    click(&mut stage, "thought for");
    assert!(stage.text().contains("a hidden reason"), "{}", stage.text());
    click(&mut stage, "thought for");
    assert!(!stage.text().contains("a hidden reason"));
    stage.act(Action::Paste("a line\n".repeat(12)));
    stage.keys("<home>");
    click(&mut stage, "[pasted 12 lines]");
    assert!(stage.app.prompt.text().starts_with("a line\na line"), "{}", stage.app.prompt.text());
}

#[test]
fn a_click_takes_a_row_and_beside_a_list_it_closes_it() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("<f1>");
    click(&mut stage, "prompt");
    assert!(!stage.app.overlays.is_empty(), "a heading is nothing to take");
    stage.keys("<esc><ctrl-p>colours");
    click(&mut stage, "Choose colours");
    assert!(matches!(stage.app.overlays.last(), Some(Overlay::List(list)) if list.kind == list::Kind::Themes), "{}", stage.text());
    stage.act(Action::Click { column: 0, row: 23 });
    assert!(stage.app.overlays.is_empty(), "{}", stage.text());
    stage.keys("/the");
    click(&mut stage, "/theme");
    assert!(matches!(stage.app.overlays.last(), Some(Overlay::List(list)) if list.kind == list::Kind::Themes), "{}", stage.text());
}

#[test]
fn a_click_answers_no_question() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("what?", "that");
    stage.keys("<tab>D");
    let text = stage.text();
    stage.act(Action::Click { column: 40, row: 12 });
    assert_eq!(stage.text(), text);
}
