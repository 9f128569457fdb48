mod guide;
mod random;
mod reuse;
mod saved;
mod speculation;

use super::*;
use crate::protocol::{
    CacheType, Event, FinishReason, Input, JobId, Limits, LoadOptions, ModelId, ModelRef, Sampling, TokenOut, TokenizeAnswer,
    TokenizeRequest,
};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Bench {
    commands: CommandSender,
    events: EventReceiver,
    next: u64,
}

impl Bench {
    fn new() -> Self {
        Self::with(None)
    }

    fn with(states: Option<StatesOptions>) -> Self {
        let (commands, events) = start(Options { sandbox: None, states }).unwrap();
        Self { commands, events, next: 0 }
    }

    fn send(&mut self, command: impl FnOnce(JobId) -> Command) -> JobId {
        self.next += 1;
        let job = JobId(self.next);
        self.commands.send(command(job)).unwrap();
        job
    }

    fn next(&self) -> Event {
        self.events.recv_timeout(PATIENCE).expect("the engine answers")
    }

    /// All events up to the job's end, which is the last.
    fn until_end(&self, job: JobId) -> Vec<Event> {
        let mut seen = Vec::new();
        loop {
            seen.push(self.next());
            if seen.last().unwrap().ends() == Some(job) {
                return seen;
            }
        }
    }

    fn load(&mut self, name: &str, n_ctx: u32) -> ModelId {
        self.load_file(golden(name), n_ctx)
    }

    fn load_file(&mut self, path: PathBuf, n_ctx: u32) -> ModelId {
        self.load_cached(path, n_ctx, CacheType::F16)
    }

    fn load_cached(&mut self, path: PathBuf, n_ctx: u32, cache: CacheType) -> ModelId {
        let options = LoadOptions { n_ctx, n_threads: 2, cache_type_k: cache, cache_type_v: cache, exact: false, ids_only: true };
        let job = self.send(|job| Command::Load { job, model: ModelRef::File(path), draft: None, options });
        let loaded = self.until_end(job).into_iter().find_map(|e| match e {
            Event::Loaded { model, .. } => Some(model),
            _ => None,
        });
        loaded.expect("the golden model loads")
    }
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/archs/{name}.gguf"))
}

fn generate(model: ModelId, ids: &[u32], n_predict: u32) -> impl FnOnce(JobId) -> Command {
    let ids = ids.to_vec();
    move |job| Command::Generate {
        job,
        model,
        conversation: None,
        input: Input::Ids(ids),
        sampling: Box::new(Sampling { temp: 0.0, seed: Some(1), ..Sampling::default() }),
        limits: Limits { n_predict: Some(n_predict), ..Limits::default() },
        logprobs: None,
    }
}

fn ids(events: &[Event]) -> Vec<u32> {
    let tokens = events.iter().filter_map(|e| match e {
        Event::Tokens { tokens, .. } => Some(tokens),
        _ => None,
    });
    tokens.flatten().map(|t: &TokenOut| t.id).collect()
}

fn end(events: &[Event]) -> (FinishReason, crate::protocol::Statistics) {
    match events.last() {
        Some(Event::Finished { reason, statistics: Some(statistics), .. }) => (*reason, (**statistics).clone()),
        other => panic!("expected an answer's end, got {other:?}"),
    }
}

#[test]
fn an_answer_is_told_token_by_token_and_ends_with_its_figures() {
    let mut bench = Bench::new();
    let model = bench.load("llama", 64);
    let job = bench.send(generate(model, &[1, 2, 3, 4, 5], 7));
    let events = bench.until_end(job);
    let (reason, stats) = end(&events);
    assert_eq!((reason, ids(&events).len()), (FinishReason::Length, 7));
    assert_eq!((stats.cache_n, stats.prompt_n, stats.predicted_n, stats.n_ctx, stats.seed), (0, 5, 7, 64, 1));
    assert!(stats.ttft_ms.is_some() && stats.predicted_per_second.is_some() && stats.peak.kv > 0);

    // The same question again: all but its last token is in the cache, and the answer is the same.
    let job = bench.send(generate(model, &[1, 2, 3, 4, 5], 7));
    let again = bench.until_end(job);
    assert_eq!((ids(&again), end(&again).1.cache_n), (ids(&events), 4));
}

