//! `ingle bench MODEL...`: llama-bench's options and figures.

mod format;
mod ranges;

use super::shell::env::Env;
use super::shell::failure::Failure;
use crate::lab::bench::{self, BenchOptions, Test};
use crate::protocol::{CacheType, Report};
use clap::builder::PossibleValuesParser;
use format::Printer;
use ranges::{Numbers, PromptGen};

/// Measure how fast models compute here
///
/// As llama-bench does: a prompt of -p tokens, an answer of -n tokens, each after -d tokens of context. Numbers may be
/// lists (128,512) and ranges (1-8, 1-8+2, 1-64*2). Sampling and tokenizing are not part of these figures.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(required = true)]
    model: Vec<String>,
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
    /// Type of keys and values in the KV cache
    #[arg(long, value_name = "TYPE", value_parser = PossibleValuesParser::new(CacheType::NAMES), conflicts_with_all = ["cache_type_k", "cache_type_v"])]
    cache: Option<String>,
    /// Type of the keys (-ctk)
    #[arg(long, value_name = "TYPE", default_value = "f16", value_parser = PossibleValuesParser::new(CacheType::NAMES))]
    cache_type_k: String,
    /// Type of the values (-ctv)
    #[arg(long, value_name = "TYPE", default_value = "f16", value_parser = PossibleValuesParser::new(CacheType::NAMES))]
    cache_type_v: String,
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
    let tests = args.tests();
    if tests.is_empty() || args.repetitions == 0 {
        return Err(Failure::Usage(Report::new("there is nothing to measure", "Ask for -p or -n tokens, at least once")));
    }
    let cache = |half: &str| CacheType::from_name(args.cache.as_deref().unwrap_or(half)).unwrap_or(CacheType::F16);
    let references = args.model.iter().map(|model| env.model(model)).collect::<Result<Vec<_>, _>>()?;
    let form = if env.json { format::Form::Json } else { args.output };
    let (type_k, type_v) = (cache(&args.cache_type_k), cache(&args.cache_type_v));
    let mut printer = Printer::new(form, env, (type_k, type_v) != (CacheType::F16, CacheType::F16));
    printer.begin()?;
    for model in references {
        for n_threads in &args.threads.0 {
            let options = BenchOptions {
                model: model.clone(),
                n_threads: *n_threads,
                type_k,
                type_v,
                repetitions: args.repetitions,
                warmup: !args.no_warmup,
            };
            let mut printed = Ok(());
            bench::run(&options, &tests, |record| {
                printed = printer.record(&record);
                // A closed pipe ends the measuring too; what is said about it is `printed`.
                if printed.is_ok() { Ok(()) } else { Err(Report::new("nobody reads the figures", "")) }
            })
            .or_else(|report| if printed.is_ok() { Err(Failure::from(report)) } else { Ok(()) })?;
            printed?;
        }
    }
    printer.end()
}

impl Arguments {
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
