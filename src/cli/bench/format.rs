//! llama-bench's four forms of output.

use crate::cli::shell::env::Env;
use crate::cli::shell::failure::Failure;
use crate::cli::shell::table::bytes_text;
use crate::lab::bench::Record;
use crate::lab::machine::Machine;
use crate::lab::probe::Limits;
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

/// Which columns the table has besides those it always has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// The types of the KV cache are columns where they are not the usual ones.
    pub(super) cache_types: bool,
    /// Results that were kept: when and with which kernels.
    pub(super) kept: bool,
}

/// A record, and how fast the one before it was that is like it.
pub(super) struct Row<'a> {
    pub(super) record: &'a Record,
    pub(super) before_ts: Option<f64>,
}

/// Prints each record as soon as it is measured.
pub(super) struct Printer<'a> {
    form: Form,
    env: &'a Env,
    columns: Vec<Column>,
    n_printed: usize,
}

impl<'a> Printer<'a> {
    pub(super) fn new(form: Form, env: &'a Env, shape: Shape) -> Self {
        let shown = |column: &&Column| match column.only {
            Only::Always => true,
            Only::CacheTypes => shape.cache_types,
            Only::Kept => shape.kept,
        };
        Self { form, env, columns: COLUMNS.iter().filter(shown).copied().collect(), n_printed: 0 }
    }

    pub(super) fn begin(&self) -> Result<(), Failure> {
        match self.form {
            Form::Json => self.write("["),
            Form::Md => self.write(&format!("{}\n{}\n", self.md_line(|column| column.name.to_owned()), self.md_rule())),
            Form::Csv | Form::Jsonl => Ok(()),
        }
    }

    pub(super) fn row(&mut self, row: &Row) -> Result<(), Failure> {
        let record = row.record;
        let first = self.n_printed == 0;
        self.n_printed += 1;
        match self.form {
            Form::Md => self.write(&format!("{}\n", self.md_line(|column| (column.cell)(row)))),
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

    /// A line below the table: what was measured on, and what that could do at most.
    pub(super) fn machine(&self, machine: &Machine, limits: &[Limits]) -> Result<(), Failure> {
        if self.form != Form::Md {
            return Ok(());
        }
        let memory = machine.memory_bytes.map(bytes_text);
        let cores = format!("{} {}", machine.n_cores, if machine.n_cores == 1 { "core" } else { "cores" });
        let parts = [Some(machine.cpu_info.clone()), Some(cores), Some(machine.kernels.clone()), memory, Some(machine.os.clone())];
        let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let limits: String = limits.iter().map(|limits| format!("{}\n", limits_line(limits))).collect();
        self.write(&format!("\ningle {}, {}\n{limits}", env!("CARGO_PKG_VERSION"), parts.join(", ")))
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

/// "2 threads at most: reads 29.5 GB/s, int8 1,660 GOP/s, f32 440 GFLOP/s".
fn limits_line(limits: &Limits) -> String {
    let rate = |what: &str, rate: Option<f64>, unit: &str| rate.map(|rate| format!(", {what} {rate:.0} {unit}")).unwrap_or_default();
    let int8 = rate("int8", limits.int8_gops, "GOP/s");
    let (float, bf16) = (rate("f32", limits.f32_gflops, "GFLOP/s"), rate("bf16", limits.bf16_gflops, "GFLOP/s"));
    let threads = if limits.n_threads == 1 { "thread" } else { "threads" };
    format!("{} {threads} at most: reads {:.1} GB/s{int8}{float}{bf16}", limits.n_threads, limits.read_gbs)
}

/// A column of the markdown table.
#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    width: usize,
    right: bool,
    only: Only,
    cell: fn(&Row) -> String,
}

/// When a column is shown.
#[derive(Clone, Copy)]
enum Only {
    Always,
    CacheTypes,
    Kept,
}

const fn column(name: &'static str, width: usize, right: bool, cell: fn(&Row) -> String) -> Column {
    Column { name, width, right, only: Only::Always, cell }
}

const COLUMNS: &[Column] = &[
    Column { only: Only::Kept, ..column("measured", 20, false, |row| row.record.test_time.clone()) },
    column("model", 30, false, |row| row.record.model_type.clone()),
    column("size", 10, true, |row| size(row.record.model_size)),
    column("params", 10, true, |row| params(row.record.model_n_params)),
    column("backend", 10, false, |row| row.record.backends.clone()),
    Column { only: Only::Kept, ..column("kernels", 10, false, |row| row.record.machine.kernels.clone()) },
    column("threads", 7, true, |row| row.record.n_threads.to_string()),
    Column { only: Only::CacheTypes, ..column("type_k", 6, true, |row| row.record.type_k.clone()) },
    Column { only: Only::CacheTypes, ..column("type_v", 6, true, |row| row.record.type_v.clone()) },
    column("test", 15, true, |row| row.record.test().name()),
    column("t/s", 20, true, |row| format!("{:.2} ± {:.2}", row.record.avg_ts, row.record.stddev_ts)),
    column("of the machine", 25, true, |row| nearest(row.record)),
    column("before", 8, true, before),
];

/// "86 % of memory bandwidth".
fn nearest(record: &Record) -> String {
    record.nearest().map_or_else(|| UNKNOWN.to_owned(), |(bound, part)| format!("{:.0} % of {}", part * 100.0, bound.name()))
}

/// "+3.1 %" where the same was measured before.
fn before(row: &Row) -> String {
    row.before_ts.map_or_else(|| UNKNOWN.to_owned(), |before| format!("{:+.1} %", (row.record.avg_ts / before - 1.0) * 100.0))
}

const UNKNOWN: &str = "–";

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
