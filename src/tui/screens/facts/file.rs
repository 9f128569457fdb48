//! What a model's file says, as rows. Enter copies a row's value.

use super::state::Part;
use crate::protocol::{Description, ModelFacts};
use crate::tui::figures::{UNKNOWN, bytes, count, grouped, known};
use crate::tui::screens::list::{Align, Column, Kind, Pick, Row, State};
use std::sync::Arc;

const FACTS: &[Column] = &[Column { title: "", align: Align::Left, drop: 0 }, Column { title: "", align: Align::Left, drop: 0 }];
const TENSORS: &[Column] = &[
    Column { title: "tensor", align: Align::Left, drop: 0 },
    Column { title: "type", align: Align::Left, drop: 1 },
    Column { title: "shape", align: Align::Right, drop: 2 },
    Column { title: "size", align: Align::Right, drop: 0 },
];
const SIZE: usize = 3;
const LINES: &[Column] = &[Column { title: "", align: Align::Left, drop: 0 }];

pub fn list(description: &Description, part: Part) -> State {
    let name = &description.facts.name;
    match part {
        Part::Info => State::new(Kind::Facts, name.as_str(), FACTS.to_vec(), facts(&description.facts)),
        Part::License => {
            let licence = description.facts.licence.as_deref().unwrap_or_default();
            lines(format!("{name}: licence"), licence).empty("the file names no licence")
        }
        Part::Template => {
            let template = description.template.as_deref().unwrap_or_default();
            lines(format!("{name}: chat template"), template).empty("the file has no chat template; a plain one stands in for it")
        }
        Part::Tensors => {
            let rows = description.tensors.iter().map(|t| {
                let shape = t.shape.iter().map(u64::to_string).collect::<Vec<_>>().join(" × ");
                let cells = vec![t.name.clone(), t.quantization.clone(), shape, known(t.bytes, bytes)];
                Row { sort: vec![(SIZE, t.bytes.unwrap_or(0))], ..Row::new(Pick::Copy(t.name.as_str().into()), cells) }
            });
            State::new(Kind::Facts, format!("{name}: tensors"), TENSORS.to_vec(), rows.collect()).empty("the file has no tensors")
        }
    }
}

fn facts(facts: &ModelFacts) -> Vec<Row> {
    let number = |n: u32| known(Some(n).filter(|n| *n > 0), |n| grouped(u64::from(n)));
    let shown = |text: &str| if text.is_empty() { UNKNOWN.to_owned() } else { text.to_owned() };
    let mut lines = vec![
        ("name", shown(&facts.name)),
        ("architecture", shown(&facts.architecture)),
        ("quantization", shown(&facts.quantization)),
        ("parameters", known(Some(facts.n_params).filter(|n| *n > 0), count)),
        ("size", bytes(facts.file_bytes)),
        ("layers", number(facts.n_layer)),
        ("width", number(facts.n_embd)),
        ("vocabulary", format!("{} tokens", number(facts.n_vocab))),
        ("trained to", format!("{} tokens", number(facts.n_ctx_train))),
        ("chat template", if facts.has_template { "in the file" } else { "none; one of ingle's own stands in for it" }.to_owned()),
        ("licence", shown(facts.licence.as_deref().unwrap_or_default())),
    ];
    let recommended: Vec<String> = facts.recommended.0.iter().map(|(name, value)| format!("{name} {value}")).collect();
    lines.push(("recommends", shown(&recommended.join(", "))));
    lines.extend(facts.notes.iter().map(|note| ("note", note.clone())));
    lines.push(("fingerprint", shown(facts.fingerprint.as_ref().map_or("", |f| f.0.as_str()))));
    let row = |(label, value): (&str, String)| Row {
        details: vec![value.clone()],
        ..Row::new(Pick::Copy(value.as_str().into()), vec![label.to_owned(), value])
    };
    lines.into_iter().map(row).collect()
}

/// A text line by line. Enter copies all of it.
pub fn lines(title: String, text: &str) -> State {
    let whole: Arc<str> = text.into();
    let row = |line: &str| Row { details: vec![line.to_owned()], ..Row::new(Pick::Copy(Arc::clone(&whole)), vec![line.to_owned()]) };
    State::new(Kind::Facts, title, LINES.to_vec(), text.lines().map(row).collect())
}
