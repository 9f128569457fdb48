//! The model inside the program, through the engine as the screen asks it.

use super::*;
use crate::protocol::{Message, Role};

/// Questions, and a word of the fact that answers each.
const FACTS: &[(&str, &str)] =
    &[("How do I pick another model?", "F2"), ("Does anything leave this machine?", "machine"), ("What is ingle?", "GGUF")];

const WHO: &[&str] =
    &["Who are you?", "What are you?", "Are you ChatGPT?", "What model am I talking to?", "Which model are you?", "What is your name?"];

struct Guide {
    bench: Bench,
    model: ModelId,
}

impl Guide {
    fn new() -> Self {
        let mut bench = Bench::new();
        let job = bench.send(|job| Command::Load { job, model: ModelRef::Guide, draft: None, options: LoadOptions::default() });
        let model = bench.until_end(job).into_iter().find_map(|e| match e {
            Event::Loaded { model, .. } => Some(model),
            _ => None,
        });
        Self { bench, model: model.expect("the guide loads") }
    }

    /// By the settings that its file recommends: the likeliest word each time.
    fn answer(&mut self, question: &str) -> String {
        let model = self.model;
        let input = Input::Messages { messages: vec![Message::new(Role::User, question)], rendering: Default::default() };
        let job = self.bench.send(|job| Command::Generate {
            job,
            model,
            conversation: None,
            input,
            sampling: Box::new(Sampling { temp: 0.0, ..Sampling::default() }),
            limits: Limits::default(),
            logprobs: None,
        });
        let events = self.bench.until_end(job);
        assert_eq!(end(&events).0, FinishReason::Done, "{question}");
        let texts = events.iter().filter_map(|e| match e {
            Event::Tokens { text, .. } => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }
}

#[test]
fn the_guide_answers_a_question_about_ingle_with_the_fact() {
    let mut guide = Guide::new();
    for (question, fact) in FACTS {
        let answer = guide.answer(question);
        assert!(answer.contains(fact), "{question} {answer}");
    }
}

#[test]
fn the_guide_always_says_that_it_is_the_guide() {
    let mut guide = Guide::new();
    for question in WHO {
        let answer = guide.answer(question);
        assert!(answer.contains("the guide"), "{question} {answer}");
    }
}
