//! With guesses ahead an answer is the very same as without: token by token, whatever chooses them and whatever ends it.

use super::super::decode::EAGER;
use super::*;
use crate::protocol::{Grammar, LogitBias, Message, Role, Statistics};

/// An answer as it was told.
#[derive(Debug, PartialEq)]
struct Told {
    text: String,
    tokens: Vec<TokenOut>,
    reason: FinishReason,
    n_past: u32,
    thinking_n: u32,
}

fn told(events: &[Event]) -> (Told, Statistics) {
    let (mut text, mut told) = (String::new(), Vec::new());
    for event in events {
        if let Event::Tokens { text: more, tokens, .. } = event {
            text.push_str(more);
            told.extend(tokens.iter().cloned());
        }
    }
    let (reason, statistics) = end(events);
    (Told { text, tokens: told, reason, n_past: statistics.n_past, thinking_n: statistics.thinking_n }, statistics)
}

struct Asked {
    input: Input,
    sampling: Sampling,
    limits: Limits,
    logprobs: Option<u8>,
}

/// Tokens drafted, and those that came true.
type Drafted = (u32, u32);

impl Bench {
    fn answer(&mut self, model: ModelId, asked: &Asked, job: JobId, n_draft: u32) -> (Told, Statistics) {
        let Asked { input, sampling, limits, logprobs } = asked;
        let (input, sampling, logprobs) = (input.clone(), Box::new(sampling.clone()), *logprobs);
        let limits = Limits { n_draft, ..limits.clone() };
        self.commands.send(Command::Generate { job, model, conversation: None, input, sampling, limits, logprobs }).unwrap();
        told(&self.until_end(job))
    }

    /// Answers once without guesses and once with as many as there is room for; they must be the same answer.
    fn compare(&mut self, what: &str, model: ModelId, asked: &Asked) -> Drafted {
        self.next += 3;
        // Both go on from the same prompt as it was computed once.
        let unsaid = |asked: &Asked| Limits { n_predict: Some(0), ..asked.limits.clone() };
        let prompt = Asked { input: asked.input.clone(), sampling: asked.sampling.clone(), limits: unsaid(asked), logprobs: None };
        self.answer(model, &prompt, JobId(self.next - 1), 0);
        let (plain, stats) = self.answer(model, asked, JobId(self.next), 0);
        assert_eq!((stats.draft_n, stats.draft_n_accepted), (0, 0), "{what}");
        let (guessed, stats) = self.answer(model, asked, JobId(EAGER + self.next), 7);
        assert_eq!(guessed, plain, "{what}");
        assert!(stats.draft_n_accepted <= stats.draft_n && stats.draft_n_accepted <= stats.predicted_n, "{what}");
        (stats.draft_n, stats.draft_n_accepted)
    }

    fn guide(&mut self, n_ctx: u32) -> ModelId {
        let options = LoadOptions { n_ctx, n_threads: 2, ..LoadOptions::default() };
        let job = self.send(|job| Command::Load { job, model: ModelRef::Guide, draft: None, options });
        let loaded = self.until_end(job).into_iter().find_map(|e| match e {
            Event::Loaded { model, .. } => Some(model),
            _ => None,
        });
        loaded.expect("the guide loads")
    }
}

fn sampling(temp: f32) -> Sampling {
    Sampling { temp, seed: Some(42), ..Sampling::default() }
}

/// Of few tokens, those that came before often come again.
fn among_few(sampling: Sampling) -> Sampling {
    let biases = [5, 6, 7].map(|id| LogitBias { id, bias: Some(100.0) });
    Sampling { logit_bias: biases.to_vec(), ..sampling }
}

