//! `ingle show MODEL`: what a file says, without loading it.

use super::shell::env::Env;
use super::shell::failure::Failure;
use super::shell::table::{Align, Table, bytes_text, count_text};
use crate::gguf::{self, Gguf, TensorInfo, Value};
use crate::prompt::read_vocab;
use crate::protocol::{ModelFacts, ModelRef, Report, Settings, Source};
use crate::shelf;
use crate::text::Shown;
use crate::tokenizer::Tokenizer;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// Elements of an array that a line of metadata shows.
const ELEMENTS_SHOWN: usize = 6;
/// Columns of a metadata value.
const VALUE_COLUMNS: usize = 100;

/// Show what a model's file says
///
/// Facts and metadata; with --json everything, the tokenizer's facts and the tensors too.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    model: String,
    /// List the tensors too
    #[arg(long)]
    tensors: bool,
    /// Print the chat template alone, as it stands in the file
    #[arg(long, conflicts_with = "tensors")]
    template: bool,
}

pub(crate) fn run(args: Arguments, env: &Env) -> Result<(), Failure> {
    let reference = env.model(&args.model)?;
    let file = match &reference {
        ModelRef::Guide => gguf::guide(),
        ModelRef::File(path) => Gguf::open(path),
    };
    let file = file.map_err(Report::from)?;
    if args.template {
        let template = file.str("tokenizer.chat_template").ok_or_else(|| {
            Report::new(format!("{} has no chat template", file.name()), "ingle falls back to a plain one for it").offender(file.name())
        })?;
        return env.write_text(&template);
    }
    let tokenizer = tokenizer_facts(&file);
    let params = shelf::params_beside(&reference);
    if env.json {
        return env.write_json(&Whole { file: &file, facts: gguf::facts(&file), params, tokenizer });
    }
    print_facts(&file, &tokenizer, &params, env)?;
    print_metadata(&file, env)?;
    if args.tensors { print_tensors(&file, env) } else { Ok(()) }
}

/// As llama.cpp reports a vocabulary: -1 where there is no such token.
#[derive(Debug, Serialize)]
struct TokenizerFacts {
    n_tokens: usize,
    bos: i64,
    eos: i64,
    nl: i64,
    pad: i64,
    add_bos: u8,
    add_eos: u8,
    #[serde(rename = "type")]
    kind: &'static str,
    eog: Vec<u32>,
}

/// A file without a tokenizer, or with one that ingle does not know, can be shown all the same.
fn tokenizer_facts(file: &Gguf) -> Result<TokenizerFacts, Report> {
    let vocab = read_vocab(file).map_err(Report::from)?;
    let id = |id: Option<u32>| id.map_or(-1, i64::from);
    let tokenizer = Tokenizer::new(vocab).map_err(Report::from)?;
    Ok(TokenizerFacts {
        n_tokens: tokenizer.n_tokens(),
        bos: id(tokenizer.bos()),
        eos: id(tokenizer.eos()),
        nl: id(tokenizer.nl()),
        pad: id(tokenizer.pad()),
        add_bos: tokenizer.add_bos().into(),
        add_eos: tokenizer.add_eos().into(),
        kind: tokenizer.kind_name(),
        eog: tokenizer.eog().iter().copied().collect(),
    })
}

/// The answer of `--json`. Metadata and tensors are written from the file: a vocabulary is not copied first.
struct Whole<'a> {
    file: &'a Gguf,
    facts: ModelFacts,
    /// What Ollama keeps beside it.
    params: Settings,
    tokenizer: Result<TokenizerFacts, Report>,
}

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("facts", &self.facts)?;
        map.serialize_entry("ollama_params", &self.params)?;
        map.serialize_entry("gguf_version", &self.file.version())?;
        map.serialize_entry("files", &self.file.paths().map(|path| path.to_string_lossy()).collect::<Vec<_>>())?;
        map.serialize_entry("tokenizer", &self.tokenizer.as_ref().ok())?;
        if let Err(report) = &self.tokenizer {
            map.serialize_entry("tokenizer_problem", report)?;
        }
        map.serialize_entry("metadata", &Metadata(self.file))?;
        map.serialize_entry("tensors", &Tensors(self.file.tensors()))?;
        map.end()
    }
}

struct Metadata<'a>(&'a Gguf);

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.metadata().map(|(key, value)| (key, Plain(value))))
    }
}

