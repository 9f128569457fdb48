//! `ingle bench MODEL...`: llama-bench's options and figures.

mod format;
mod ranges;

use super::shell::env::Env;
use super::shell::failure::{Failure, print_warning};
use crate::lab::bench::{self, BenchOptions, Record, Store, Test};
use crate::lab::machine::Machine;
use crate::lab::probe::{self, Limits};
use crate::protocol::{CacheType, GUIDE_NAME, ModelRef, Report};
use crate::sys::limits;
use format::{Printer, Row, Shape};
use ranges::{Caches, Numbers, PromptGen};
use std::collections::BTreeSet;
use std::path::Path;

/// Measure how fast models compute here
///
/// As llama-bench does: a prompt of -p tokens, an answer of -n tokens, each after -d tokens of context. Numbers may be
/// lists (128,512) and ranges (1-8, 1-8+2, 1-64*2). Sampling and tokenizing are not part of these figures. Beside each
/// stands how near it comes to what this machine can do at most, and what the same measured before.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(required_unless_present = "list")]
    model: Vec<String>,
    /// Show what was measured before, of MODEL or of all, and measure nothing
    #[arg(long)]
    list: bool,
    /// Prompt tokens; 0: no such test
    #[arg(long, short = 'p', value_name = "N", default_value = "512")]
    n_prompt: Numbers,
    /// Answer tokens; 0: no such test
    #[arg(long, short = 'n', value_name = "N", default_value = "128")]
    n_gen: Numbers,
    /// A prompt and an answer together; may be repeated (-pg)
    #[arg(long, value_name = "PROMPT,ANSWER")]
    prompt_gen: Vec<PromptGen>,
    /// Tokens in the context before
    #[arg(long, short = 'd', value_name = "N", default_value = "0")]
    n_depth: Numbers,
    /// Compute threads; 0: as many as this machine has to give
    #[arg(long, short = 't', value_name = "N", default_value = "0")]
    threads: Numbers,
    /// Types of keys and values in the KV cache
    #[arg(long, value_name = "TYPE", conflicts_with_all = ["cache_type_k", "cache_type_v"])]
    cache: Option<Caches>,
    /// Types of the keys (-ctk)
    #[arg(long, value_name = "TYPE", default_value = "f16")]
    cache_type_k: Caches,
    /// Types of the values (-ctv)
    #[arg(long, value_name = "TYPE", default_value = "f16")]
    cache_type_v: Caches,
    /// Times each test is measured
    #[arg(long, short = 'r', value_name = "N", default_value_t = 5)]
    repetitions: u32,
    /// Measure from the first run on
    #[arg(long)]
    no_warmup: bool,
    /// Form of the output; --json is -o json
    #[arg(long, short = 'o', value_name = "FORM", default_value = "md")]
    output: format::Form,
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    let store = Store::open(&env.folders()?.bench());
    if args.list {
        return list(&args, &store, env);
    }
    let tests = args.tests();
    if tests.is_empty() || args.repetitions == 0 {
        return Err(Failure::Usage(Report::new("there is nothing to measure", "Ask for -p or -n tokens, at least once")));
    }
    let references = args.model.iter().map(|model| env.model(model)).collect::<Result<Vec<_>, _>>()?;
    let machine = Machine::this();
    let (limits, kept) = store.best(&machine, &probe::measure(&args.all_threads()));
    let cache_types = args.caches().any(|types| types != (CacheType::F16, CacheType::F16));
    let printer = Printer::new(args.form(env), env, Shape { cache_types, kept: false });
    let mut sweep = Sweep { machine, limits, store, printer, unkept: kept.err() };
    sweep.printer.begin()?;
    for model in &references {
        for &n_threads in &args.threads.0 {
            for (type_k, type_v) in args.caches() {
                let (repetitions, warmup) = (args.repetitions, !args.no_warmup);
                let options = BenchOptions { model: model.clone(), n_threads, type_k, type_v, repetitions, warmup };
                sweep.measure(&options, &tests)?;
            }
        }
    }
    sweep.end()
}

/// What is measured in one call.
struct Sweep<'a> {
    machine: Machine,
    limits: Vec<Limits>,
    store: Store,
    printer: Printer<'a>,
    /// Why results could not be kept.
    unkept: Option<Report>,
}

