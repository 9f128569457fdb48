//! llama-bench's four forms of output.

use crate::cli::shell::env::Env;
use crate::cli::shell::failure::Failure;
use crate::lab::bench::{Record, Test};
use crate::protocol::Report;
use crate::text::Shown;
use clap::ValueEnum;
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    Md,
    Csv,
    Json,
    Jsonl,
}

/// Prints each record as soon as it is measured.
pub(super) struct Printer<'a> {
    form: Form,
    env: &'a Env,
    columns: Vec<Column>,
    n_printed: usize,
}

impl<'a> Printer<'a> {
    /// The types of the KV cache are columns where they are not the usual ones.
    pub(super) fn new(form: Form, env: &'a Env, unusual_cache: bool) -> Self {
        let columns = COLUMNS.iter().filter(|column| unusual_cache || !column.only_unusual_cache).copied().collect();
        Self { form, env, columns, n_printed: 0 }
    }

    pub(super) fn begin(&self) -> Result<(), Failure> {
        match self.form {
            Form::Json => self.write("["),
            Form::Md => self.write(&format!("{}\n{}\n", self.md_line(|column| column.name.to_owned()), self.md_rule())),
            Form::Csv | Form::Jsonl => Ok(()),
        }
    }

    pub(super) fn record(&mut self, record: &Record) -> Result<(), Failure> {
        let first = self.n_printed == 0;
        self.n_printed += 1;
        match self.form {
            Form::Md => self.write(&format!("{}\n", self.md_line(|column| (column.cell)(record)))),
            Form::Csv => {
                let Value::Object(fields) = json(record)? else { return Ok(()) };
                let head = if first { csv_line(fields.keys().map(|key| Value::from(key.as_str()))) } else { String::new() };
                self.write(&format!("{head}{}", csv_line(fields.into_values())))
            }
            Form::Json => self.write(&format!("{}\n{}", if first { "" } else { "," }, json(record)?)),
            Form::Jsonl => self.write(&format!("{}\n", json(record)?)),
        }
    }

    pub(super) fn end(&self) -> Result<(), Failure> {
        if self.form == Form::Json { self.write("\n]\n") } else { Ok(()) }
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        self.env.write_text(text)
    }

    fn md_line(&self, cell: impl Fn(&Column) -> String) -> String {
        let padded = self.columns.iter().map(|column| {
            let shown = Shown::line(&cell(column));
            let space = " ".repeat(column.width.saturating_sub(shown.width()));
            if column.right { format!(" {space}{shown} |") } else { format!(" {shown}{space} |") }
        });
        format!("|{}", padded.collect::<String>())
    }

    fn md_rule(&self) -> String {
        let dashes = self.columns.iter().map(|column| {
            let line = "-".repeat(column.width);
            if column.right { format!(" {line}:|") } else { format!(" {line} |") }
        });
        format!("|{}", dashes.collect::<String>())
    }
}

fn json(record: &Record) -> Result<Value, Failure> {
    serde_json::to_value(record).map_err(|error| Report::new("a figure is no JSON", "Please report this as a bug").because(&error).into())
}

/// A column of the markdown table.
#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    width: usize,
    right: bool,
    only_unusual_cache: bool,
    cell: fn(&Record) -> String,
}

const fn column(name: &'static str, width: usize, right: bool, cell: fn(&Record) -> String) -> Column {
    Column { name, width, right, only_unusual_cache: false, cell }
}

const COLUMNS: &[Column] = &[
    column("model", 30, false, |record| record.model_type.clone()),
    column("size", 10, true, |record| size(record.model_size)),
    column("params", 10, true, |record| params(record.model_n_params)),
    column("backend", 10, false, |record| record.backends.to_owned()),
    column("threads", 7, true, |record| record.n_threads.to_string()),
    Column { only_unusual_cache: true, ..column("type_k", 6, true, |record| record.type_k.to_owned()) },
    Column { only_unusual_cache: true, ..column("type_v", 6, true, |record| record.type_v.to_owned()) },
    column("test", 15, true, |record| Test { n_prompt: record.n_prompt, n_gen: record.n_gen, n_depth: record.n_depth }.name()),
    column("t/s", 20, true, |record| format!("{:.2} ± {:.2}", record.avg_ts, record.stddev_ts)),
];

/// "1.87 GiB", "770.28 MiB".
fn size(bytes: u64) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    let bytes = bytes as f64;
    if bytes >= 1024.0 * MIB { format!("{:.2} GiB", bytes / (1024.0 * MIB)) } else { format!("{:.2} MiB", bytes / MIB) }
}

/// "1.24 B", "135.00 M".
fn params(count: u64) -> String {
    let count = count as f64;
    if count >= 1e9 { format!("{:.2} B", count / 1e9) } else { format!("{:.2} M", count / 1e6) }
}

/// Every field in quotes, as llama-bench writes them; arrays as JSON inside.
fn csv_line(fields: impl Iterator<Item = Value>) -> String {
    let quoted = fields.map(|field| {
        let text = match field {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        };
        format!("\"{}\"", text.replace('"', "\"\""))
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}
