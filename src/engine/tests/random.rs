//! Random commands, held against what the protocol promises: each job ends once, after its result, and nothing of it
//! comes later; what waits is done in order; what is cancelled in time ends as cancelled.

use super::*;

/// `INGLE_SEEDS=100000` for more.
const SEEDS: &str = "INGLE_SEEDS";
const SEEDS_SHORT: u64 = 1_000;
const COMMANDS: u64 = 12;

#[test]
fn the_protocol_holds_whatever_is_asked() {
    let n_seeds = std::env::var(SEEDS).ok().and_then(|n| n.parse().ok()).unwrap_or(SEEDS_SHORT);
    (0..n_seeds).for_each(one);
}

/// What was asked of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Load,
    Unload,
    Forget,
    Generate(u32),
    Score,
    Tokenize,
    Render,
    Describe,
    Cancel(JobId),
    Shutdown,
}

fn one(seed: u64) {
    let mut dice = seed * 2_654_435_761 + 1;
    let mut roll = |n: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % n
    };
    let mut bench = Bench::new();
    let mut asked = HashMap::new();
    for _ in 0..COMMANDS {
        let what = [
            Asked::Load,
            Asked::Unload,
            Asked::Forget,
            Asked::Generate(roll(20) as u32),
            Asked::Generate(300),
            Asked::Score,
            Asked::Tokenize,
            Asked::Render,
            Asked::Describe,
            Asked::Cancel(JobId(roll(COMMANDS + 2))),
            Asked::Cancel(JobId(bench.next)),
        ][roll(11) as usize];
        // Models are numbered from 1 on, in the order of their loads; some of these are not there.
        let model = ModelId(roll(4) as u32);
        let is_there = roll(6) > 0;
        let job = bench.send(|job| command(job, what, model, is_there));
        asked.insert(job, what);
    }
    let shutdown = bench.send(|job| Command::Shutdown { job });
    asked.insert(shutdown, Asked::Shutdown);
    let mut events = Vec::new();
    while let Some(event) = bench.events.recv() {
        events.push(event);
    }
    check(seed, &asked, &events);
}

fn command(job: JobId, what: Asked, model: ModelId, is_there: bool) -> Command {
    let file = if is_there { ModelRef::File(golden("llama-moe")) } else { ModelRef::File("/nonexistent.gguf".into()) };
    match what {
        Asked::Load => {
            let options = LoadOptions { n_ctx: 512, n_threads: 1, ids_only: true, ..LoadOptions::default() };
            Command::Load { job, model: file, draft: None, options }
        }
        Asked::Unload => Command::Unload { job, model },
        Asked::Forget => Command::Forget { job, conversation: crate::protocol::ConversationId(uuid::Uuid::nil()) },
        Asked::Generate(n) => generate(model, &[1, 2, 3], n)(job),
        Asked::Score => Command::Score { job, model, ids: vec![1, 2, 3] },
        Asked::Tokenize => {
            let request = crate::protocol::TokenizeRequest::Encode { text: "a b".to_owned(), add_special: true, parse_special: false };
            Command::Tokenize { job, model: if is_there { ModelRef::Guide } else { file }, request }
        }
        Asked::Render => Command::Render {
            job,
            model: if is_there { ModelRef::Guide } else { file },
            messages: vec![crate::protocol::Message::new(crate::protocol::Role::User, "hello")],
            rendering: Default::default(),
            add_generation_prompt: true,
        },
        Asked::Describe => Command::Describe { job, model: if is_there { ModelRef::Guide } else { file } },
        Asked::Cancel(target) => Command::Cancel { job, target },
        Asked::Shutdown => Command::Shutdown { job },
    }
}

fn check(seed: u64, asked: &HashMap<JobId, Asked>, events: &[Event]) {
    let mut ended: HashMap<JobId, &Event> = HashMap::new();
    let mut results: HashMap<JobId, u32> = HashMap::new();
    let mut tokens: HashMap<JobId, usize> = HashMap::new();
    let mut computed = Vec::new();
    for event in events {
        if let Some(job) = of(event) {
            assert!(asked.contains_key(&job), "seed {seed}: {event:?} of nobody's job");
            assert!(!ended.contains_key(&job), "seed {seed}: {event:?} after its end");
        }
        match event {
            Event::Loaded { job, .. }
            | Event::Scored { job, .. }
            | Event::Tokenized { job, .. }
            | Event::Rendered { job, .. }
            | Event::Described { job, .. } => {
                *results.entry(*job).or_default() += 1;
            }
            Event::Tokens { job, tokens: told, .. } => *tokens.entry(*job).or_default() += told.len(),
            _ => {}
        }
        if let Some(job) = event.ends() {
            ended.insert(job, event);
            if !is_cancelled(event)
                && matches!(asked[&job], Asked::Load | Asked::Unload | Asked::Forget | Asked::Generate(_) | Asked::Score)
            {
                computed.push(job);
            }
        }
    }
    let open: Vec<_> = asked.iter().filter(|(job, _)| !ended.contains_key(job)).collect();
    assert!(open.is_empty(), "seed {seed}: {open:?} never end");
    assert!(computed.is_sorted(), "seed {seed}: {computed:?} in the order they were asked for");
    for (job, what) in asked {
        let n_results = results.get(job).copied().unwrap_or(0);
        let n_tokens = tokens.get(job).copied().unwrap_or(0);
        let (is_done, was_cancelled) = (is_done(ended[job]), is_cancelled(ended[job]));
        let has_result = matches!(what, Asked::Load | Asked::Score | Asked::Tokenize | Asked::Render | Asked::Describe);
        assert_eq!(n_results, u32::from(has_result && is_done), "seed {seed}: {what:?} {:?}", ended[job]);
        match what {
            Asked::Generate(n) => {
                assert!(n_tokens <= *n as usize, "seed {seed}: {n_tokens} of {n} tokens");
                let figures = matches!(ended[job], Event::Finished { statistics: Some(s), .. } if s.predicted_n as usize == n_tokens);
                let never_begun = was_cancelled && n_tokens == 0;
                assert!(figures || never_begun || matches!(ended[job], Event::Failed { .. }), "seed {seed}: {:?}", ended[job]);
            }
            Asked::Cancel(_) | Asked::Shutdown => assert!(is_done, "seed {seed}: {:?}", ended[job]),
            Asked::Load | Asked::Unload | Asked::Forget | Asked::Score | Asked::Tokenize | Asked::Render | Asked::Describe => {}
        }
    }
}

/// The job that an event tells of.
fn of(event: &Event) -> Option<JobId> {
    match event {
        Event::Queued { job, .. }
        | Event::LoadProgress { job, .. }
        | Event::Loaded { job, .. }
        | Event::PrefillProgress { job, .. }
        | Event::Drafted { job, .. }
        | Event::Tokens { job, .. }
        | Event::Scored { job, .. }
        | Event::Tokenized { job, .. }
        | Event::Rendered { job, .. }
        | Event::Described { job, .. }
        | Event::Finished { job, .. }
        | Event::Failed { job, .. } => Some(*job),
        Event::Ledger { .. } => None,
    }
}

fn is_cancelled(event: &Event) -> bool {
    matches!(event, Event::Finished { reason: FinishReason::Cancelled, .. })
}

fn is_done(event: &Event) -> bool {
    matches!(event, Event::Finished { .. }) && !is_cancelled(event)
}
