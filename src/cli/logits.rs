//! `ingle logits`: ids in, logits out: the door for golden checks.

use super::shell::client::Client;
use super::shell::env::Env;
use super::shell::failure::Failure;
use super::shell::input;
use crate::protocol::{CacheType, Command, LoadOptions, Report};
use clap::builder::PossibleValuesParser;
use serde_json::json;
use std::path::PathBuf;

/// Compute logits for token ids
///
/// Writes raw little-endian f32, [ids, vocabulary], to FILE.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    model: String,
    /// Token ids parted by commas, or a file with them
    #[arg(long, value_name = "1,2,3|@FILE")]
    ids: String,
    /// Context length in tokens; 0: as for an answer
    #[arg(long, short, value_name = "N", default_value_t = 0)]
    ctx_size: u32,
    /// Ids fed at a time; 0: all at once
    #[arg(long, value_name = "N", default_value_t = 0)]
    chunk: u32,
    /// Type of keys and values in the KV cache
    #[arg(long, value_name = "TYPE", default_value = "f16", value_parser = PossibleValuesParser::new(CacheType::NAMES))]
    cache: String,
    /// Weights, activations and KV cache in F32: slow, and what other paths are measured against
    #[arg(long)]
    exact: bool,
    /// Compute threads; 0: as many as this machine has to give
    #[arg(long, short, value_name = "N", default_value_t = 0)]
    threads: u32,
    /// Where to write them
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    let ids = input::ids_or_file(&args.ids)?;
    if ids.is_empty() {
        return Err(Failure::Usage(Report::new("there are no ids to compute logits for", "Write them as --ids 1,2,3")));
    }
    let cache = CacheType::from_name(&args.cache).unwrap_or(CacheType::F16);
    let options = LoadOptions {
        n_ctx: args.ctx_size,
        n_threads: args.threads,
        cache_type_k: cache,
        cache_type_v: cache,
        exact: args.exact,
        ids_only: true,
    };
    let mut client = Client::start()?;
    let loaded = client.load(env.model(&args.model)?, None, options)?;
    let n_ids = ids.len();
    let (model, chunk, sink) = (loaded.id, args.chunk, args.out.clone());
    client.ask(|job| Command::Logits { job, model, ids, chunk, sink }, |_| Ok(()))?;
    if env.json {
        return env.write_json(&json!({ "file": args.out, "n_ids": n_ids, "n_vocab": loaded.facts.n_vocab }));
    }
    Ok(())
}
