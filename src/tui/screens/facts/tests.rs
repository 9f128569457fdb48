use crate::protocol::{
    Command, Description, DetokenizedPiece, Event, JobId, ModelFacts, ModelRef, Report, Role, TensorFacts, TokenizeAnswer, TokenizeRequest,
};
use crate::tui::app::{Action, Effect, Read, ReadAnswer};
use crate::tui::stage::Stage;
use std::path::PathBuf;

/// The one command that was asked for since effects were last looked at.
fn asked(stage: &mut Stage) -> Command {
    let commands = stage.commands();
    stage.effects();
    let [command] = &commands[..] else { panic!("{commands:?}") };
    command.clone()
}

fn rendered(stage: &mut Stage, job: JobId, n_ids: u32) {
    let text = "<|user|>\nfirst question\n<|assistant|>\n".to_owned();
    stage.engine(Event::Rendered { job, text, ids: (100..100 + n_ids).collect() });
}

fn description() -> Box<Description> {
    let tensor = |name: &str, shape: &[u64], bytes| TensorFacts {
        name: name.to_owned(),
        quantization: "Q8_0".to_owned(),
        shape: shape.to_vec(),
        bytes,
    };
    Box::new(Description {
        facts: ModelFacts {
            name: "Llama-3.2-1B".to_owned(),
            architecture: "llama".to_owned(),
            quantization: "Q4_K_M".to_owned(),
            file_bytes: 807_694_464,
            n_params: 1_235_814_432,
            n_layer: 16,
            n_embd: 2_048,
            n_vocab: 128_256,
            n_ctx_train: 131_072,
            licence: Some("llama3.2".to_owned()),
            has_template: true,
            ..ModelFacts::default()
        },
        template: Some("{{ bos_token }}\n{% for m in messages %}\n{{ m.content }}\n{% endfor %}".to_owned()),
        tensors: vec![
            tensor("token_embd.weight", &[2_048, 128_256], Some(279_000_000)),
            tensor("output_norm.weight", &[2_048], Some(8_192)),
        ],
    })
}

#[test]
fn a_file_is_described_without_loading_it() {
    let mut stage = Stage::ready(80, 24);
    for (line, seen) in [
        ("/show", "1.24 B"),
        ("/show template", "{% for m in messages %}"),
        ("/show license", "llama3.2"),
        ("/show tensors", "2048 × 128256"),
    ] {
        stage.keys(line);
        stage.keys("<enter>");
        let Command::Describe { job, model: ModelRef::Guide } = asked(&mut stage) else { panic!("{line}") };
        stage.engine(Event::Described { job, description: description() });
        assert!(stage.text().contains(seen), "{line}: {}", stage.text());
        stage.keys("<esc>");
    }
    stage.keys("/show tensors<enter>");
    let Command::Describe { job, .. } = asked(&mut stage) else { panic!() };
    stage.engine(Event::Described { job, description: description() });
    stage.keys("norm<enter>");
    assert_eq!(stage.effects(), [Effect::Copy("output_norm.weight".to_owned())]);
    stage.keys("/show nonsense<enter>");
    assert_eq!(stage.commands(), []);
    assert!(stage.text().contains("/show knows no nonsense"));
}

#[test]
fn a_models_details_are_a_letter_away_from_the_picker() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("<f2><tab>i");
    assert!(matches!(asked(&mut stage), Command::Describe { model: ModelRef::Guide, .. }));
}