/// Every way to choose tokens that looks back on those before it, draws, or keeps a state of its own.
fn ways() -> Vec<(&'static str, Sampling)> {
    let warm = || Sampling { repeat_penalty: 1.1, frequency_penalty: 0.1, presence_penalty: 0.1, ..sampling(0.8) };
    vec![
        ("greedy", sampling(0.0)),
        ("temperature", sampling(0.8)),
        ("penalties", warm()),
        ("greedy with penalties", Sampling { temp: 0.0, ..warm() }),
        ("dry", Sampling { dry_multiplier: 0.8, ..sampling(0.8) }),
        ("xtc", Sampling { xtc_probability: 0.5, ..sampling(0.8) }),
        ("mirostat", Sampling { mirostat: 1, ..sampling(0.8) }),
        ("mirostat 2", Sampling { mirostat: 2, ..sampling(0.8) }),
    ]
}

fn of_ids(ids: &[u32], sampling: Sampling, n_predict: Option<u32>) -> Asked {
    Asked { input: Input::Ids(ids.to_vec()), sampling, limits: Limits { n_predict, ..Limits::default() }, logprobs: None }
}

fn question(text: &str, sampling: Sampling) -> Asked {
    let input = Input::Messages { messages: vec![Message::new(Role::User, text)], rendering: Default::default() };
    Asked { input, sampling, limits: Limits { n_predict: Some(200), ..Limits::default() }, logprobs: None }
}

#[test]
fn an_answer_is_the_same_by_every_way_to_choose_tokens() {
    let mut bench = Bench::new();
    let mut all = (0, 0);
    for name in ["llama", "llama-moe", "llama-qkv-fused"] {
        let model = bench.load(name, 1024);
        for (way, sampling) in ways() {
            let prompt: Vec<u32> = (0..40).map(|i| 1 + i * 7 % 30).collect();
            for (what, sampling) in [("any token", sampling.clone()), ("few tokens", among_few(sampling))] {
                let what = format!("{name}, {way}, {what}");
                let (drafted, accepted) = bench.compare(&what, model, &of_ids(&prompt, sampling, Some(300)));
                all = (all.0 + drafted, all.1 + accepted);
            }
        }
    }
    assert!(all.1 > 500 && all.0 > all.1 + 500, "guesses were right and wrong: {all:?}");
}

#[test]
fn the_guide_says_the_same_with_guesses() {
    let mut bench = Bench::new();
    let model = bench.guide(0);
    let mut all = (0, 0);
    for (way, sampling) in ways() {
        let (drafted, accepted) = bench.compare(way, model, &question("How do I pick another model, and how do I pick a theme?", sampling));
        all = (all.0 + drafted, all.1 + accepted);
    }
    assert!(all.0 > all.1, "{all:?}");
}

#[test]
fn stop_strings_log_probabilities_and_limits_cut_at_the_same_token() {
    let mut bench = Bench::new();
    let model = bench.guide(0);
    let ask = || question("How do I pick another model?", sampling(0.0));
    let (whole, _) = bench.answer(model, &ask(), JobId(1000), 0);
    let middle: String = whole.text.chars().skip(20).take(3).collect();
    let stopped = Asked { limits: Limits { stop: vec![middle], ..ask().limits }, ..ask() };
    bench.compare("stop string", model, &stopped);
    bench.compare("log-probabilities", model, &Asked { logprobs: Some(3), ..ask() });
    for n in 0..20 {
        bench.compare(&format!("{n} tokens"), model, &Asked { limits: Limits { n_predict: Some(n), ..Limits::default() }, ..ask() });
    }
}

#[test]
fn a_grammar_is_followed_alike() {
    let mut bench = Bench::new();
    let model = bench.guide(0);
    let schema = r#"{"type": "object", "properties": {"keys": {"type": "array", "items": {"enum": ["F1", "F2"]}, "minItems": 30, "maxItems": 30}}, "required": ["keys"], "additionalProperties": false}"#;
    let grammars = [Grammar::JsonSchema(schema.to_owned()), Grammar::Text("start: (\"ab\" | \"ac\"){40}".to_owned())];
    for (grammar, temp) in grammars.into_iter().flat_map(|g| [(g.clone(), 0.0), (g, 0.8)]) {
        let what = format!("{grammar:?} at {temp}");
        let asked = question("Which keys?", Sampling { grammar: Some(grammar), ..sampling(temp) });
        let (_, accepted) = bench.compare(&what, model, &Asked { limits: Limits::default(), ..asked });
        assert!(accepted > 0, "{what}");
    }
}