impl Sweep<'_> {
    fn measure(&mut self, options: &BenchOptions, tests: &[Test]) -> Result<(), Failure> {
        let n_threads = resolved(options.n_threads);
        let limits = self.limits.iter().find(|limits| limits.n_threads == n_threads).copied();
        let limits = limits.expect("the limits of all numbers of threads were measured");
        let mut printed = Ok(());
        let machine = self.machine.clone();
        let measured = bench::run(options, tests, (&machine, &limits), |record| {
            printed = self.take(record);
            // A closed pipe ends the measuring too; what is said about it is `printed`.
            if printed.is_ok() { Ok(()) } else { Err(Report::new("nobody reads the figures", "")) }
        });
        printed?;
        Ok(measured?)
    }

    fn take(&mut self, record: Record) -> Result<(), Failure> {
        let before_ts = self.store.before(self.store.records().len(), &record).map(|before| before.avg_ts);
        self.printer.row(&Row { record: &record, before_ts })?;
        if let Err(report) = self.store.keep(record) {
            self.unkept = Some(report);
        }
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        self.printer.end()?;
        self.printer.machine(&self.machine, &self.limits)?;
        if let Some(report) = &self.unkept {
            print_warning(report);
        }
        Ok(())
    }
}

/// Threads where 0 stands for what the machine has to give.
fn resolved(n_threads: u32) -> usize {
    if n_threads == 0 { limits::threads() } else { n_threads as usize }
}

/// `--list`: what was kept.
fn list(args: &Arguments, store: &Store, env: &Env) -> Result<(), Failure> {
    let references = args.model.iter().map(|model| env.model(model)).collect::<Result<Vec<_>, _>>()?;
    let is_meant = |record: &Record| references.is_empty() || references.iter().any(|reference| is_of(record, reference));
    let rows: Vec<Row> = (store.records().iter().enumerate())
        .filter(|(_, record)| is_meant(record))
        .map(|(n, record)| Row { record, before_ts: store.before(n, record).map(|before| before.avg_ts) })
        .collect();
    let usual = CacheType::F16.name();
    let cache_types = rows.iter().any(|row| row.record.type_k != usual || row.record.type_v != usual);
    let mut printer = Printer::new(args.form(env), env, Shape { cache_types, kept: true });
    printer.begin()?;
    rows.iter().try_for_each(|row| printer.row(row))?;
    printer.end()?;
    if store.n_unreadable() > 0 {
        let what = format!("{} lines of the kept results cannot be read and were left out", store.n_unreadable());
        print_warning(&Report::new(what, "Another version of ingle may have written them"));
    }
    Ok(())
}

/// Whether a result is of this model: by its file.
fn is_of(record: &Record, reference: &ModelRef) -> bool {
    match reference {
        ModelRef::Guide => record.model_filename == GUIDE_NAME,
        ModelRef::File(path) => {
            let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            absolute(Path::new(&record.model_filename)) == absolute(path)
        }
    }
}

impl Arguments {
    fn form(&self, env: &Env) -> format::Form {
        if env.json { format::Form::Json } else { self.output }
    }

    /// One thread alone, and each number that is asked for: in order, each once.
    fn all_threads(&self) -> Vec<usize> {
        let all: BTreeSet<usize> = self.threads.0.iter().map(|n| resolved(*n)).chain([1]).collect();
        all.into_iter().collect()
    }

    /// Types of keys and values: both the same, or each with each.
    fn caches(&self) -> impl Iterator<Item = (CacheType, CacheType)> {
        let both = self.cache.iter().flat_map(|both| &both.0).map(|both| (*both, *both));
        let keys = if self.cache.is_some() { &[] } else { &self.cache_type_k.0[..] };
        both.chain(keys.iter().flat_map(|k| self.cache_type_v.0.iter().map(|v| (*k, *v))))
    }

    /// In llama-bench's order: for each depth the prompts, the answers, the pairs.
    fn tests(&self) -> Vec<Test> {
        let mut tests = Vec::new();
        for &n_depth in &self.n_depth.0 {
            tests.extend(self.n_prompt.0.iter().map(|&n_prompt| Test { n_prompt, n_gen: 0, n_depth }));
            tests.extend(self.n_gen.0.iter().map(|&n_gen| Test { n_prompt: 0, n_gen, n_depth }));
            tests.extend(self.prompt_gen.iter().map(|pair| Test { n_prompt: pair.n_prompt, n_gen: pair.n_gen, n_depth }));
        }
        tests.retain(|test| test.n_prompt > 0 || test.n_gen > 0);
        tests
    }
}