#[test]
fn the_parts_of_the_context_add_up_to_the_prompt() {
    let mut stage = Stage::ready(100, 60);
    stage.keys("/context<enter>");
    assert!(stage.text().contains("nothing was said yet"));
    stage.keys("<esc>/system Be brief.<enter>");
    stage.exchange("first question", "first answer");
    stage.exchange("second question", "second answer");
    stage.keys("/context<enter>");
    let Command::Render { job, messages, add_generation_prompt: false, .. } = asked(&mut stage) else { panic!() };
    assert_eq!(messages.len(), 5);
    assert_eq!(messages[0].role, Role::System);
    rendered(&mut stage, job, 60);
    let Command::Tokenize { job, request: TokenizeRequest::Count { texts }, .. } = asked(&mut stage) else { panic!() };
    assert_eq!(texts, ["Be brief.", "first question", "first answer", "second question", "second answer"]);
    stage.engine(Event::Tokenized { job, answer: TokenizeAnswer::Counts(vec![3, 2, 20, 5, 18]) });
    let text = stage.text();
    assert!(text.contains("context   60 of 8,192 tokens"), "{text}");
    let figure = |name: &str| -> u64 {
        let row = text.lines().find(|l| l.contains(name) && l.ends_with('%')).unwrap_or_else(|| panic!("{name}: {text}"));
        row.split_whitespace().rev().nth(1).and_then(|n| n.replace(',', "").parse().ok()).expect("a figure")
    };
    assert_eq!(
        ["Be brief.", "first question", "first answer", "second question", "second answer", "the template's own"]
            .map(figure)
            .iter()
            .sum::<u64>(),
        60
    );
    assert_eq!(figure("room left"), 8_132);
    // Sorted by its third column the largest turn comes right after the room left; Enter goes to it.
    stage.keys("<tab>sssSj<enter>");
    let node = stage.app.conversation.chosen.expect("a turn is shown");
    assert_eq!(stage.app.conversation.tree.get(node).unwrap().content, "first answer");
}

#[test]
fn a_template_that_leaves_turns_out_is_no_riddle() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("question", "answer");
    stage.keys("/context<enter>");
    let job = asked(&mut stage).job();
    rendered(&mut stage, job, 10);
    let job = asked(&mut stage).job();
    stage.engine(Event::Tokenized { job, answer: TokenizeAnswer::Counts(vec![8, 9]) });
    let text = stage.text();
    let row = text.lines().find(|l| l.contains("left out by the template")).unwrap_or_default();
    assert!(row.contains("-7"), "{text}");
}

#[test]
fn tokens_of_a_text_and_of_the_last_answer() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("/tokens a\u{e9}<enter>");
    let Command::Tokenize { job, request: TokenizeRequest::Encode { text, add_special: false, parse_special: false }, .. } =
        asked(&mut stage)
    else {
        panic!()
    };
    assert_eq!(text, "aé");
    let pieces = vec![b"a".to_vec(), vec![0xC3], vec![0xA9]];
    stage.engine(Event::Tokenized { job, answer: TokenizeAnswer::Ids { ids: vec![97, 195, 169], pieces } });
    let text = stage.text();
    assert!(text.contains("\"a\"") && text.contains("\\xC3") && text.contains("195"), "{text}");
    stage.keys("<enter>");
    assert_eq!(stage.effects(), [Effect::Copy("97,195,169".to_owned())]);

    stage.exchange("question", "Good evening.");
    let node = stage.app.conversation.tip.unwrap();
    stage.keys("/tokens<enter>");
    assert!(stage.effects().contains(&Effect::Read(Read::Tokens(node))));
    stage.act(Action::Read(ReadAnswer::Tokens { node, ids: vec![7, 8] }));
    let Command::Tokenize { job, request: TokenizeRequest::Pieces { ids }, .. } = asked(&mut stage) else { panic!() };
    assert_eq!(ids, [7, 8], "as they were sampled, not tokenized again");
    let piece = |id, text: &str| DetokenizedPiece { id, bytes: text.as_bytes().to_vec(), bytes_special: text.as_bytes().to_vec() };
    stage.engine(Event::Tokenized { job, answer: TokenizeAnswer::Pieces(vec![piece(7, "Good"), piece(8, " evening.")]) });
    assert!(stage.text().contains("\" evening.\""));
}

#[test]
fn ids_of_another_model_are_not_taken_for_this_ones() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("question", "Good evening.");
    stage.keys("/model other.gguf<enter>");
    stage.loaded("other", "Q4_0");
    stage.effects();
    stage.keys("/tokens<enter>");
    let node = stage.app.conversation.tip.unwrap();
    stage.effects();
    stage.act(Action::Read(ReadAnswer::Tokens { node, ids: vec![7, 8] }));
    assert!(
        matches!(asked(&mut stage), Command::Tokenize { request: TokenizeRequest::Encode { text, .. }, .. } if text == "Good evening.")
    );
}