#[test]
fn the_end_of_the_context_is_reached_alike() {
    let mut bench = Bench::new();
    for n_ctx in 60..70 {
        let model = bench.load("llama", n_ctx);
        for temp in [0.0, 0.8] {
            let asked = of_ids(&[1, 2, 3, 4, 5, 1, 2, 3, 4], sampling(temp), None);
            bench.compare(&format!("a context of {n_ctx}"), model, &asked);
        }
        let job = bench.send(|job| Command::Unload { job, model });
        bench.until_end(job);
    }
}

/// The next prompt goes on from what was said, not from what was guessed.
#[test]
fn a_conversation_goes_on_from_what_was_said() {
    let mut bench = Bench::new();
    let model = bench.load("llama", 1024);
    let mut ids = vec![1, 2, 3, 4, 5, 1, 2, 3];
    for turn in 0..6 {
        let asked = of_ids(&ids, sampling(0.8), Some(40));
        let (plain, _) = bench.answer(model, &asked, JobId(1000 + turn), 0);
        let (guessed, stats) = bench.answer(model, &asked, JobId(EAGER + turn), 7);
        assert_eq!((guessed, stats.cache_n as usize), (plain, ids.len() - 1), "turn {turn}");
        ids.extend(told_ids(&mut bench, model, &asked, JobId(2000 + turn)));
        ids.extend([7, 8]);
    }
}

fn told_ids(bench: &mut Bench, model: ModelId, asked: &Asked, job: JobId) -> Vec<u32> {
    bench.answer(model, asked, job, 0).0.tokens.iter().map(|t| t.id).collect()
}

/// What has a state that cannot go back is answered without guesses.
#[test]
fn models_with_windows_draft_and_those_with_states_do_not() {
    let Some(folder) = std::env::var_os("INGLE_GOLDEN") else {
        return eprintln!("golden/archs: skipped, INGLE_GOLDEN is not set");
    };
    let folder = Path::new(&folder).join("archs");
    let mut bench = Bench::new();
    for (name, drafts) in [("gemma3", true), ("gpt-oss", true), ("deepseek2", true), ("mamba2", false), ("qwen3next", false)] {
        let model = bench.load_file(folder.join(format!("{name}.gguf")), 2048);
        for temp in [0.0, 0.8] {
            let prompt: Vec<u32> = (0..60).map(|i| 1 + i * 7 % 30).collect();
            let (drafted, _) = bench.compare(name, model, &of_ids(&prompt, sampling(temp), Some(700)));
            assert_eq!(drafted > 0, drafts, "{name} at {temp}");
        }
    }
}

impl Bench {
    fn load_with(&mut self, model: ModelRef, draft: ModelRef, ids_only: bool) -> Result<ModelId, String> {
        let options = LoadOptions { n_ctx: 512, n_threads: 2, ids_only, ..LoadOptions::default() };
        let draft = Some(draft);
        let job = self.send(|job| Command::Load { job, model, draft, options });
        let events = self.until_end(job);
        match events.iter().find(|e| matches!(e, Event::Loaded { .. } | Event::Failed { .. })) {
            Some(Event::Loaded { model, .. }) => Ok(*model),
            Some(Event::Failed { report, .. }) => Err(report.to_string()),
            other => panic!("expected an end, got {other:?}"),
        }
    }
}