#[test]
fn the_context_ends_an_answer_and_refuses_a_prompt_that_fills_it() {
    let mut bench = Bench::new();
    let model = bench.load("llama", 16);
    let job = bench.send(generate(model, &[1; 10], 100));
    let events = bench.until_end(job);
    assert_eq!((end(&events).0, end(&events).1.n_past), (FinishReason::Context, 16));
    for (prompt, said) in [
        (vec![1; 16], "the conversation takes 16 tokens, and the context holds 16"),
        (vec![], "the prompt is empty"),
        (vec![80], "id 80 is outside the vocabulary of 80 tokens"),
    ] {
        let job = bench.send(generate(model, &prompt, 1));
        match bench.until_end(job).pop() {
            Some(Event::Failed { report, model_lost: None, .. }) => assert_eq!(report.what, said),
            other => panic!("expected a refusal, got {other:?}"),
        }
    }
}

#[test]
fn cancel_ends_the_running_job_and_those_that_wait() {
    let mut bench = Bench::new();
    let model = bench.load("llama", 100_000);
    let running = bench.send(generate(model, &[1, 2, 3], 90_000));
    let waiting = bench.send(generate(model, &[1, 2, 3], 90_000));
    let cancel_waiting = bench.send(|job| Command::Cancel { job, target: waiting });
    let mut ended = HashMap::new();
    let mut told = 0;
    let mut cancelled = false;
    while ended.len() < 4 {
        let event = bench.next();
        if let Event::Tokens { tokens, .. } = &event {
            told += tokens.len();
            if !cancelled && told > 3 {
                cancelled = true;
                bench.send(|job| Command::Cancel { job, target: running });
            }
        }
        if let Some(job) = event.ends() {
            assert!(ended.insert(job, event).is_none(), "a job ends once");
        }
    }
    let cancelled = |job: JobId| matches!(ended[&job], Event::Finished { reason: FinishReason::Cancelled, .. });
    assert!(cancelled(running) && cancelled(waiting) && !cancelled(cancel_waiting));
}

/// After a cancel has been accepted no more than what was being computed is told.
#[test]
fn cancel_takes_effect_within_one_token_also_while_a_prompt_is_read() {
    let mut bench = Bench::new();
    let model = bench.load("llama", 100_000);
    let long: Vec<u32> = (0..60_000).map(|n| 1 + n % 50).collect();
    for (prompt, of_prompt) in [(long.as_slice(), true), (&[1, 2, 3], false)] {
        let job = bench.send(generate(model, prompt, 90_000));
        loop {
            match bench.next() {
                Event::PrefillProgress { done, .. } if of_prompt && done > 0 => break,
                Event::Tokens { .. } if !of_prompt => break,
                event => assert_eq!(event.ends(), None, "it goes on until it is stopped"),
            }
        }
        let cancel = bench.send(|own| Command::Cancel { job: own, target: job });
        bench.until_end(cancel);
        let after = bench.until_end(job);
        let n_progress = after.iter().filter(|e| matches!(e, Event::PrefillProgress { .. })).count();
        assert!(n_progress <= 1 && ids(&after).len() <= 1, "{after:?}");
        assert_eq!(end(&after).0, FinishReason::Cancelled);
    }
}

/// The file is looked at each second while it is computed with.
#[test]
fn a_file_that_is_written_to_ends_the_answer_that_is_made_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.gguf");
    std::fs::copy(golden("llama"), &file).unwrap();
    let mut bench = Bench::new();
    let model = bench.load_file(file.clone(), 1_000_000);
    let job = bench.send(generate(model, &[1, 2, 3], 900_000));
    while !matches!(bench.next(), Event::Tokens { .. }) {}
    std::fs::File::options().append(true).open(&file).and_then(|mut f| std::io::Write::write_all(&mut f, b"more")).unwrap();
    match bench.until_end(job).pop() {
        Some(Event::Failed { report, .. }) => assert!(report.what.starts_with("own.gguf grew from "), "{}", report.what),
        other => panic!("expected a failure, got {other:?}"),
    }
}

