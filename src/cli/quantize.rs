//! `ingle quantize IN OUT TYPE`.

use super::shell::env::Env;
use super::shell::failure::Failure;
use super::shell::table::bytes_text;
use crate::lab::quantize::{self, Progress, Summary};
use crate::protocol::{ModelRef, Report};
use crate::quant::GgmlType;
use crate::text::Shown;
use serde_json::json;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Make a smaller file of a model
///
/// Every matrix becomes TYPE, as Q8_0, Q6_K or Q4_K; a wrong one is answered with the list. Vectors and what is used
/// for routing stay as they are. The output appears under its name when it is whole.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The model to start from, best in F16, BF16 or F32
    #[arg(value_name = "IN")]
    input: String,
    #[arg(value_name = "OUT")]
    output: PathBuf,
    #[arg(value_name = "TYPE")]
    kind: String,
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    let kind = GgmlType::from_name(&args.kind).ok_or_else(|| {
        let remedy = format!("Use one of {}", quantize::type_names().join(", "));
        Failure::Usage(Report::new(format!("there is no type {}", args.kind), remedy).offender(&args.kind))
    })?;
    let ModelRef::File(input) = env.model(&args.input)? else {
        return Err(Report::new("the guide lies in the program and is quantized already", "Name a GGUF file").into());
    };
    let mut bar = Bar::new();
    let summary = quantize::quantize_file(&input, &args.output, kind, &mut |progress| bar.show(&progress)).map_err(Report::from)?;
    bar.clear();
    if env.json { env.write_json(&as_json(&args.output, kind, &summary)) } else { say(&args.output, kind, &summary, env) }
}

fn as_json(output: &Path, kind: GgmlType, summary: &Summary) -> serde_json::Value {
    let fallbacks: Vec<_> = summary.fallbacks.iter().map(|(tensor, kind)| json!({ "tensor": tensor, "type": kind.name() })).collect();
    json!({
        "file": output,
        "type": kind.name(),
        "bytes_in": summary.bytes_in,
        "bytes_out": summary.bytes_out,
        "n_tensors": summary.n_tensors,
        "n_quantized": summary.n_quantized,
        "fallbacks": fallbacks,
        "requantized": summary.requantized,
    })
}

fn say(output: &Path, kind: GgmlType, summary: &Summary, env: &Env) -> Result<(), Failure> {
    let mut text = format!(
        "{}: {} from {}, {} of {} tensors in {}\n",
        Shown::path(output),
        bytes_text(summary.bytes_out),
        bytes_text(summary.bytes_in),
        summary.n_quantized,
        summary.n_tensors,
        kind.name()
    );
    for (tensor, kind) in &summary.fallbacks {
        text.push_str(&format!("{} became {}: its rows are no whole blocks\n", Shown::line(tensor), kind.name()));
    }
    if summary.requantized {
        text.push_str("the source was quantized before: each time loses more, start from F16 where you can\n");
    }
    env.write_bytes(text.as_bytes())
}

/// One line of progress on standard error, where that is a terminal.
struct Bar {
    shown: bool,
    percent: Option<u64>,
}

impl Bar {
    fn new() -> Self {
        Self { shown: io::stderr().is_terminal(), percent: None }
    }

    /// Written when its figure changes: a hundred times in all.
    fn show(&mut self, progress: &Progress<'_>) {
        let percent = progress.bytes_done.saturating_mul(100).checked_div(progress.bytes_total);
        if !self.shown || percent == self.percent {
            return;
        }
        self.percent = percent;
        let line = format!("\r{:>3} %  {}/{}", percent.unwrap_or(0), progress.done, progress.total);
        let _ = io::stderr().write_all(line.as_bytes());
    }

    fn clear(&self) {
        if self.shown && self.percent.is_some() {
            let _ = io::stderr().write_all(b"\r                              \r");
        }
    }
}