/// A model that drafts for itself guesses right at temperature 0; another one mostly guesses wrong. Neither changes a word.
#[test]
fn a_draft_model_guesses_and_never_decides() {
    let mut bench = Bench::new();
    let prompt: Vec<u32> = (0..40).map(|i| 1 + i * 7 % 30).collect();
    for (draft, guesses_right) in [("llama", true), ("llama-moe", false)] {
        let model = bench.load_with(ModelRef::File(golden("llama")), ModelRef::File(golden(draft)), true).unwrap();
        let (drafted, accepted) = bench.compare(draft, model, &of_ids(&prompt, sampling(0.0), Some(200)));
        assert!(drafted > 100 && (accepted * 2 > drafted) == guesses_right, "{draft}: {accepted} of {drafted}");
        for (way, sampling) in ways() {
            bench.compare(&format!("{draft}, {way}"), model, &of_ids(&prompt, sampling, Some(100)));
        }
        let full = bench.compare("the context's end", model, &of_ids(&prompt, sampling(0.0), None));
        assert!(full.0 > 0, "up to the context's end");
    }
}

/// What it has read of a conversation goes with that: no memory is left of it.
#[test]
fn a_draft_model_forgets_what_is_forgotten() {
    let mut bench = Bench::new();
    let model = bench.load_with(ModelRef::File(golden("llama")), ModelRef::File(golden("llama")), true).unwrap();
    let short = of_ids(&[1, 2, 3], sampling(0.0), Some(8));
    let held = |bench: &mut Bench, job| bench.answer(model, &short, JobId(EAGER + job), 7).1.peak.kv;
    let before = held(&mut bench, 0);
    let prompt: Vec<u32> = (0..200).map(|i| 1 + i * 7 % 30).collect();
    bench.answer(model, &of_ids(&prompt, sampling(0.0), Some(8)), JobId(EAGER + 1), 7);
    assert!(held(&mut bench, 2) > 8 * before);
    let job = bench.send(|job| Command::Forget { job, conversation: crate::protocol::ConversationId(uuid::Uuid::nil()) });
    bench.until_end(job);
    assert_eq!(held(&mut bench, 3), before);
}

#[test]
fn a_draft_model_may_be_of_the_same_words() {
    let mut bench = Bench::new();
    let model = bench.load_with(ModelRef::Guide, ModelRef::Guide, false).unwrap();
    for temp in [0.0, 0.8] {
        let (drafted, accepted) = bench.compare("guide", model, &question("How do I pick another model?", sampling(temp)));
        assert!(accepted > 0 && drafted > 0);
    }
}

/// What drafts is weighed by what it costs: a model as large as the one it drafts for is soon asked no more.
#[test]
fn a_draft_model_that_does_not_pay_rests() {
    let mut bench = Bench::new();
    let model = bench.load_with(ModelRef::File(golden("llama")), ModelRef::File(golden("llama-moe")), true).unwrap();
    let asked = of_ids(&[1, 2, 3], sampling(0.8), Some(500));
    let (_, stats) = bench.answer(model, &asked, JobId(1000), 7);
    assert!(stats.draft_n > 0, "it is tried");
    assert!(stats.draft_n < 500, "it rests: {} drafted", stats.draft_n);
    let alone = bench.load("llama", 512);
    let (_, without) = bench.answer(alone, &asked, JobId(1001), 7);
    let of_both = stats.peak;
    assert!(of_both.weights > without.peak.weights && of_both.kv_max == 2 * without.peak.kv_max, "{of_both:?}");
}

#[test]
fn a_model_that_cannot_draft_is_refused_in_one_sentence() {
    let mut bench = Bench::new();
    let Some(folder) = std::env::var_os("INGLE_GOLDEN") else {
        return eprintln!("golden/archs: skipped, INGLE_GOLDEN is not set");
    };
    let file = |name: &str| ModelRef::File(Path::new(&folder).join(format!("archs/{name}.gguf")));
    let vocabulary = bench.load_with(file("llama"), file("baichuan"), true).unwrap_err();
    assert_eq!(vocabulary, "baichuan.gguf cannot draft for llama.gguf: their vocabularies differ. Take a draft model of the same family.");
    let states = bench.load_with(file("llama"), file("mamba2"), true).unwrap_err();
    assert!(states.starts_with("mamba2.gguf keeps states that cannot take back a guess"), "{states}");
    let states = bench.load_with(file("mamba2"), file("llama"), true).unwrap_err();
    assert!(states.starts_with("mamba2.gguf keeps states that cannot take back a guess"), "{states}");
}
