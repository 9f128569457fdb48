//! keymap.toml: a table for each context, in it actions by id with the keys they shall have there.
//!
//! ```toml
//! [everywhere]
//! palette = ["ctrl-k", "ctrl-x space"]
//! suspend = []
//! ```

use super::table::{Context, Intent, ROWS};
use super::{ChordError, Sequence};
use std::collections::BTreeMap;

/// Larger files are refused unread: no keymap needs that, and whatever it is, it is not one.
pub const KEYMAP_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    #[error("keymap.toml: {0}")]
    Syntax(String),
    #[error("keymap.toml is larger than {KEYMAP_BYTES_MAX} bytes")]
    TooLong,
    #[error("keymap.toml: there is no context {0}; there are everywhere, prompt, empty_prompt, menu, transcript, panel, list, table")]
    Context(String),
    #[error("keymap.toml: [{context}] {id}: there is no such action")]
    Action { context: &'static str, id: String },
    #[error("keymap.toml: [{context}] {id}: {source}")]
    Chord { context: &'static str, id: String, source: ChordError },
    #[error("keymap.toml: [{context}] {id} is not a list of keys")]
    Shape { context: &'static str, id: String },
    #[error("keymap.toml: [{context}] {sequence} is both {first} and {second}; take it from one of them")]
    Conflict { context: &'static str, sequence: String, first: &'static str, second: &'static str },
}

type Bound = BTreeMap<(Context, Sequence), Intent>;

/// Lays the text over `bound`. What is wrong is told and changes nothing.
pub fn apply(bound: &mut Bound, text: &str) -> Vec<KeymapError> {
    if text.len() > KEYMAP_BYTES_MAX {
        return vec![KeymapError::TooLong];
    }
    let table: toml::Table = match toml::from_str(text) {
        Ok(table) => table,
        Err(error) => return vec![KeymapError::Syntax(syntax(text, &error))],
    };
    let mut problems = Vec::new();
    for (name, rows) in &table {
        let Some(context) = Context::ALL.iter().copied().find(|c| c.name() == name) else {
            problems.push(KeymapError::Context(name.clone()));
            continue;
        };
        let Some(rows) = rows.as_table() else {
            problems.push(KeymapError::Shape { context: context.name(), id: name.clone() });
            continue;
        };
        apply_context(bound, context, rows, &mut problems);
    }
    problems
}

fn apply_context(bound: &mut Bound, context: Context, rows: &toml::Table, problems: &mut Vec<KeymapError>) {
    let mut wished: Vec<(Intent, Vec<Sequence>)> = Vec::new();
    for (id, keys) in rows {
        match (ROWS.iter().find(|row| row.id == id), sequences(context, id, keys)) {
            (None, _) => problems.push(KeymapError::Action { context: context.name(), id: id.clone() }),
            (Some(_), Err(problem)) => problems.push(problem),
            (Some(row), Ok(sequences)) => wished.push((row.intent, sequences)),
        }
    }
    // All old keys go before any new one is laid, so that two actions may change places.
    bound.retain(|(c, _), intent| *c != context || !wished.iter().any(|(i, _)| i == intent));
    for (intent, sequences) in wished {
        for sequence in sequences {
            match bound.get(&(context, sequence)) {
                Some(other) if *other != intent => problems.push(KeymapError::Conflict {
                    context: context.name(),
                    sequence: sequence.shown(),
                    first: other.row().id,
                    second: intent.row().id,
                }),
                _ => drop(bound.insert((context, sequence), intent)),
            }
        }
    }
}

fn sequences(context: Context, id: &str, keys: &toml::Value) -> Result<Vec<Sequence>, KeymapError> {
    let shape = || KeymapError::Shape { context: context.name(), id: id.to_owned() };
    keys.as_array()
        .ok_or_else(shape)?
        .iter()
        .map(|key| {
            let text = key.as_str().ok_or_else(shape)?;
            text.parse().map_err(|source| KeymapError::Chord { context: context.name(), id: id.to_owned(), source })
        })
        .collect()
}

/// The parser's complaint with line and column, on one line.
fn syntax(text: &str, error: &toml::de::Error) -> String {
    let before = text.get(..error.span().map_or(0, |s| s.start)).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.chars().rev().take_while(|c| *c != '\n').count().saturating_add(1);
    format!("line {line}, column {column}: {}", error.message())
}
