//! Nothing is computed twice: turns, edits, other conversations in between, forks. With answers as a fresh start gives them.

use super::*;
use crate::protocol::{ConversationId, Message, Role};

pub fn conversation(n: u128) -> Option<ConversationId> {
    Some(ConversationId(uuid::Uuid::from_u128(n)))
}

pub fn prompt(n: u32, len: u32) -> Vec<u32> {
    (0..len).map(|i| 1 + (i * 7 + n * 13) % 70).collect()
}

/// The answer's ids, and how many tokens of its prompt were not computed.
pub fn ask(bench: &mut Bench, model: ModelId, of: Option<ConversationId>, ids: &[u32]) -> (Vec<u32>, u32) {
    let command = generate(model, ids, 8);
    let job = bench.send(|job| match command(job) {
        Command::Generate { job, model, input, sampling, limits, logprobs, .. } => {
            Command::Generate { job, model, conversation: of, input, sampling, limits, logprobs }
        }
        other => other,
    });
    let events = bench.until_end(job);
    (super::ids(&events), end(&events).1.cache_n)
}

/// The same of a model that was just loaded.
fn fresh(bench: &mut Bench, file: &Path, ids: &[u32]) -> Vec<u32> {
    let model = bench.load_file(file.to_owned(), 1024);
    let (answer, reused) = ask(bench, model, None, ids);
    assert_eq!(reused, 0);
    bench.send(|job| Command::Unload { job, model });
    answer
}

/// Attention, windows, states, and what stands between them.
pub fn files() -> Vec<PathBuf> {
    let shared = std::env::var_os("INGLE_GOLDEN").map(|folder| PathBuf::from(folder).join("archs"));
    let of_shared = |folder: PathBuf| ["gemma3", "mamba", "qwen3next", "deepseek2"].map(|name| folder.join(format!("{name}.gguf")));
    [golden("llama")].into_iter().chain(shared.into_iter().flat_map(of_shared)).collect()
}

#[test]
fn each_conversation_goes_on_where_it_was_while_others_are_answered() {
    for file in files() {
        let mut bench = Bench::new();
        let model = bench.load_file(file.clone(), 1024);
        let mut said = [prompt(1, 60), prompt(2, 90)];
        for turn in 0..3 {
            for (n, said) in said.iter_mut().enumerate() {
                let (answer, reused) = ask(&mut bench, model, conversation(n as u128), said);
                assert_eq!(answer, fresh(&mut bench, &file, said), "{}", file.display());
                // All of the last turn.
                let expected = if turn == 0 { 0 } else { said.len() as u32 - 5 };
                assert_eq!(reused, expected, "{}: turn {turn}", file.display());
                said.extend(answer);
                said.extend([3, 1, 4, 1, 5]);
            }
            ask(&mut bench, model, None, &prompt(9, 40));
        }
    }
}

#[test]
fn a_fork_and_a_summary_begin_with_a_copy_and_leave_the_first_as_it_is() {
    for file in files() {
        let mut bench = Bench::new();
        let model = bench.load_file(file.clone(), 1024);
        let mut said = prompt(1, 200);
        let (answer, _) = ask(&mut bench, model, conversation(1), &said);
        said.extend(answer);
        for (n, of) in [None, conversation(2)].into_iter().enumerate() {
            let other = [said.clone(), vec![6 + n as u32; 4]].concat();
            let (answer, reused) = ask(&mut bench, model, of, &other);
            assert_eq!((answer, reused), (fresh(&mut bench, &file, &other), said.len() as u32), "{}", file.display());
        }
        said.extend([3, 1, 4]);
        let (answer, reused) = ask(&mut bench, model, conversation(1), &said);
        assert_eq!((answer, reused), (fresh(&mut bench, &file, &said), said.len() as u32 - 3), "{}", file.display());
    }
}

/// An edit of an earlier turn goes back to the nearest place that is kept.
#[test]
fn an_edit_and_an_answer_once_more_go_back_no_further_than_they_must() {
    for file in files() {
        let mut bench = Bench::new();
        let model = bench.load_file(file.clone(), 1024);
        let mut said = prompt(1, 100);
        let (answer, _) = ask(&mut bench, model, conversation(1), &said);
        let (again, reused) = ask(&mut bench, model, conversation(1), &said);
        assert_eq!((&again, reused), (&answer, 99), "{}", file.display());
        said.extend(answer);
        said.extend(prompt(5, 50));
        ask(&mut bench, model, conversation(1), &said);
        let edited = [&said[..120], &[2; 10]].concat();
        let (answer, reused) = ask(&mut bench, model, conversation(1), &edited);
        assert_eq!(answer, fresh(&mut bench, &file, &edited), "{}", file.display());
        // What keeps all its rows goes back to the very token, what keeps copies to the end of the first answer.
        assert!([108, 120].contains(&reused), "{}: {reused}", file.display());
    }
}

/// Whatever the model says, the next turn's prompt begins with the ids it was said in.
#[test]
fn a_conversation_with_the_guide_computes_each_turn_once() {
    let mut bench = Bench::new();
    let job = bench.send(|job| Command::Load { job, model: ModelRef::Guide, draft: None, options: LoadOptions::default() });
    let model = bench.until_end(job).into_iter().find_map(|e| match e {
        Event::Loaded { model, .. } => Some(model),
        _ => None,
    });
    let model = model.expect("the guide loads");
    let (mut messages, mut held) = (Vec::new(), 0);
    for (turn, question) in ["What is ingle?", "Why?", "And then?"].into_iter().enumerate() {
        messages.push(Message::new(Role::User, question));
        let job = bench.send(|job| Command::Generate {
            job,
            model,
            conversation: conversation(1),
            input: Input::Messages { messages: messages.clone(), rendering: Default::default() },
            sampling: Box::new(Sampling { temp: 1.5, seed: Some(7), ..Sampling::default() }),
            limits: Limits { n_predict: Some(60), ..Limits::default() },
            logprobs: None,
        });
        let events = bench.until_end(job);
        let stats = end(&events).1;
        assert_eq!(stats.cache_n, held, "turn {turn}");
        held = stats.n_past;
        let texts = events.iter().filter_map(|e| match e {
            Event::Tokens { text, .. } => Some(text.as_str()),
            _ => None,
        });
        messages.push(Message::new(Role::Assistant, texts.collect::<String>()));
    }
}
