//! Columns that line up, and figures as a person reads them.

use super::env::Env;
use super::failure::Failure;
use crate::text::Shown;
use clap::builder::styling::Style;
use std::fmt::Write;

/// Spaces between two columns.
const GAP: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table without lines. Its cells come from anywhere: they are made fit to be shown when they are added.
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Shown>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Cells beyond the columns are not shown, missing ones are empty.
    pub(crate) fn row(&mut self, cells: &[&str]) {
        self.rows.push(cells.iter().map(|cell| Shown::line(cell)).collect());
    }

    pub(crate) fn print(&self, env: &Env) -> Result<(), Failure> {
        let width = |(at, (head, _)): (usize, &(&str, Align))| {
            let cells = self.rows.iter().filter_map(|row| row.get(at)).map(Shown::width);
            cells.chain([head.len()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = self.columns.iter().enumerate().map(width).collect();
        let mut text = String::new();
        let heads: Vec<Shown> = self.columns.iter().map(|(head, _)| Shown::line(head)).collect();
        let style = if env.colored() { Style::new().bold() } else { Style::new() };
        let _ = writeln!(text, "{style}{}{style:#}", self.line(&heads, &widths));
        for row in &self.rows {
            text.push_str(&self.line(row, &widths));
            text.push('\n');
        }
        env.write_bytes(text.as_bytes())
    }

    fn line(&self, cells: &[Shown], widths: &[usize]) -> String {
        let mut line = String::new();
        for (at, ((_, align), width)) in self.columns.iter().zip(widths).enumerate() {
            let cell = cells.get(at);
            let space = " ".repeat(width.saturating_sub(cell.map_or(0, Shown::width)));
            let cell = cell.map_or("", Shown::as_str);
            match align {
                Align::Left => line.extend([cell, &space]),
                Align::Right => line.extend([space.as_str(), cell]),
            }
            line.push_str(&" ".repeat(GAP));
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// "1.9 GiB", "119 KiB", "12 B".
pub(crate) fn bytes_text(bytes: u64) -> String {
    const UNITS: &[&str] = &["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    match unit {
        "B" => format!("{bytes} B"),
        _ if value < 10.0 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

/// "1.24 B", "8.03 B", "412 M", "58 k": parameters.
pub(crate) fn count_text(count: u64) -> String {
    let value = count as f64;
    match count {
        1_000_000_000.. => format!("{:.2} B", value / 1e9),
        1_000_000.. => format!("{:.0} M", value / 1e6),
        1_000.. => format!("{:.0} k", value / 1e3),
        _ => count.to_string(),
    }
}
