//! Fuzzy matching of rows.

use super::state::Row;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use std::cmp::Ordering;

/// A row that matches, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Index into the rows.
    pub row: usize,
    /// Matched characters as (cell, character in it).
    pub marks: Vec<(usize, usize)>,
}

/// Parts cells in the searched text; no cell contains it.
const PART: char = '\n';

/// Rows that match every word of the filter, best first; without a filter all, in their order or as sorted.
pub fn matches(rows: &[Row], filter: &str, sort: Option<(usize, bool)>) -> Vec<Match> {
    let mut found: Vec<(u32, Match)> = if filter.trim().is_empty() {
        (0..rows.len()).map(|row| (0, Match { row, marks: Vec::new() })).collect()
    } else {
        scored(rows, filter)
    };
    if let Some((column, descending)) = sort {
        found.retain(|(_, m)| !rows[m.row].is_heading());
        found.sort_by(|(_, a), (_, b)| {
            let order = compare(&rows[a.row], &rows[b.row], column);
            if descending { order.reverse() } else { order }
        });
    } else {
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    }
    found.into_iter().map(|(_, m)| m).collect()
}

fn scored(rows: &[Row], filter: &str) -> Vec<(u32, Match)> {
    let pattern = Pattern::parse(filter, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let (mut buffer, mut indices) = (Vec::new(), Vec::new());
    let mut found = Vec::new();
    for (row, data) in rows.iter().enumerate().filter(|(_, r)| !r.is_heading()) {
        let text = data.cells.join(&PART.to_string());
        indices.clear();
        if let Some(score) = pattern.indices(Utf32Str::new(&text, &mut buffer), &mut matcher, &mut indices) {
            found.push((score, Match { row, marks: marks(&text, &mut indices) }));
        }
    }
    found
}

fn marks(text: &str, indices: &mut Vec<u32>) -> Vec<(usize, usize)> {
    indices.sort_unstable();
    indices.dedup();
    let (mut cell, mut at) = (0, 0);
    let mut out = Vec::with_capacity(indices.len());
    for (n, c) in text.chars().enumerate() {
        if c == PART {
            (cell, at) = (cell + 1, 0);
            continue;
        }
        if indices.binary_search(&(n as u32)).is_ok() {
            out.push((cell, at));
        }
        at += 1;
    }
    out
}

fn compare(a: &Row, b: &Row, column: usize) -> Ordering {
    let number = |row: &Row| row.sort.iter().find(|(c, _)| *c == column).map(|(_, n)| *n);
    let text = |row: &Row| row.cells.get(column).map(|t| t.to_lowercase()).unwrap_or_default();
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => text(a).cmp(&text(b)),
    }
}