/// A metadata value as JSON: bytes that are no UTF-8 become replacement marks, NaN and infinities null.
struct Plain<'a>(Value<'a>);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bool(value) => serializer.serialize_bool(value),
            Value::String(bytes) => serializer.serialize_str(&String::from_utf8_lossy(bytes)),
            Value::Array(array) => {
                let mut seq = serializer.serialize_seq(Some(array.len()))?;
                for value in array {
                    seq.serialize_element(&Plain(value))?;
                }
                seq.end()
            }
            Value::F32(value) => serializer.serialize_f32(value),
            Value::F64(value) => serializer.serialize_f64(value),
            Value::U64(value) => serializer.serialize_u64(value),
            int => serializer.serialize_i64(int.as_int().and_then(|int| i64::try_from(int).ok()).unwrap_or_default()),
        }
    }
}

struct Tensors<'a>(&'a [TensorInfo]);

#[derive(Serialize)]
struct TensorFacts<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: String,
    /// Innermost dimension first.
    shape: &'a [u64],
    offset: u64,
    bytes: Option<u64>,
}

impl Serialize for Tensors<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|tensor| TensorFacts {
            name: &tensor.name,
            kind: tensor.type_name(),
            shape: &tensor.shape,
            offset: tensor.offset,
            bytes: tensor.n_bytes,
        }))
    }
}

fn print_facts(file: &Gguf, tokenizer: &Result<TokenizerFacts, Report>, params: &Settings, env: &Env) -> Result<(), Failure> {
    let facts = gguf::facts(file);
    let mut lines = vec![
        ("name", facts.name),
        ("architecture", facts.architecture),
        ("quantization", facts.quantization),
        ("parameters", count_text(facts.n_params)),
        ("size", bytes_text(facts.file_bytes)),
    ];
    if facts.n_layer > 0 {
        lines.push(("layers", format!("{}, {} wide", facts.n_layer, facts.n_embd)));
    }
    if facts.n_ctx_train > 0 {
        lines.push(("context", format!("{} tokens in training", facts.n_ctx_train)));
    }
    lines.push(match tokenizer {
        Ok(known) => ("tokenizer", format!("{}, {} tokens, ends at {:?}", known.kind, known.n_tokens, known.eog)),
        Err(report) => ("tokenizer", report.what.clone()),
    });
    lines.push(("chat template", if facts.has_template { "in the file" } else { "none" }.to_owned()));
    lines.extend(facts.licence.map(|licence| ("licence", licence)));
    for (settings, source) in [(&facts.recommended, Source::File), (params, Source::Ollama)] {
        let said: Vec<_> = settings.0.iter().map(|(name, value)| format!("{name} {value}")).collect();
        if !said.is_empty() {
            lines.push(("recommends", format!("{} (from {})", said.join(", "), source.name())));
        }
    }
    lines.extend(facts.notes.into_iter().map(|note| ("note", note)));
    lines.extend(file.paths().map(|path| ("file", path.display().to_string())));
    let text: String = lines.iter().map(|(label, value)| format!("{label:<15}{}\n", Shown::line(value))).collect();
    env.write_bytes(text.as_bytes())
}

fn print_metadata(file: &Gguf, env: &Env) -> Result<(), Failure> {
    env.write_bytes(b"\n")?;
    let mut table = Table::new(&[("METADATA", Align::Left), ("", Align::Left)]);
    for (key, value) in file.metadata() {
        table.row(&[key, Shown::line(&value_text(&value)).cut(VALUE_COLUMNS).as_str()]);
    }
    table.print(env)
}

fn value_text(value: &Value<'_>) -> String {
    match value {
        Value::String(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Bool(value) => value.to_string(),
        Value::F32(value) => value.to_string(),
        Value::F64(value) => value.to_string(),
        Value::Array(array) => {
            let shown: Vec<_> = array.iter().take(ELEMENTS_SHOWN).map(|value| value_text(&value)).collect();
            let more = if array.len() > ELEMENTS_SHOWN { ", ..." } else { "" };
            format!("{} {}: {}{more}", array.len(), array.element().name(), shown.join(", "))
        }
        int => int.as_int().map(|int| int.to_string()).unwrap_or_default(),
    }
}

fn print_tensors(file: &Gguf, env: &Env) -> Result<(), Failure> {
    env.write_bytes(b"\n")?;
    let mut table = Table::new(&[("TENSOR", Align::Left), ("TYPE", Align::Left), ("SHAPE", Align::Left), ("SIZE", Align::Right)]);
    for tensor in file.tensors() {
        let size = tensor.n_bytes.map(bytes_text).unwrap_or_default();
        table.row(&[&tensor.name, &tensor.type_name(), &tensor.shape_text(), &size]);
    }
    table.print(env)
}
