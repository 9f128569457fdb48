//! The exact prompt, and tokens as ids with their pieces.

use super::file;
use crate::tui::figures::grouped;
use crate::tui::screens::list::{Align, Column, Kind, Pick, Row, State};
use std::sync::Arc;

const TOKENS: &[Column] = &[
    Column { title: "piece", align: Align::Left, drop: 0 },
    Column { title: "id", align: Align::Right, drop: 0 },
    Column { title: "at", align: Align::Right, drop: 1 },
];
/// Ids of one row.
const IDS_A_ROW: usize = 10;

/// As a file: what a script needs to ask exactly this again.
pub fn json(model: &str, text: &str, ids: &[u32]) -> String {
    serde_json::json!({ "model": model, "text": text, "ids": ids }).to_string() + "\n"
}

/// The text line by line, then the ids. Enter copies all of either.
pub fn list(model: &str, text: String, ids: &[u32]) -> State {
    let title = format!("exact prompt for {model}   {} tokens", grouped(ids.len() as u64));
    let mut list = file::lines(title, &text);
    let (columns, mut rows) = (std::mem::take(&mut list.columns), vec![Row::heading("text")]);
    rows.append(&mut list.rows);
    rows.push(Row::heading("ids"));
    let joined = |ids: &[u32]| ids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let all: Arc<str> = joined(ids).into();
    rows.extend(ids.chunks(IDS_A_ROW).map(|some| Row::new(Pick::Copy(Arc::clone(&all)), vec![joined(some)])));
    State::new(Kind::Facts, list.title, columns, rows)
}

/// One row a token. Enter copies all ids.
pub fn tokens(title: String, tokens: &[(u32, Vec<u8>)]) -> State {
    let all: Arc<str> = tokens.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>().join(",").into();
    let row = |(at, (id, bytes)): (usize, &(u32, Vec<u8>))| {
        let cells = vec![piece(bytes), id.to_string(), grouped(at as u64)];
        Row { sort: vec![(1, u64::from(*id)), (2, at as u64)], ..Row::new(Pick::Copy(Arc::clone(&all)), cells) }
    };
    let rows = tokens.iter().enumerate().map(row).collect();
    State::new(Kind::Facts, title, TOKENS.to_vec(), rows).empty("no tokens")
}

/// In quotes, so that blanks are seen; bytes that are no whole character in hex.
fn piece(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => bytes.iter().map(|b| format!("\\x{b:02X}")).collect(),
    }
}