#[test]
fn the_exact_prompt_is_shown_or_written() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("first question", "first answer");
    stage.keys("/dump<enter>");
    let Command::Render { job, messages, add_generation_prompt: true, .. } = asked(&mut stage) else { panic!() };
    assert_eq!(messages.iter().map(|m| m.content.as_str()).collect::<Vec<_>>(), ["first question"], "the answer is no part of its prompt");
    rendered(&mut stage, job, 3);
    assert!(stage.text().contains("<|assistant|>") && stage.text().contains("100,101,102"));
    stage.keys("<esc>/dump ~/prompt.json<enter>");
    let job = asked(&mut stage).job();
    rendered(&mut stage, job, 3);
    let effects = stage.effects();
    let Some(Effect::WriteFile { path, text }) = effects.iter().find(|e| matches!(e, Effect::WriteFile { .. })) else {
        panic!("{effects:?}")
    };
    assert_eq!(*path, PathBuf::from("/home/somebody/prompt.json"));
    let said: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!((&said["model"], &said["ids"]), (&"guide".into(), &serde_json::json!([100, 101, 102])));
}

#[test]
fn a_refused_question_is_told_and_forgotten() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("/show<enter>");
    let job = asked(&mut stage).job();
    stage.engine(Event::Failed { job, report: Report::new("x.gguf is gone", "Choose another"), model_lost: None });
    assert!(stage.text().contains("x.gguf is gone"));
    assert!(stage.app.facts.waiting.is_none());
    stage.engine(Event::Described { job, description: description() });
    assert!(stage.app.overlays.is_empty(), "an answer nobody waits for opens nothing");
}

#[test]
fn the_doctors_report_is_copied_whole() {
    let mut stage = Stage::ready(80, 24);
    stage.keys("/doctor<enter>");
    assert!(stage.effects().contains(&Effect::Doctor));
    let report = "ingle\n  version            0.1.0\n\nsockets\n  network            none\n";
    stage.act(Action::Doctor(report.to_owned()));
    assert!(stage.text().contains("network            none"));
    stage.keys("<enter>");
    assert_eq!(stage.effects(), [Effect::Copy(report.to_owned())]);
}

#[test]
fn messages_are_counted_from_the_last() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("first", "one");
    stage.exchange("second", "two");
    stage.keys("/edit 2<enter>");
    assert_eq!(stage.app.prompt.text(), "first");
    stage.keys("<ctrl-c>/edit 3<enter>");
    assert!(stage.text().contains("3 is none of your messages here"));
    stage.effects();
    stage.keys("<esc>/regen 2<enter>");
    let commands = stage.commands();
    assert!(
        matches!(&commands[..], [Command::Generate { input: crate::protocol::Input::Messages { messages: m, .. }, .. }] if m.len() == 1),
        "{commands:?}"
    );
}

#[test]
fn looks() {
    let mut stage = Stage::ready(80, 24);
    stage.exchange("What is a KV cache, and why does it grow?", "It keeps keys and values of tokens that were read.");
    stage.keys("/show<enter>");
    let job = asked(&mut stage).job();
    stage.engine(Event::Described { job, description: description() });
    stage.screen("show_info");
    stage.keys("<esc>/context<enter>");
    let job = asked(&mut stage).job();
    rendered(&mut stage, job, 60);
    let job = asked(&mut stage).job();
    stage.engine(Event::Tokenized { job, answer: TokenizeAnswer::Counts(vec![12, 20]) });
    stage.screen("context");
    stage.keys("<esc>/dump<enter>");
    let job = asked(&mut stage).job();
    rendered(&mut stage, job, 24);
    stage.screen("dump");
    stage.keys("<esc>/tokens It keeps<enter>");
    let job = asked(&mut stage).job();
    let pieces = vec![b"It".to_vec(), b" keeps".to_vec(), b"\n".to_vec(), vec![0xE2]];
    stage.engine(Event::Tokenized { job, answer: TokenizeAnswer::Ids { ids: vec![1_205, 12_904, 10, 226], pieces } });
    stage.screen("tokens");
}
