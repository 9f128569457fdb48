//! keymap.toml: a table for each context, in it actions by id with the keys they shall have there.
//!
//! ```toml
//! [everywhere]
//! palette = ["ctrl-k", "ctrl-x space"]
//! suspend = []
//! ```

use super::table::{Context, Intent, ROWS};
use super::{ChordError, Sequence};
use crate::config::Place;
use crate::protocol::Report;
use crate::text::nearest;
use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Larger files are refused: no keymap needs that, and whatever it is, it is not one.
pub const KEYMAP_BYTES_MAX: usize = 1 << 20;

/// One mistake. It costs its own line and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("keymap.toml{}: {what}", .place.map(|p| format!(":{}:{}", p.line, p.column)).unwrap_or_default())]
pub struct KeymapError {
    /// Absent where it concerns the whole file.
    pub place: Option<Place>,
    pub what: Mistake,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    #[error("{0}")]
    Syntax(String),
    #[error("larger than {KEYMAP_BYTES_MAX} bytes")]
    TooLong,
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    #[error("there is no context {0}; there are {list}", list = contexts())]
    Context(String),
    #[error("[{context}] {id}: there is no such action{}", .nearest.map(|n| format!("; did you mean {n}?")).unwrap_or_default())]
    Action { context: &'static str, id: String, nearest: Option<&'static str> },
    #[error("[{context}] {id}: {source}")]
    Chord { context: &'static str, id: String, source: ChordError },
    #[error("[{context}] {id} is not a list of keys")]
    Shape { context: &'static str, id: String },
    #[error("{0} is not a table of actions: a line [{0}] and actions below it")]
    Table(String),
    #[error("[{context}] {sequence} is both {first} and {second}; take it from one of them")]
    Conflict { context: &'static str, sequence: String, first: &'static str, second: &'static str },
}

impl KeymapError {
    pub fn report(&self) -> Report {
        Report::new(self.to_string(), "The other keys are as you wish").offender("keymap.toml").because(self)
    }
}

fn contexts() -> String {
    Context::ALL.iter().map(|c| c.name()).collect::<Vec<_>>().join(", ")
}

/// A person's keymap.toml; none where there is none.
pub fn read(path: &Path) -> Result<Option<String>, KeymapError> {
    let whole = |what| KeymapError { place: None, what };
    let unreadable = |e: std::io::Error| whole(Mistake::Unreadable(e.to_string()));
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unreadable(e)),
    };
    let mut bytes = Vec::new();
    file.take(KEYMAP_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > KEYMAP_BYTES_MAX {
        return Err(whole(Mistake::TooLong));
    }
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let good = String::from_utf8_lossy(error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default()).into_owned();
        let place = Some(Place::of(&good, &(good.len()..good.len())));
        KeymapError { place, what: Mistake::Syntax("not UTF-8 from here on".to_owned()) }
    })
}

type Bound = BTreeMap<(Context, Sequence), Intent>;

/// Lays the text over `bound`. What is wrong is told, in the file's order, and changes nothing.
pub fn apply(bound: &mut Bound, text: &str) -> Vec<KeymapError> {
    let mut reader = Reader { text, problems: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reader.wrong(&error.span().unwrap_or(0..0), Mistake::Syntax(error.message().replace('\n', ", ")));
    }
    for (name, rows) in table.get_ref() {
        let known = Context::ALL.iter().copied().find(|c| c.name() == name.get_ref());
        match (known, rows.get_ref().as_table()) {
            (Some(context), Some(rows)) => reader.context(bound, context, rows),
            (Some(_), None) => reader.wrong(&rows.span(), Mistake::Table(name.get_ref().to_string())),
            (None, _) => reader.wrong(&name.span(), Mistake::Context(name.get_ref().to_string())),
        }
    }
    reader.problems.sort_by_key(|problem| problem.place);
    // What is no TOML is also not what its place expects: the first says enough.
    reader.problems.dedup_by_key(|problem| problem.place);
    reader.problems
}

/// A key that is wished for, and where the wish stands.
type Wish = (Intent, Vec<(Sequence, Range<usize>)>);

struct Reader<'a> {
    text: &'a str,
    problems: Vec<KeymapError>,
}

impl Reader<'_> {
    fn wrong(&mut self, span: &Range<usize>, what: Mistake) {
        self.problems.push(KeymapError { place: Some(Place::of(self.text, span)), what });
    }

    fn context(&mut self, bound: &mut Bound, context: Context, rows: &DeTable<'_>) {
        let mut wished: Vec<Wish> = Vec::new();
        for (id, keys) in rows {
            match ROWS.iter().find(|row| row.id == id.get_ref()) {
                Some(row) => {
                    if let Some(sequences) = self.sequences(context, row.id, keys) {
                        wished.push((row.intent, sequences));
                    }
                }
                None => {
                    let nearest = nearest(id.get_ref(), ROWS.iter().map(|row| row.id));
                    self.wrong(&id.span(), Mistake::Action { context: context.name(), id: id.get_ref().to_string(), nearest });
                }
            }
        }
        // In the file's order, so that of two wishes for one key the first has it.
        wished.sort_by_key(|(_, sequences)| sequences.first().map(|(_, span)| span.start));
        // All old keys go before any new one is laid, so that two actions may change places.
        bound.retain(|(c, _), intent| *c != context || !wished.iter().any(|(i, _)| i == intent));
        for (intent, sequences) in wished {
            for (sequence, span) in sequences {
                match bound.get(&(context, sequence)) {
                    Some(other) if *other != intent => {
                        let (first, second) = (other.row().id, intent.row().id);
                        self.wrong(&span, Mistake::Conflict { context: context.name(), sequence: sequence.shown(), first, second });
                    }
                    _ => drop(bound.insert((context, sequence), intent)),
                }
            }
        }
    }

    /// The keys of one action; none where any of them is wrong.
    fn sequences(&mut self, context: Context, id: &str, keys: &Spanned<DeValue<'_>>) -> Option<Vec<(Sequence, Range<usize>)>> {
        let shape = || Mistake::Shape { context: context.name(), id: id.to_owned() };
        let Some(list) = keys.get_ref().as_array() else {
            self.wrong(&keys.span(), shape());
            return None;
        };
        let mut out = Vec::with_capacity(list.len());
        let before = self.problems.len();
        for key in list {
            match key.get_ref().as_str().map(str::parse) {
                None => self.wrong(&key.span(), shape()),
                Some(Err(source)) => self.wrong(&key.span(), Mistake::Chord { context: context.name(), id: id.to_owned(), source }),
                Some(Ok(sequence)) => out.push((sequence, key.span())),
            }
        }
        (self.problems.len() == before).then_some(out)
    }
}