#[test]
fn a_panic_costs_one_job_and_the_model_loads_again() {
    let mut bench = Bench::new();
    let model = bench.load("llama", 64);
    let job = bench.send(generate(model, &[1, 2, 3], 5));
    let fresh = ids(&bench.until_end(job));
    for phase in [generate::Phase::Prefill, generate::Phase::Decode] {
        let model = bench.load("llama", 64);
        let job = generate::doomed(phase);
        bench.commands.send(generate(model, &[1, 2, 3], 5)(job)).unwrap();
        match bench.until_end(job).pop() {
            Some(Event::Failed { report, model_lost, .. }) => {
                assert_eq!(model_lost, Some(model));
                assert!(report.what.starts_with("ingle made a mistake while computing ("), "{}", report.what);
            }
            other => panic!("expected a failure, got {other:?}"),
        }
        let gone = bench.send(generate(model, &[1, 2, 3], 5));
        assert!(matches!(bench.until_end(gone).pop(), Some(Event::Failed { model_lost: None, .. })));
        let model = bench.load("llama", 64);
        let job = bench.send(generate(model, &[1, 2, 3], 5));
        assert_eq!(ids(&bench.until_end(job)), fresh, "the next answer is a fresh start's");
    }
}

#[test]
fn a_slow_listener_misses_nothing() {
    let mut bench = Bench::new();
    let model = bench.load("llama", 4096);
    let job = bench.send(generate(model, &[1, 2, 3], 1000));
    // Nobody listens until the engine has ended: its queue must have merged what did not fit.
    let shutdown = bench.send(|job| Command::Score { job, model, ids: vec![1, 2, 3] });
    let events = bench.until_end(shutdown);
    assert_eq!(ids(&events).len(), 1000);
    assert_eq!(events.iter().filter(|e| e.ends() == Some(job)).count(), 1);
    assert!(events.iter().any(|e| matches!(e, Event::Scored { logprobs, .. } if logprobs.len() == 2)));
}

#[test]
fn shutdown_ends_everything_once() {
    let mut bench = Bench::new();
    let model = bench.load("llama", 100_000);
    let jobs = [bench.send(generate(model, &[1], 90_000)), bench.send(generate(model, &[2], 90_000))];
    let shutdown = bench.send(|job| Command::Shutdown { job });
    let mut ends = Vec::new();
    while let Some(event) = bench.events.recv() {
        ends.extend(event.ends());
    }
    ends.sort();
    assert_eq!(ends, [jobs[0], jobs[1], shutdown]);
    assert!(bench.commands.send(Command::Shutdown { job: JobId(99) }).is_err(), "nobody takes commands any more");
}

#[test]
fn a_header_alone_tells_what_is_in_a_file_and_counts_tokens() {
    let mut bench = Bench::new();
    let job = bench.send(|job| Command::Describe { job, model: ModelRef::Guide });
    let events = bench.until_end(job);
    let Event::Described { description, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!(description.facts.name, "ingle guide");
    assert!(description.template.as_ref().is_some_and(|t| t.contains("messages")));
    assert!(description.tensors.iter().any(|t| t.name == "token_embd.weight" && t.bytes.is_some() && t.shape.len() == 2));
    let texts = vec!["What is ingle?".to_owned(), String::new()];
    let encode = |text: &str| TokenizeRequest::Encode { text: text.to_owned(), add_special: false, parse_special: false };
    let request = encode(&texts[0]);
    let job = bench.send(|job| Command::Tokenize { job, model: ModelRef::Guide, request });
    let events = bench.until_end(job);
    let Event::Tokenized { answer: TokenizeAnswer::Ids { ids, .. }, .. } = &events[0] else { panic!("{events:?}") };
    let job = bench.send(|job| Command::Tokenize { job, model: ModelRef::Guide, request: TokenizeRequest::Count { texts } });
    let counted = Event::Tokenized { job, answer: TokenizeAnswer::Counts(vec![ids.len() as u32, 0]) };
    assert_eq!(bench.until_end(job)[0], counted);
}
